// The maps of several methods side by side, in place of the one picture. What is hovered, pinned or selected in one
// is so in all.

import { type Cell, comparedCells, describeMethod, isComparing } from "../../state/comparison";
import type { Frame } from "../../state/scene";
import { ALL_KEYS, type Store } from "../../state/store";
import { type Component, h, setAttribute } from "../../ui/dom";
import { setHelp } from "../../ui/help";
import { CROSS, iconButton } from "../../ui/icons";
import { createCell, type MethodPicture } from "./cell";
import { bestOf, scoreRange } from "./curves";

const CURVES = "Deletion and insertion";
const CURVES_HELP = "Test each method’s map on this picture";
const CURVES_KEY =
  "The score relative to that of the picture as it is, while pixels are replaced by noise (deletion) or brought back " +
  "(insertion), those first that MAP shows most. Numbers: mean height of the curve. A good map has a low deletion and " +
  "a high insertion; the best are bold.";
const MAPS = { words: "the map of the words together", caption: "the map of the whole sentence" };

export interface Comparison extends Component<Frame> {
  readonly head: HTMLElement; // takes what is said of the progress
}

export function createComparison(store: Store, signal: AbortSignal): Comparison {
  const title = h("h3", { class: "gradeclip-comparison-title" }, "Methods side by side");
  const curves = h("button", { type: "button", class: "gradeclip-button" }, CURVES);
  setHelp(curves, CURVES_HELP);
  const close = iconButton("Stop comparing", CROSS);
  const head = h("div", { class: "gradeclip-comparison-head" }, title, curves, close);
  const grid = h("div", { class: "gradeclip-cells" });
  const key = h("p", { class: "gradeclip-cell-note" });
  const element = h("section", { class: "gradeclip-comparison", hidden: true }, head, grid, key);
  const pictures = new Map<string, MethodPicture>();
  curves.addEventListener("click", () => store.set({ curves: !store.get("curves") }), { signal });
  close.addEventListener("click", () => store.set({ compare: [] }), { signal });
  signal.addEventListener("abort", () => keep([]));

  /** Remove the pictures of methods that are compared no longer. */
  const keep = (cells: readonly Cell[]) => {
    const names = new Set(cells.map(({ name }) => name));
    for (const [name, picture] of pictures) {
      if (names.has(name)) continue;
      picture.remove();
      pictures.delete(name);
    }
  };

  return {
    element,
    head,
    update(frame) {
      element.hidden = !isComparing(store);
      const cells = element.hidden ? [] : comparedCells(store, frame.scene.explanation);
      keep(cells);
      if (element.hidden) return;
      const measured = cells.some((cell) => cell.curves !== null);
      curves.hidden = !store.isControlVisible("curves") || !(store.live || measured);
      curves.disabled = store.live && !store.canCompute && !measured;
      setAttribute(curves, "aria-pressed", String(store.get("curves")));
      key.hidden = !store.get("curves");
      const shown = cells.map(({ curves: of }) => (store.get("curves") ? of : null));
      const source = shown.find((of) => of?.source)?.source ?? store.get("overview");
      key.textContent = CURVES_KEY.replace("MAP", MAPS[source]);
      const range = scoreRange(shown);
      const best = bestOf(shown);
      cells.forEach((cell, k) => {
        const known = pictures.get(cell.name);
        const picture = known ?? createCell(store, signal);
        if (!known) pictures.set(cell.name, picture);
        if (grid.children[k] !== picture.element)
          grid.insertBefore(picture.element, grid.children[k] ?? null);
        const method = store.get("_methods").find(({ name }) => name === cell.name);
        picture.update(known ? frame : { ...frame, changes: ALL_KEYS, repaint: true }, cell, {
          help: method ? describeMethod(method) : "",
          range,
          best,
        });
      });
    },
  };
}
