// Notes on an explanation: those from Python, and that no word adds to the score.

import { importanceOf } from "../core/evidence";
import type { Explanation } from "../core/types";
import type { Frame } from "../state/scene";
import { type Component, h } from "../ui/dom";

export function createNotes(): Component<Frame> {
  const element = h("ul", { class: "gradeclip-notes", hidden: true });
  let shown: Explanation | null = null;
  return {
    element,
    update({ scene }) {
      if (scene.explanation === shown) return;
      shown = scene.explanation;
      const { notes, foreign } = shown.header;
      const all = notes.slice(foreign ? 1 : 0); // the banner on a foreign picture says the first one
      const nothing = importanceOf(shown).values.every((value) => value <= 0);
      if (nothing && !foreign) all.push("No word adds to this score.");
      element.replaceChildren(...all.map((note) => h("li", {}, note)));
      element.hidden = all.length === 0;
    },
  };
}
