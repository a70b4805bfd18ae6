// The line at the foot of the widget: model, method and patches, live as menus, and the button of the settings.

import { compare, method, model } from "../controls/computing";
import type { View } from "../state/scene";
import { modelLabel } from "../state/wording";
import { h, setText } from "../ui/dom";
import type { Menu } from "../ui/menu";

const MENUS = [model, method, compare] as const;

/** @param settings the button that opens the settings. */
export function createDetails(view: View, menu: Menu, settings: HTMLElement): HTMLElement {
  const { store, scene, draw } = view;
  const identity = h("span", { class: "gradeclip-identity" });
  const [models, methods, compared] = MENUS.map((control) => control.create(view, menu));
  const element = h("div", { class: "gradeclip-details" }, models, methods, compared, identity, settings);
  draw(() => {
    [models, methods, compared].forEach((button, k) => {
      button.hidden = !store.isControlVisible(MENUS[k].key) || MENUS[k].shown?.(view) === false;
    });
    identity.hidden = !(store.isControlVisible("details") && store.get("details"));
    const { header, rows, cols } = scene.explanation;
    const parts = [`${rows} × ${cols} patches`];
    if (header.reference) parts.unshift("reference");
    if (methods.hidden) parts.unshift(header.method);
    if (models.hidden) parts.unshift(modelLabel(header.model));
    setText(identity, parts.join(" · "));
    element.hidden = [...element.children].every((child) => (child as HTMLElement).hidden);
  });
  return element;
}
