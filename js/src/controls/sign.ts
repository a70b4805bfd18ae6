// Which evidence is shown: for the match, against it, or both.

import type { Sign } from "../core/types";
import { createSegmented, type Option } from "../ui/segmented";
import type { Control } from "./control";

const SIGNS: readonly Option[] = [
  { value: "positive", label: "Raises the score", help: "Show what in the picture speaks for the words" },
  { value: "negative", label: "Lowers it", help: "Show what in the picture speaks against the words" },
  { value: "both", label: "Both", help: "Show both, on a scale with two sides" },
];

export const sign: Control = {
  key: "sign",
  shown: ({ scene }) => scene.versus === null, // of a difference both sides are shown
  create(store, signal) {
    const switches = createSegmented(
      "Show what",
      signal,
      (value) => store.set({ sign: value as Sign }),
      true,
    );
    switches.setOptions(SIGNS);
    return {
      element: switches.element,
      update() {
        switches.choose(store.get("sign"));
      },
    };
  },
};
