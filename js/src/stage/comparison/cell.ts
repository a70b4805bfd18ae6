// One method's picture: its name and time, the map of the same words, and its curves.

import { formatSeconds } from "../../core/format";
import type { Explanation } from "../../core/types";
import { type Cell, sceneOf } from "../../state/comparison";
import { currentReading, type Frame, type Scene } from "../../state/scene";
import type { Store } from "../../state/store";
import { readingName } from "../../state/words/readings";
import { h, setAttribute, setText } from "../../ui/dom";
import { setHelp } from "../../ui/help";
import { attachGestures } from "../gestures";
import { createPaintedPicture, describeKeys } from "../painting/painted-picture";
import { type Best, createCurves, type Range } from "./curves";

const WAITING = "Computing …";
const ABSENT = "Not computed for this sentence.";
const MEASURING = "Measuring …";
const CHOOSE = "Click to see its numbers beside the pictures.";

export interface MethodPicture {
  readonly element: HTMLElement;
  update(frame: Frame, cell: Cell, about: { help: string; range: Range; best: Best }): void;
  remove(): void;
}

export function createCell(store: Store, signal: AbortSignal): MethodPicture {
  const own = new AbortController(); // its listeners go with the cell
  signal.addEventListener("abort", () => own.abort(), { signal: own.signal });
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
  const picture = createPaintedPicture(around, stage, own.signal);
  let name = "";
  attachGestures(stage, store, own.signal, () => picture.shown);
  label.addEventListener("click", () => store.set({ method: name }), { signal: own.signal });
  return {
    element,
    update(frame, cell, { help, range, best }) {
      const { explanation: e } = cell;
      name = cell.name;
      setText(label, cell.label);
      setAttribute(element, "aria-label", cell.label);
      setHelp(label, [help, store.canCompute && e ? CHOOSE : ""].filter(Boolean).join("\n"));
      label.disabled = !store.canCompute || e === null;
      const seconds = e?.header.seconds ?? null;
      setText(time, seconds === null ? "" : formatSeconds(seconds));
      element.classList.toggle("is-empty", e === null);
      picture.update({ ...frame, scene: e ? sceneOf(e, frame.scene) : frame.scene });
      setAttribute(stage, "aria-label", `${cell.label}. ${describeKeys(frame.scene.explanation)}`);
      const wanted = e !== null && store.get("curves");
      curves.element.hidden = !wanted || cell.curves === null;
      if (wanted && cell.curves) curves.update(cell.curves, range, best);
      const waiting = store.canCompute && store.get("status") !== "error";
      const missing = cell.error || (waiting ? WAITING : ABSENT);
      const measuring = cell.curves?.error || (!cell.curves && waiting ? MEASURING : "");
      setText(note, e === null ? missing : (wanted && measuring) || otherReading(e, frame.scene));
      note.classList.toggle("is-error", cell.error !== "" || (wanted && Boolean(cell.curves?.error)));
    },
    remove() {
      own.abort();
      element.remove();
    },
  };
}

/** Said where a method has no map of the words in the reading on show, so that another one is shown. */
function otherReading(e: Explanation, { words, reading }: Scene): string {
  if (words.length === 0 || e.readings.has(reading)) return "";
  return `Shown ${readingName(currentReading(e, reading)).short}: it has no map of the word “${readingName(reading).label.toLowerCase()}”.`;
}
