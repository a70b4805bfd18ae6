// The picture: image, heat map, overlay, chips, tooltip, badge and tools.

import type { View } from "../state/scene";
import { h, setAttribute } from "../ui/dom";
import { CROSS, iconButton } from "../ui/icons";
import { createChips } from "./chips";
import { attachGestures } from "./gestures";
import { describeKeys, showPicture } from "./painted-picture";
import { createTooltip } from "./tooltip";

const BOX = "M2.5 4.5h11v7h-11z";
const LASSO =
  "M5.2 11.3C3.2 10.6 2 9.3 2 7.6 2 5 4.7 3 8 3s6 2 6 4.6-2.7 4.5-6 4.5c-1 0-2-.1-2.8-.8zm0 0c.2 1.2-.4 2.2-1.7 2.7";

export function createStage(view: View): HTMLElement {
  const { store, scene } = view;
  const stage = h("div", {
    class: "gradeclip-stage",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "picture",
  });
  const element = h("div", { class: "gradeclip-picture" }, stage, createTools(view));
  // While methods are compared their pictures are shown instead.
  const visible: View = {
    ...view,
    draw: (draw) => view.draw(() => store.comparing || draw()),
  };
  view.draw(() => {
    element.hidden = store.comparing;
  });
  showPicture(visible, scene, element, stage);
  stage.append(createChips(visible, scene, stage), createTooltip(visible));
  visible.draw(() => setAttribute(stage, "aria-label", describeKeys(scene.explanation)));
  attachGestures(stage, view);
  return element;
}

/** Buttons for box, lasso and clear: for touch, and for users who do not know about Alt-drag. */
function createTools({ store, scene, signal, draw }: View): HTMLElement {
  const tool = (label: string, path: string, act: () => void) => {
    const button = iconButton(label, path, "gradeclip-tool");
    button.addEventListener("click", act, { signal });
    return button;
  };
  const choose = (lasso: boolean) => () => {
    store.view.lasso = lasso;
  };
  const box = tool("Box: drag on the picture", BOX, choose(false));
  const lasso = tool("Lasso: drag on the picture (or Alt-drag)", LASSO, choose(true));
  const clear = tool("Clear the region (Esc)", CROSS, () => store.set({ region: null }));
  draw(() => {
    box.setAttribute("aria-pressed", String(!store.view.lasso));
    lasso.setAttribute("aria-pressed", String(store.view.lasso));
    clear.hidden = scene.region === null;
  });
  return h("div", { class: "gradeclip-tools" }, box, lasso, clear);
}
