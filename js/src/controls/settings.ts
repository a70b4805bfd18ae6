// The settings: how words are read and how the picture is painted. A button at the foot of the widget opens them.

import type { View } from "../state/scene";
import { h, setAttribute, uniqueId } from "../ui/dom";
import type { Menu } from "../ui/menu";
import { resolution } from "./computing";
import type { Control } from "./control";
import { layers } from "./layers";
import { colorScale, contour, opacity, reading, sign } from "./painting";

/** The settings, in their order. */
const SETTINGS: readonly Control[] = [
  // What the maps are of
  reading,
  sign,
  layers,
  // How they are painted
  opacity,
  colorScale,
  contour,
  resolution,
];

/** @returns the settings, and the button that opens them. */
export function createSettings(view: View, menu: Menu): { element: HTMLElement; button: HTMLElement } {
  const { store, signal, draw } = view;
  const controls = SETTINGS.map((control) => ({ control, element: control.create(view, menu) }));
  const id = uniqueId();
  const button = h(
    "button",
    { type: "button", class: "gradeclip-button gradeclip-settings-button", "aria-controls": id },
    "Settings",
  );
  const element = h(
    "div",
    { id, class: "gradeclip-settings", role: "group", "aria-label": "Settings" },
    ...controls.map(({ element }) => element),
  );
  button.addEventListener(
    "click",
    () => {
      store.view.settings = !store.view.settings;
    },
    { signal },
  );
  draw(() => {
    const visible = controls.filter(({ control, element }) => {
      element.hidden = !store.isControlVisible(control.key) || control.shown?.(view) === false;
      return !element.hidden;
    });
    button.hidden = visible.length === 0;
    element.hidden = button.hidden || !store.view.settings;
    setAttribute(button, "aria-expanded", String(store.view.settings));
  });
  return { element, button };
}
