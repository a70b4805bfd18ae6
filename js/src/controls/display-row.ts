// The row of controls under the picture: the model and the methods, and how the picture is painted.

import type { View } from "../state/scene";
import { ASKS } from "../state/synced";
import { h, setText, uniqueId } from "../ui/dom";
import type { Menu } from "../ui/menu";
import { compare, method, model, resolution } from "./computing";
import type { Control } from "./control";
import { colorScale, contour, opacity, reading, sign } from "./painting";

/** The controls, in their order. */
const CONTROLS: readonly Control[] = [
  model,
  method,
  compare,
  reading,
  sign,
  opacity,
  colorScale,
  contour,
  resolution,
];

export function createDisplayRow(view: View, menu: Menu): HTMLElement {
  const { store, signal, draw } = view;
  const controls = CONTROLS.map((control) => ({ control, element: control.create(view, menu) }));
  const elements = (rare: boolean) =>
    controls.filter(({ control }) => Boolean(control.rare) === rare).map(({ element }) => element);
  const id = uniqueId();
  const more = h("button", { type: "button", class: "gradeclip-more", "aria-controls": id });
  const drawer = h("div", { id, class: "gradeclip-drawer" }, ...elements(true));
  const element = h(
    "div",
    { class: "gradeclip-controls", role: "group", "aria-label": "Display" },
    ...elements(false),
    more,
    drawer,
  );
  let open = false;
  /** A short row shows every control; in a long one the rare ones are behind a button. */
  const disclose = () => {
    const crowded = !more.hidden;
    drawer.classList.toggle("is-inline", !crowded);
    drawer.hidden = crowded && !open;
    more.setAttribute("aria-expanded", String(open));
    setText(more, open ? "Fewer settings" : "More settings");
  };
  more.addEventListener(
    "click",
    () => {
      open = !open;
      disclose();
    },
    { signal },
  );
  draw(() => {
    const visible = controls.filter(({ control, element }) => {
      element.hidden = !store.isControlVisible(control.key) || control.shown?.(view) === false;
      return !element.hidden;
    });
    const rare = visible.filter(({ control }) => control.rare);
    const menus = visible.some(({ control }) => ASKS.has(control.key));
    more.hidden = rare.length < 2 || !menus;
    element.hidden = visible.length === 0;
    disclose();
  });
  return element;
}
