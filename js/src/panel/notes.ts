// Notes on an explanation: those from Python, and that no word speaks for the match.

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
      const { notes, no_evidence } = shown.header;
      const all = [...notes];
      if (no_evidence.text) all.push("No word counts in favor of this match.");
      element.replaceChildren(...all.map((note) => h("li", {}, note)));
      element.hidden = all.length === 0;
    },
  };
}
