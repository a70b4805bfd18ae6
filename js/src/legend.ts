// What the colours mean: the scale with its numbers, and whose evidence it is.

import { cssGradient } from "./colour";
import { type Component, h, setText } from "./dom";
import { formatPercent, formatValue } from "./format";
import type { Frame, Scene } from "./scene";

const FAINT = 0.3; // below this share of the strongest word, the legend says that the map is faint

export function createLegend(): Component<Frame> {
  const low = h("span", { class: "gradeclip-number" });
  const zero = h("b", {}, "0");
  const ramp = h("i", { class: "gradeclip-ramp" }, zero);
  const high = h("span", { class: "gradeclip-number" });
  const who = h("bdi", { class: "gradeclip-who" });
  const how = h("span", { class: "gradeclip-how" });
  const scale = h("span", { class: "gradeclip-scale" }, low, ramp, high);
  const element = h(
    "div",
    { class: "gradeclip-legend" },
    scale,
    h("span", { class: "gradeclip-what" }, who, how),
  );
  return {
    element,
    update({ scene, store, changes, repaint }) {
      if (changes.has("color_scale") || changes.has("sign")) {
        ramp.style.backgroundImage = cssGradient(store.get("color_scale"), scene.sign);
        zero.hidden = scene.sign !== "both";
      }
      if (!repaint) return;
      const top = Math.max(scene.top, 0);
      setText(low, scene.sign === "both" ? formatValue(-top) : "0");
      setText(
        high,
        scene.sign === "both" && top > 0
          ? `+${formatValue(top)}`
          : formatValue(scene.sign === "negative" ? -top : top),
      );
      scale.hidden = scene.erased !== null;
      if (scene.erased) {
        setText(who, "without the region");
        setText(how, "heat hidden");
        return;
      }
      setText(who, scene.label || "whole caption");
      setText(how, manner(scene));
    },
  };
}

/** Block, sign, reading and, for weak words, strength. */
function manner({ sign, words, reading, strength, top, block, versus }: Scene): string {
  if (versus && words.length === 0) return "difference";
  const parts: string[] = [];
  if (block) parts.push(`${block.tower} block ${block.index + 1}`);
  if (sign === "negative") parts.push("evidence against");
  if (sign === "both") parts.push("for and against");
  if (words.length > 0 && reading !== "in caption") parts.push(reading);
  if (strength !== null && strength < FAINT && top > 0) {
    parts.push(`faint, ${formatPercent(strength)} of the strongest`);
  }
  return parts.join(" · ");
}
