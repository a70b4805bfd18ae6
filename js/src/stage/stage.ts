// The picture: image, heat map, overlay, chips, tooltip, badge and tools.

import type { Frame } from "../state/scene";
import { ALL_KEYS, type Store } from "../state/store";
import { type Component, h, setAttribute } from "../ui/dom";
import { createChips } from "./chips/chips";
import { attachGestures } from "./gestures";
import { createPaintedPicture, describeKeys } from "./painting/painted-picture";
import { createTools } from "./tools";
import { createTooltip } from "./tooltip";

export function createStage(store: Store, signal: AbortSignal): Component<Frame> {
  const chips = createChips(() => stage, signal);
  const tooltip = createTooltip();
  const tools = createTools(store, signal);
  const stage = h(
    "div",
    {
      class: "gradeclip-stage",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "picture",
    },
    chips.element,
    tooltip.element,
  );
  const element = h("div", { class: "gradeclip-picture" }, stage, tools.element);
  const picture = createPaintedPicture(element, stage, signal);
  attachGestures(stage, store, signal, () => picture.shown);
  let missed = false; // changes, while it was hidden
  return {
    element,
    update(now) {
      const frame = missed ? { ...now, changes: ALL_KEYS, repaint: true } : now;
      missed = element.hasAttribute("hidden");
      if (missed) return;
      picture.update(frame);
      setAttribute(stage, "aria-label", describeKeys(frame.scene.explanation));
      chips.update(frame);
      tooltip.update(frame);
      tools.update(frame);
    },
  };
}
