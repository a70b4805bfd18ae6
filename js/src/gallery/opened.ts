// The open pair: a bar to go back and on, and a large picture until the full explanation has been computed, or instead
// of it if that fails.

import { h, setText } from "../ui/dom";
import { BACK, FORWARD, iconButton } from "../ui/icons";
import { describePair } from "./card";
import { format } from "./controls";
import type { Opened } from "./entries";
import { type Bitmaps, type Painting, paintPair } from "./paint";
import type { Pair } from "./tiles";

const LONGEST = 440; // pixels of the large picture's longer side

export interface OpenedPanel {
  readonly element: HTMLElement;
  focus(): void;
  /** @param pair undefined until it has arrived. */
  update(
    opened: Opened | null,
    pair: Pair | undefined,
    count: number,
    compared: boolean,
    look: Painting,
  ): void;
}

export function createOpened(
  bitmaps: Bitmaps,
  act: { close(): void; step(by: number): void },
  signal: AbortSignal,
): OpenedPanel {
  const back = h("button", { type: "button", class: "gradeclip-button gallery-back" }, "All pairs");
  const where = h("span", { class: "gallery-where" });
  const before = iconButton("Pair before", BACK);
  const after = iconButton("Pair after", FORWARD);
  const bar = h("div", { class: "gallery-openbar" }, back, where, before, after);
  const canvas = h("canvas", { class: "gallery-large", "aria-hidden": "true" });
  const facts = h("div", { class: "gallery-about" });
  const sentence = h("p", { class: "gallery-sentence", role: "status" });
  const preview = h("div", { class: "gallery-preview" }, canvas, facts);
  const element = h("div", { class: "gallery-opened", hidden: true }, bar, sentence, preview);
  let shown: Pair | undefined;
  back.addEventListener("click", act.close, { signal });
  before.addEventListener("click", () => act.step(-1), { signal });
  after.addEventListener("click", () => act.step(1), { signal });
  element.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      act.close();
    },
    { signal },
  );

  const paint = (pair: Pair, look: Painting) => {
    const pictures = look.side === "both" ? 2 : 1;
    const scale = LONGEST / Math.max(...pair.size);
    const [width, height] = pair.size.map((side) => Math.round(side * scale));
    const size = [width * pictures, height] as const;
    const bitmap = bitmaps.get(pair, () => {
      if (shown === pair) paint(pair, look);
    });
    canvas.style.aspectRatio = `${size[0]} / ${size[1]}`;
    canvas.style.maxWidth = `${size[0]}px`;
    if (bitmap !== undefined) paintPair(canvas, pair, bitmap, size, look);
  };

  return {
    element,
    focus: () => back.focus({ preventScroll: true }),
    update(opened, pair, count, compared, look) {
      element.hidden = opened === null;
      if (!opened) {
        shown = undefined;
        return;
      }
      const { index, status } = opened;
      setText(
        where,
        index === null ? "Not among the pairs on show" : `${format(index + 1)} of ${format(count)}`,
      );
      before.disabled = index === null || index === 0;
      after.disabled = index === null || index >= count - 1;
      const loading = "Explaining the pair in full …";
      setText(sentence, status === "loading" ? loading : opened.sentence);
      sentence.classList.toggle("is-failure", status === "failed");
      sentence.hidden = status === "ready" && opened.sentence === "";
      preview.hidden = status === "ready";
      if (!pair || preview.hidden) return;
      if (pair !== shown) facts.replaceChildren(...describePair(pair, compared));
      shown = pair;
      paint(pair, look);
    },
  };
}
