// The menu of explanation methods: what each is for, and what it cannot see.

import { describeMethod } from "../state/comparison";
import type { Store } from "../state/store";
import type { Choice } from "../ui/menu";
import { createMenuButton } from "../ui/menu-button";
import type { Control } from "./control";

const HELP = "How the maps are computed from what happens inside the model";

export const method: Control = {
  key: "method",
  shown: ({ store }) => store.live && store.get("_methods").length > 1,
  create(store, signal, menu) {
    const button = createMenuButton("Method", HELP, "Methods", menu, signal, () => methodChoices(store));
    return {
      element: button.element,
      update() {
        const name = store.get("method");
        const method = store.get("_methods").find((entry) => entry.name === name);
        button.update(method?.label ?? name, !store.canCompute);
      },
    };
  },
};

function methodChoices(store: Store): Choice[] {
  return store.get("_methods").map((entry) => ({
    label: entry.label,
    note: describeMethod(entry),
    disabled: Boolean(entry.refusal),
    current: entry.name === store.get("method"),
    act: () => store.set({ method: entry.name }),
  }));
}
