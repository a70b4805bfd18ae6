// The colors of a single map.

import { SCALE_NAMES } from "../core/color-scale";
import { createSelect } from "../ui/select";
import type { Control } from "./control";

const HELP = "The colors of a single word’s map, from nothing to strongest";
const SCALES = SCALE_NAMES.map((name) => ({ value: name, label: name }));

export const colorScale: Control = {
  key: "color_scale",
  rare: true,
  create(store, signal) {
    const select = createSelect("Color scale", HELP, signal, (value) => store.set({ color_scale: value }));
    return {
      element: select.element,
      update() {
        const name = store.get("color_scale");
        const known = SCALE_NAMES.includes(name) ? name : SCALE_NAMES[0];
        select.update(SCALES, known, store.get("sign") !== "positive"); // evidence against has colors of its own
      },
    };
  },
};
