// Controls of what the picture shows and how it is painted.

import { SCALE_NAMES } from "../core/color-scale";
import type { Sign } from "../core/types";
import { readingName } from "../state/wording";
import { createSegmented, createSelect, type Option } from "../ui/choice";
import { h } from "../ui/dom";
import { setHelp } from "../ui/help";
import type { Control } from "./control";

/** The reading of a word: which of its maps is shown. */
export const reading: Control = {
  key: "reading",
  shown: ({ scene }) => scene.explanation.readings.size > 1,
  create({ store, scene, signal, draw }) {
    const switches = createSegmented(
      "Read each word",
      signal,
      (value) => store.set({ reading: value, image_block: null, text_block: null }), // single blocks have one reading
      true,
    );
    draw(() => {
      const names = [...scene.explanation.readings.keys()];
      switches.setOptions(names.map((name) => ({ value: name, ...readingName(name) })));
      switches.choose(scene.reading);
    });
    return switches.element;
  },
};

const SIGNS: readonly Option[] = [
  { value: "positive", label: "supports", help: "Show what in the picture speaks for the words" },
  { value: "negative", label: "opposes", help: "Show what in the picture speaks against the words" },
  { value: "both", label: "both", help: "Show both, on a scale with two sides" },
];

/** Which evidence is shown: for the match, against it, or both. */
export const sign: Control = {
  key: "sign",
  shown: ({ scene }) => scene.versus === null, // of a difference both sides are shown
  create({ store, signal, draw }) {
    const switches = createSegmented("Show", signal, (value) => store.set({ sign: value as Sign }), true);
    switches.setOptions(SIGNS);
    draw(() => switches.choose(store.get("sign")));
    return switches.element;
  },
};

/** How strongly the colors cover the picture. */
export const opacity: Control = {
  key: "opacity",
  create({ store, signal, draw }) {
    const slider = h("input", { type: "range", min: 0, max: 100, step: 1 });
    const element = h("label", { class: "gradeclip-field" }, "Heat opacity", slider);
    setHelp(element, "How strongly the colors cover the picture", slider);
    slider.addEventListener("input", () => store.set({ opacity: Number(slider.value) / 100 }), { signal });
    draw(() => {
      const percent = String(Math.round(100 * store.get("opacity")));
      if (slider.value !== percent) slider.value = percent;
      slider.setAttribute("aria-valuetext", `${percent} %`);
    });
    return element;
  },
};

const SCALES = SCALE_NAMES.map((name) => ({ value: name, label: name }));

/** The colors of a single map. */
export const colorScale: Control = {
  key: "color_scale",
  create({ store, signal, draw }) {
    const help = "The colors of a single word’s map, from nothing to strongest";
    const select = createSelect("Heat colors", help, signal, (value) => store.set({ color_scale: value }));
    draw(() => {
      const name = store.get("color_scale");
      const known = SCALE_NAMES.includes(name) ? name : SCALE_NAMES[0];
      select.update(SCALES, known, store.get("sign") !== "positive"); // evidence against has other colors
    });
    return select.element;
  },
};

/** A line around what is strong. */
export const contour: Control = {
  key: "contour",
  create({ store, signal, draw }) {
    const box = h("input", { type: "checkbox" });
    const element = h("label", { class: "gradeclip-field" }, box, "Outline");
    setHelp(element, "A line around what reaches half of the strongest value", box);
    box.addEventListener("change", () => store.set({ contour: box.checked }), { signal });
    draw(() => {
      box.checked = store.get("contour");
    });
    return element;
  },
};
