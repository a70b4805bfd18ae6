// The maps of several methods side by side, in place of the one picture. A hovered or pinned word
// and a region are the same in all of them.

import { formatSeconds } from "../core/format";
import type { Explanation } from "../core/types";
import { type Cell, comparedCells, describeMethod, sceneOf } from "../state/comparison";
import { currentReading, type Scene, type View, viewUntil } from "../state/scene";
import { derived } from "../state/signals";
import { readingName } from "../state/wording";
import { h, setAttribute, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import { CROSS, iconButton } from "../ui/icons";
import { createChips } from "./chips";
import { createCurves, type Range, scoreRange } from "./curves";
import { attachGestures } from "./gestures";
import { describeKeys, showPicture } from "./painted-picture";

const CURVES = "Deletion and insertion";
const CURVES_HELP = "Test each method’s map on this picture";
const CURVES_KEY =
  "The score relative to that of the picture as it is, while pixels are replaced by noise (deletion) or brought back " +
  "(insertion), those first that MAP shows most. Numbers: mean height of the curve. A good map has a low deletion and " +
  "a high insertion. One picture does not show which method is better: measure it on many.";
const MAPS = { words: "the map of all words", caption: "the map of the whole sentence" };
const WAITING = "Computing …";
const ABSENT = "Not computed for this sentence.";
const MEASURING = "Measuring …";
const CHOOSE = "Click to see its numbers below the pictures.";

/** The compared methods, with the scale of their curves. */
interface Cells {
  cells: readonly Cell[];
  names: string; // of the methods, as JSON
  range: Range;
}

/** @returns the element, and its head, which takes the words on the progress. */
export function createComparison(view: View): { element: HTMLElement; head: HTMLElement } {
  const { store, scene, signal, draw } = view;
  const title = h("h3", { class: "gradeclip-comparison-title" }, "Methods side by side");
  const curves = h("button", { type: "button", class: "gradeclip-button" }, CURVES);
  setHelp(curves, CURVES_HELP);
  const close = iconButton("Stop comparing", CROSS);
  const head = h("div", { class: "gradeclip-comparison-head" }, title, curves, close);
  const grid = h("div", { class: "gradeclip-cells" });
  const key = h("p", { class: "gradeclip-cell-note" });
  const element = h("section", { class: "gradeclip-comparison", hidden: true }, head, grid, key);
  curves.addEventListener("click", () => store.set({ curves: !store.get("curves") }), { signal });
  close.addEventListener("click", () => store.set({ compare: [] }), { signal });

  const measured = () => state.cells.map((cell) => (store.get("curves") ? cell.curves : null));
  const state: Cells = derived({
    cells: () => (store.comparing ? comparedCells(store, scene.explanation) : []),
    names: () => JSON.stringify(state.cells.map(({ name }) => name)),
    range: () => scoreRange(measured()),
  });
  const pictures = new Map<string, { element: HTMLElement; end: AbortController }>();

  draw(() => {
    element.hidden = !store.comparing;
    const any = state.cells.some((cell) => cell.curves !== null);
    curves.hidden = !store.isControlVisible("curves") || !(store.live || any);
    curves.disabled = store.live && !store.canCompute && !any;
    setAttribute(curves, "aria-pressed", String(store.get("curves")));
    key.hidden = !store.get("curves");
    const source = measured().find((of) => of?.source)?.source ?? store.get("overview");
    key.textContent = CURVES_KEY.replace("MAP", MAPS[source]);
  });
  draw(() => {
    const names: string[] = JSON.parse(state.names);
    for (const [name, picture] of pictures) {
      if (names.includes(name)) continue;
      picture.end.abort();
      picture.element.remove();
      pictures.delete(name);
    }
    names.forEach((name, k) => {
      if (!pictures.has(name)) {
        const end = new AbortController(); // of the cell
        signal.addEventListener("abort", () => end.abort(), { signal: end.signal });
        pictures.set(name, { element: createCell(name, state, viewUntil(end.signal, view)), end });
      }
      const picture = pictures.get(name)!.element;
      if (grid.children[k] !== picture) grid.insertBefore(picture, grid.children[k] ?? null);
    });
  });
  return { element, head };
}

/** One method's picture: its name and time, the map of the same words, and its curves. */
function createCell(name: string, cells: Cells, view: View): HTMLElement {
  const { store, scene, signal, draw } = view;
  const label = h("button", { type: "button", class: "gradeclip-cell-label" });
  const time = h("em");
  const head = h("div", { class: "gradeclip-cell-head" }, label, time);
  const stage = h("div", {
    class: "gradeclip-stage",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "picture",
  });
  const around = h("div", { class: "gradeclip-picture" }, stage);
  const note = h("p", { class: "gradeclip-cell-note", role: "status" });
  const curves = createCurves();
  const element = h("div", { class: "gradeclip-cell", role: "group" }, head, around, note, curves.element);
  const shown = derived({ cell: () => cells.cells.find((cell) => cell.name === name)! });
  attachGestures(stage, view);
  const picture = sceneOf(() => shown.cell, scene);
  showPicture(view, picture, around, stage);
  stage.append(createChips(view, picture, stage));
  label.addEventListener("click", () => store.set({ method: name }), { signal });
  draw(() => {
    const { cell } = shown;
    const { explanation: e } = cell;
    const method = store.get("_methods").find((entry) => entry.name === name);
    setText(label, cell.label);
    setAttribute(element, "aria-label", cell.label);
    setHelp(
      label,
      [method && describeMethod(method), store.canCompute && e && CHOOSE].filter(Boolean).join("\n"),
    );
    label.disabled = !store.canCompute || e === null;
    const seconds = e?.header.seconds ?? null;
    setText(time, seconds === null ? "" : formatSeconds(seconds));
    element.classList.toggle("is-empty", e === null);
    setAttribute(stage, "aria-label", `${cell.label}. ${describeKeys(scene.explanation)}`);
  });
  draw(() => {
    const { cell } = shown;
    const { explanation: e } = cell;
    const measure = e !== null && store.get("curves");
    curves.element.hidden = !measure || cell.curves === null;
    if (measure && cell.curves) curves.update(cell.curves, cells.range);
    const waiting = store.canCompute && store.get("status") !== "error";
    const missing = cell.error || (waiting ? WAITING : ABSENT);
    const measuring = cell.curves?.error || (!cell.curves && waiting ? MEASURING : "");
    setText(note, e === null ? missing : (measure && measuring) || otherReading(e, scene));
    note.classList.toggle("is-error", cell.error !== "" || (measure && Boolean(cell.curves?.error)));
  });
  return element;
}

/** The note of a method that has no map of the words in the chosen reading, so that another reading is shown. */
function otherReading(e: Explanation, { words, reading }: Scene): string {
  if (words.length === 0 || e.readings.has(reading)) return "";
  const [shown, requested] = [currentReading(e, reading), reading].map((name) => readingName(name).label);
  return `Words read ${shown}: this method cannot read them ${requested}.`;
}
