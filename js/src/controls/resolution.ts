// The size of the picture that the model gets: finer maps take longer.

import { createSelect } from "../ui/select";
import type { Control } from "./control";

const HELP = "Give the model a larger picture, for finer maps; takes longer";
const NATIVE = ""; // the resolution that the model was trained at

export const resolution: Control = {
  key: "resolution",
  rare: true,
  shown: ({ store }) => store.live && store.get("_resolutions").length > 1,
  create(store, signal) {
    const select = createSelect("Detail", HELP, signal, (value) =>
      store.set({ resolution: value === NATIVE ? null : Number(value) }),
    );
    return {
      element: select.element,
      update() {
        const sides = store.get("_resolutions");
        const sizes = sides.map((side, k) => ({
          value: k === 0 ? NATIVE : String(side),
          label: k === 0 ? `as trained (${side} px)` : `finer (${side} px)`,
        }));
        const size = store.get("resolution");
        select.update(sizes, size === sides[0] ? NATIVE : String(size ?? NATIVE), !store.canCompute);
      },
    };
  },
};
