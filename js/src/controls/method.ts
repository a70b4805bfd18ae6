// The explanation method.

import { createSelect } from "../ui/select";
import type { Control } from "./control";

const HELP = "How the maps are computed from what happens inside the model";

export const method: Control = {
  key: "method",
  shown: ({ store }) => store.live && store.get("_methods").length > 1,
  create(store, signal) {
    const select = createSelect("Method", HELP, signal, (value) => store.set({ method: value }));
    return {
      element: select.element,
      update() {
        const methods = store.get("_methods").map(({ name, label }) => ({ value: name, label }));
        select.update(methods, store.get("method"), !store.canCompute);
      },
    };
  },
};
