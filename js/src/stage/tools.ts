// Buttons for box, lasso and clear: for touch, and for users who do not know about Alt-drag.

import type { Frame } from "../state/scene";
import type { Store } from "../state/store";
import { type Component, h } from "../ui/dom";
import { CROSS, iconButton } from "../ui/icons";

const BOX = "M2.5 4.5h11v7h-11z";
const LASSO =
  "M5.2 11.3C3.2 10.6 2 9.3 2 7.6 2 5 4.7 3 8 3s6 2 6 4.6-2.7 4.5-6 4.5c-1 0-2-.1-2.8-.8zm0 0c.2 1.2-.4 2.2-1.7 2.7";

export function createTools(store: Store, signal: AbortSignal): Component<Frame> {
  const tool = (label: string, path: string, act: () => void) => {
    const button = iconButton(label, path, "gradeclip-tool");
    button.addEventListener("click", act, { signal });
    return button;
  };
  const box = tool("Box: drag on the picture", BOX, () => store.setView({ lasso: false }));
  const lasso = tool("Lasso: drag on the picture (or Alt-drag)", LASSO, () => store.setView({ lasso: true }));
  const clear = tool("Clear the region (Esc)", CROSS, () => store.set({ region: null }));
  return {
    element: h("div", { class: "gradeclip-tools" }, box, lasso, clear),
    update({ scene }) {
      box.setAttribute("aria-pressed", String(!store.view.lasso));
      lasso.setAttribute("aria-pressed", String(store.view.lasso));
      clear.hidden = scene.region === null;
    },
  };
}
