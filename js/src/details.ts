// The quiet lines: which blocks carry the score, how it was computed, and what the user should know.

import { type Component, h, s, setText } from "./dom";
import { formatSigned } from "./format";
import type { Explanation } from "./payload";
import type { Frame } from "./scene";

const HEIGHT = 18; // of a sparkline, px
const WIDTH = 48; // of a sparkline of few blocks; many get 5 px each

export function createDetails(): Component<Frame> {
  const image = blockShares("image");
  const text = blockShares("text");
  const identity = h("span", { class: "gradeclip-identity" });
  const element = h("div", { class: "gradeclip-details" }, image.element, text.element, identity);
  let shown: Explanation | null = null;
  return {
    element,
    update({ scene }) {
      if (scene.explanation === shown) return;
      shown = scene.explanation;
      const { blocks, model, method, reference, seconds } = shown.header;
      image.draw(blocks.image, blocks.image_layers);
      text.draw(blocks.text, blocks.text_layers);
      const parts = [model, reference ? `${method} (reference)` : method, `${shown.rows} × ${shown.cols}`];
      if (seconds !== null) parts.push(`${seconds.toFixed(seconds < 10 ? 2 : 0)} s`);
      setText(identity, parts.join(" · "));
    },
  };
}

export function createNotes(): Component<Frame> {
  const element = h("ul", { class: "gradeclip-notes", hidden: true });
  let shown: Explanation | null = null;
  return {
    element,
    update({ scene }) {
      if (scene.explanation === shown) return;
      shown = scene.explanation;
      const { notes, no_evidence } = shown.header;
      const all = [...notes];
      if (no_evidence.text) all.push("No word counts in favour of this match.");
      element.replaceChildren(...all.map((note) => h("li", {}, note)));
      element.hidden = all.length === 0;
    },
  };
}

/** One bar per block, shallowest first; the explained ones stand out. */
function blockShares(tower: string) {
  const label = h("span");
  const chart = s("svg", { class: "gradeclip-blocks", role: "img" });
  const element = h("span", { class: "gradeclip-tower" }, chart, label);
  return {
    element,
    draw(shares: readonly number[], layers: number): void {
      element.hidden = shares.length === 0;
      const [low, high] = [Math.min(0, ...shares), Math.max(0, ...shares)];
      const unit = (HEIGHT - 1) / (high - low || 1);
      const pitch = Math.max(5, Math.min(10, Math.round(WIDTH / shares.length)));
      const width = pitch * shares.length - 1;
      chart.setAttribute("viewBox", `0 0 ${Math.max(1, width)} ${HEIGHT}`);
      chart.setAttribute("width", String(width));
      chart.setAttribute("height", String(HEIGHT));
      const first = shares.length - layers;
      chart.setAttribute(
        "aria-label",
        `Share of each ${tower} block in the score: ${shares.map((v) => formatSigned(v, high)).join(", ")}`,
      );
      chart.replaceChildren(
        ...shares.map((value, k) =>
          s(
            "rect",
            {
              x: k * pitch,
              y: (high - Math.max(value, 0)) * unit,
              width: pitch - 1,
              height: Math.max(1, Math.abs(value) * unit),
              class: k >= first ? "is-explained" : "",
            },
            s("title", {}, `${tower} block ${k + 1}: ${formatSigned(value, high)}`),
          ),
        ),
      );
      const which =
        layers >= shares.length
          ? `all ${shares.length}`
          : layers === 1
            ? `last of ${shares.length}`
            : `last ${layers} of ${shares.length}`;
      setText(label, `${tower} blocks: ${which}`);
    },
  };
}
