// The row of controls under the picture: what is explained with, and how it is painted.

import type { Frame } from "../state/scene";
import type { Store } from "../state/store";
import { ASKS } from "../state/synced";
import { type Component, h, setText, uniqueId } from "../ui/dom";
import type { Menu } from "../ui/menu";
import { CONTROLS } from "./registry";

export function createDisplayRow(store: Store, menu: Menu, signal: AbortSignal): Component<Frame> {
  const controls = CONTROLS.map((control) => ({ control, component: control.create(store, signal, menu) }));
  const elements = (rare: boolean) =>
    controls
      .filter(({ control }) => Boolean(control.rare) === rare)
      .map(({ component }) => component.element);
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
  return {
    element,
    update(frame) {
      const visible = controls.filter(({ control, component }) => {
        component.update(frame);
        const shown = store.isControlVisible(control.key) && (control.shown?.(frame) ?? true);
        component.element.toggleAttribute("hidden", !shown);
        return shown;
      });
      const rare = visible.filter(({ control }) => control.rare);
      const menus = visible.some(({ control }) => ASKS.has(control.key));
      more.hidden = rare.length < 2 || !menus;
      element.hidden = visible.length === 0;
      disclose();
    },
  };
}
