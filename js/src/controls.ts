// The row of controls under the picture.

import { SCALE_NAMES } from "./colour";
import { type Component, h, uniqueId } from "./dom";
import type { Frame } from "./scene";
import type { Store, Synced } from "./state";

interface Option {
  value: string;
  label: string;
  tip: string;
}

const READING_TIPS: Readonly<Record<string, string>> = {
  "in caption": "The word’s own part of this caption’s score",
  alone: "Where the model looks for “a photo of a …”",
  "left out": "What the score loses without the word",
};

const SIGNS: readonly Option[] = [
  { value: "positive", label: "for", tip: "Patches that raise the score" },
  { value: "negative", label: "against", tip: "Patches that lower the score" },
  { value: "both", label: "both", tip: "Both, on a two-sided scale" },
];

export function createControls(store: Store, signal: AbortSignal): Component<Frame> {
  const reading = segmented("Reading of a word", signal, (value) => store.set({ reading: value }));
  const sign = segmented("Evidence", signal, (value) => store.set({ sign: value as Synced["sign"] }));
  sign.setOptions(SIGNS);
  const heat = h("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": "Heat opacity" });
  const scale = h(
    "select",
    { "aria-label": "Colour scale" },
    ...SCALE_NAMES.map((n) => h("option", { value: n }, n)),
  );
  const contour = h("input", { type: "checkbox" });
  heat.addEventListener("input", () => store.set({ opacity: Number(heat.value) / 100 }), { signal });
  scale.addEventListener("change", () => store.set({ color_scale: scale.value }), { signal });
  contour.addEventListener("change", () => store.set({ contour: contour.checked }), { signal });
  const element = h(
    "div",
    { class: "gradeclip-controls", role: "group", "aria-label": "Display" },
    reading.element,
    sign.element,
    h("label", { class: "gradeclip-field" }, "heat", heat),
    h("label", { class: "gradeclip-field" }, "colours", scale),
    h(
      "label",
      { class: "gradeclip-field", title: "A line at half of the map’s maximum" },
      contour,
      "contour",
    ),
  );
  let names = "";
  return {
    element,
    update({ scene }) {
      const readings = [...scene.explanation.readings.keys()];
      if (names !== readings.join("\n")) {
        names = readings.join("\n");
        reading.setOptions(readings.map((n) => ({ value: n, label: n, tip: READING_TIPS[n] ?? n })));
      }
      reading.choose(scene.reading);
      sign.choose(scene.sign);
      const percent = String(Math.round(100 * store.get("opacity")));
      if (heat.value !== percent) heat.value = percent;
      heat.setAttribute("aria-valuetext", `${percent} %`);
      const known = SCALE_NAMES.includes(store.get("color_scale"));
      scale.value = known ? store.get("color_scale") : SCALE_NAMES[0];
      scale.disabled = scene.sign !== "positive"; // evidence against has colours of its own
      contour.checked = store.get("contour");
    },
  };
}

/** A row of radio buttons that looks like one control. */
function segmented(label: string, signal: AbortSignal, pick: (value: string) => void) {
  const element = h("div", { class: "gradeclip-segmented", role: "radiogroup", "aria-label": label });
  const name = uniqueId();
  let inputs: HTMLInputElement[] = [];
  element.addEventListener("change", (event) => pick((event.target as HTMLInputElement).value), { signal });
  return {
    element,
    setOptions(options: readonly Option[]): void {
      inputs = options.map(({ value }) => h("input", { type: "radio", name, value }));
      element.replaceChildren(
        ...options.map(({ label: text, tip }, k) => {
          inputs[k].setAttribute("aria-description", tip);
          return h("label", { "data-tip": tip }, inputs[k], h("span", {}, text));
        }),
      );
    },
    choose(value: string): void {
      for (const input of inputs) input.checked = input.value === value;
    },
  };
}
