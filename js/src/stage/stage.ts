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

/**
 * Buttons for box, lasso and clear: for fingers, whose drags scroll the page unless a tool is chosen, and for users who
 * do not know about Alt-drag and Esc.
 */
function createTools({ store, scene, signal, draw }: View): HTMLElement {
  const tool = (name: string, label: string, path: string, act: () => void) => {
    const button = iconButton(label, path, "gradeclip-tool");
    button.append(h("span", {}, name));
    button.addEventListener("click", act, { signal });
    return button;
  };
  const choose = (of: "box" | "lasso") => () => {
    store.view.tool = store.view.tool === of ? null : of;
  };
  const box = tool("Box", "Box: drag on the picture", BOX, choose("box"));
  const lasso = tool("Lasso", "Lasso: drag on the picture (or Alt-drag)", LASSO, choose("lasso"));
  const clear = tool("Clear", "Clear the selection (Esc)", CROSS, () =>
    store.set({ region: null, selected_words: [] }),
  );
  draw(() => {
    box.setAttribute("aria-pressed", String(store.view.tool === "box"));
    lasso.setAttribute("aria-pressed", String(store.view.tool === "lasso"));
    clear.hidden = scene.region === null && scene.pinned.length === 0;
  });
  return h("div", { class: "gradeclip-tools" }, box, lasso, clear);
}
