// A line around what is strong.

import { h } from "../ui/dom";
import { setHelp } from "../ui/help";
import type { Control } from "./control";

export const contour: Control = {
  key: "contour",
  rare: true,
  create(store, signal) {
    const box = h("input", { type: "checkbox" });
    const element = h("label", { class: "gradeclip-field" }, box, "Outline");
    setHelp(element, "A line around what reaches half of the strongest value", box);
    box.addEventListener("change", () => store.set({ contour: box.checked }), { signal });
    return {
      element,
      update() {
        box.checked = store.get("contour");
      },
    };
  },
};
