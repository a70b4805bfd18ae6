// How strongly the colors cover the picture.

import { h } from "../ui/dom";
import { setHelp } from "../ui/help";
import type { Control } from "./control";

export const opacity: Control = {
  key: "opacity",
  rare: true,
  create(store, signal) {
    const slider = h("input", { type: "range", min: 0, max: 100, step: 1 });
    const element = h("label", { class: "gradeclip-field" }, "Color strength", slider);
    setHelp(element, "How strongly the colors cover the picture", slider);
    slider.addEventListener("input", () => store.set({ opacity: Number(slider.value) / 100 }), { signal });
    return {
      element,
      update() {
        const percent = String(Math.round(100 * store.get("opacity")));
        if (slider.value !== percent) slider.value = percent;
        slider.setAttribute("aria-valuetext", `${percent} %`);
      },
    };
  },
};
