// The row of controls under the picture: what is explained with, and how it is painted.

import { SCALE_NAMES } from "./colour";
import { type Component, h, setText, uniqueId } from "./dom";
import { createModels } from "./models";
import type { Frame } from "./scene";
import { createSegmented, type Option } from "./segmented";
import { createSelect } from "./select";
import type { Store, Synced } from "./state";

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

const SCALES = SCALE_NAMES.map((name) => ({ value: name, label: name }));
const NATIVE = ""; // the resolution that the model was trained at

export function createControls(store: Store, signal: AbortSignal): Component<Frame> {
  const models = createModels(store, signal);
  const method = createSelect("method", signal, (value) => store.set({ method: value }));
  const resolution = createSelect("resolution", signal, (value) =>
    store.set({ resolution: value === NATIVE ? null : Number(value) }),
  );
  const reading = createSegmented(
    "Reading of a word",
    signal,
    (value) => store.set({ reading: value, image_block: null, text_block: null }), // single blocks are read in one way only
  );
  const sign = createSegmented("Evidence", signal, (value) => store.set({ sign: value as Synced["sign"] }));
  sign.setOptions(SIGNS);
  const scale = createSelect("colours", signal, (value) => store.set({ color_scale: value }));
  const slider = h("input", { type: "range", min: 0, max: 100, step: 1, "aria-label": "Heat opacity" });
  const heat = h("label", { class: "gradeclip-field" }, "heat", slider);
  const line = h("input", { type: "checkbox" });
  const contour = h(
    "label",
    { class: "gradeclip-field", title: "A line at half of the map’s maximum" },
    line,
    "contour",
  );
  slider.addEventListener("input", () => store.set({ opacity: Number(slider.value) / 100 }), { signal });
  line.addEventListener("change", () => store.set({ contour: line.checked }), { signal });

  const id = uniqueId();
  const more = h("button", { type: "button", class: "gradeclip-more", "aria-controls": id });
  const drawer = h(
    "div",
    { id, class: "gradeclip-drawer" },
    heat,
    scale.element,
    contour,
    resolution.element,
  );
  let open = false;
  more.addEventListener(
    "click",
    () => {
      open = !open;
      disclose();
    },
    { signal },
  );
  /** Where the row is short all stands in it; with menus in it, what is rarely used goes behind "more". */
  const disclose = () => {
    const crowded = !isHidden(more);
    drawer.classList.toggle("is-inline", !crowded);
    drawer.hidden = crowded && !open;
    more.setAttribute("aria-expanded", String(open));
    setText(more, open ? "Less" : "More");
  };

  const element = h(
    "div",
    { class: "gradeclip-controls", role: "group", "aria-label": "Display" },
    models.element,
    method.element,
    reading.element,
    sign.element,
    more,
    drawer,
  );
  return {
    element,
    update(frame) {
      const { scene } = frame;
      const { live, canAsk } = store;
      models.update(frame);
      const methods = store.get("_methods").map(({ name, label }) => ({ value: name, label }));
      method.update(methods, store.get("method"), !canAsk);
      const sizes = store.get("_resolutions").map((side, k) => ({
        value: k === 0 ? NATIVE : String(side),
        label: k === 0 ? `${side} px, the model’s own` : `${side} px`,
      }));
      const size = store.get("resolution");
      resolution.update(
        sizes,
        size === store.get("_resolutions")[0] ? NATIVE : String(size ?? NATIVE),
        !canAsk,
      );
      const readings = [...scene.explanation.readings.keys()];
      reading.setOptions(readings.map((n) => ({ value: n, label: n, tip: READING_TIPS[n] ?? n })));
      reading.choose(scene.reading);
      sign.choose(scene.sign);
      const percent = String(Math.round(100 * store.get("opacity")));
      if (slider.value !== percent) slider.value = percent;
      slider.setAttribute("aria-valuetext", `${percent} %`);
      const known = SCALE_NAMES.includes(store.get("color_scale"));
      // Evidence against has colours of its own.
      scale.update(SCALES, known ? store.get("color_scale") : SCALE_NAMES[0], scene.sign !== "positive");
      line.checked = store.get("contour");

      const menus = {
        models: live && store.offers("model") && store.get("_models").length > 1,
        method: live && store.offers("method") && methods.length > 1,
        resolution: live && store.offers("resolution") && sizes.length > 1,
      };
      const rare = [store.offers("heat"), store.offers("colours"), store.offers("contour"), menus.resolution];
      show(models.element, menus.models);
      show(method.element, menus.method);
      show(resolution.element, menus.resolution);
      show(reading.element, store.offers("reading") && readings.length > 1);
      show(sign.element, store.offers("evidence"));
      show(heat, store.offers("heat"));
      show(scale.element, store.offers("colours"));
      show(contour, store.offers("contour"));
      const crowded = rare.filter(Boolean).length > 1;
      show(more, crowded && (menus.models || menus.method || menus.resolution));
      disclose();
      const anything = [...element.children].some((child) => child !== drawer && !isHidden(child));
      show(element, anything || rare.includes(true));
    },
  };
}

function show(element: Element, shown: boolean): void {
  element.toggleAttribute("hidden", !shown);
}

function isHidden(element: Element): boolean {
  return element.hasAttribute("hidden");
}
