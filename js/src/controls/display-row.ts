// The row of controls under the picture: what is explained with, and how it is painted.

import { SCALE_NAMES } from "../core/color-scale";
import { readingName } from "../state/readings";
import type { Frame } from "../state/scene";
import type { Store } from "../state/store";
import type { Synced } from "../state/synced";
import { type Component, h, setText, uniqueId } from "../ui/dom";
import { setHelp } from "../ui/help";
import type { Menu } from "../ui/menu";
import { createSegmented, type Option } from "../ui/segmented";
import { createSelect } from "../ui/select";
import { createModels } from "./model-menu";

const SIGNS: readonly Option[] = [
  { value: "positive", label: "Raises the score", help: "Show what in the picture speaks for the words" },
  { value: "negative", label: "Lowers it", help: "Show what in the picture speaks against the words" },
  { value: "both", label: "Both", help: "Show both, on a scale with two sides" },
];

const METHOD_HELP = "How the maps are computed from what happens inside the model";
const DETAIL_HELP = "Give the model a larger picture, for finer maps; takes longer";
const SCALE_HELP = "The colors of a single word’s map, from nothing to strongest";
const SCALES = SCALE_NAMES.map((name) => ({ value: name, label: name }));
const NATIVE = ""; // the resolution that the model was trained at

export function createControls(store: Store, menu: Menu, signal: AbortSignal): Component<Frame> {
  const models = createModels(store, menu, signal);
  const method = createSelect("Method", METHOD_HELP, signal, (value) => store.set({ method: value }));
  const resolution = createSelect("Detail", DETAIL_HELP, signal, (value) =>
    store.set({ resolution: value === NATIVE ? null : Number(value) }),
  );
  const reading = createSegmented(
    "Word’s map",
    signal,
    (value) => store.set({ reading: value, image_block: null, text_block: null }), // single blocks are read in one way only
    true,
  );
  const sign = createSegmented(
    "Show what",
    signal,
    (value) => store.set({ sign: value as Synced["sign"] }),
    true,
  );
  sign.setOptions(SIGNS);
  const scale = createSelect("Color scale", SCALE_HELP, signal, (value) => store.set({ color_scale: value }));
  const slider = h("input", { type: "range", min: 0, max: 100, step: 1 });
  const heat = h("label", { class: "gradeclip-field" }, "Color strength", slider);
  setHelp(heat, "How strongly the colors cover the picture", slider);
  const line = h("input", { type: "checkbox" });
  const contour = h("label", { class: "gradeclip-field" }, line, "Outline");
  setHelp(contour, "A line around what reaches half of the strongest value", line);
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
    setText(more, open ? "Fewer settings" : "More settings");
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
      const { live, canCompute } = store;
      models.update(frame);
      const methods = store.get("_methods").map(({ name, label }) => ({ value: name, label }));
      method.update(methods, store.get("method"), !canCompute);
      const sizes = store.get("_resolutions").map((side, k) => ({
        value: k === 0 ? NATIVE : String(side),
        label: k === 0 ? `as trained (${side} px)` : `finer (${side} px)`,
      }));
      const size = store.get("resolution");
      resolution.update(
        sizes,
        size === store.get("_resolutions")[0] ? NATIVE : String(size ?? NATIVE),
        !canCompute,
      );
      const readings = [...scene.explanation.readings.keys()];
      reading.setOptions(readings.map((name) => ({ value: name, ...readingName(name) })));
      reading.choose(scene.reading);
      sign.choose(scene.sign);
      const percent = String(Math.round(100 * store.get("opacity")));
      if (slider.value !== percent) slider.value = percent;
      slider.setAttribute("aria-valuetext", `${percent} %`);
      const known = SCALE_NAMES.includes(store.get("color_scale"));
      // Evidence against has colors of its own.
      scale.update(SCALES, known ? store.get("color_scale") : SCALE_NAMES[0], scene.sign !== "positive");
      line.checked = store.get("contour");

      const menus = {
        models: live && store.isControlVisible("model") && store.get("_models").length > 1,
        method: live && store.isControlVisible("method") && methods.length > 1,
        resolution: live && store.isControlVisible("resolution") && sizes.length > 1,
      };
      const rare = [
        store.isControlVisible("opacity"),
        store.isControlVisible("color_scale"),
        store.isControlVisible("contour"),
        menus.resolution,
      ];
      show(models.element, menus.models);
      show(method.element, menus.method);
      show(resolution.element, menus.resolution);
      show(reading.element, store.isControlVisible("reading") && readings.length > 1);
      show(sign.element, store.isControlVisible("sign"));
      show(heat, store.isControlVisible("opacity"));
      show(scale.element, store.isControlVisible("color_scale"));
      show(contour, store.isControlVisible("contour"));
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
