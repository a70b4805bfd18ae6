// The menu of methods to compare: several can be chosen, and their maps stand side by side.

import { comparableMethods, describeMethod, MOST_COMPARED, toggleCompared } from "../state/comparison";
import type { Store } from "../state/store";
import type { Choice } from "../ui/menu";
import { createMenuButton } from "../ui/menu-button";
import type { Control } from "./control";

const HELP = "Show the same words by several methods, side by side";
const ENOUGH = `At most ${MOST_COMPARED} methods at a time.`;

export const compare: Control = {
  key: "compare",
  shown: ({ store }) => comparableMethods(store).length > 1,
  create(store, signal, menu) {
    const title = "Methods to compare";
    const button = createMenuButton("Compare methods", HELP, title, menu, signal, () =>
      comparisonChoices(store),
    );
    return {
      element: button.element,
      update() {
        const { length } = store.get("compare");
        button.update(length > 0 ? String(length) : "", store.live && !store.canCompute);
      },
    };
  },
};

function comparisonChoices(store: Store): Choice[] {
  const compared = store.get("compare");
  return comparableMethods(store).map((entry) => {
    const checked = compared.includes(entry.name);
    const full = !checked && compared.length >= MOST_COMPARED;
    return {
      label: entry.label,
      note: full ? ENOUGH : describeMethod(entry),
      disabled: !checked && (full || Boolean(entry.refusal)),
      checked,
      act: () => store.set({ compare: toggleCompared(store, entry.name) }),
    };
  });
}
