// The reading of a word: which of its maps is shown.

import { readingName } from "../state/words/readings";
import { createSegmented } from "../ui/segmented";
import type { Control } from "./control";

export const reading: Control = {
  key: "reading",
  shown: ({ scene }) => scene.explanation.readings.size > 1,
  create(store, signal) {
    const switches = createSegmented(
      "Word’s map",
      signal,
      (value) => store.set({ reading: value, image_block: null, text_block: null }), // single blocks have one reading
      true,
    );
    return {
      element: switches.element,
      update({ scene }) {
        const names = [...scene.explanation.readings.keys()];
        switches.setOptions(names.map((name) => ({ value: name, ...readingName(name) })));
        switches.choose(scene.reading);
      },
    };
  },
};
