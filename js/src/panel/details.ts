// Details of the computation: the blocks' shares of the score, model, method, patches and time.

import { formatSeconds } from "../core/format";
import type { Explanation } from "../core/types";
import type { Frame } from "../state/scene";
import type { Store } from "../state/store";
import { modelLabel, towerLabel } from "../state/words/wording";
import { type Component, h, s, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import { drawBlocks, formatExplained } from "./block-chart";
import { layersOpen } from "./block-sliders";

const SHARES_HELP = "What each step of the model brings to the score; the maps are made of the blue ones";
const HEIGHT = 18; // of a sparkline, px
const WIDTH = 48; // of a chart with few blocks; with many, each gets 5 px

export function createDetails(store: Store, signal: AbortSignal): Component<Frame> {
  const image = createShares("image");
  const text = createShares("text");
  const layers = h("button", { type: "button", class: "gradeclip-button" }, "Steps inside the model");
  setHelp(layers, "How the maps form, from step to step through the model");
  const identity = h("span", { class: "gradeclip-identity" });
  const element = h("div", { class: "gradeclip-details" }, layers, image.element, text.element, identity);
  let shown: Explanation | null = null;
  layers.addEventListener(
    "click",
    () =>
      store.set(store.get("depth") ? { depth: false, image_block: null, text_block: null } : { depth: true }),
    { signal },
  );
  return {
    element,
    update({ scene }) {
      const open = layersOpen(store);
      const maps = store.get("_depth") !== null;
      layers.hidden = !store.isControlVisible("depth") || !(store.live || maps);
      layers.disabled = store.live && !store.canCompute && !maps;
      layers.setAttribute("aria-pressed", String(open));
      const details = store.isControlVisible("details") && store.get("details");
      const { blocks } = scene.explanation.header;
      image.element.hidden = !details || open || blocks.image.length === 0;
      text.element.hidden = !details || open || blocks.text.length === 0;
      identity.hidden = !details;
      element.hidden = !details && layers.hidden;
      if (scene.explanation === shown) return;
      shown = scene.explanation;
      const { model, method, reference, seconds } = shown.header;
      image.draw(blocks.image, blocks.image_layers);
      text.draw(blocks.text, blocks.text_layers);
      const parts = [
        modelLabel(model),
        reference ? `${method} (reference)` : method,
        `${shown.rows} × ${shown.cols} patches`,
      ];
      if (seconds !== null) parts.push(formatSeconds(seconds));
      setText(identity, parts.join(" · "));
    },
  };
}

/** A chart with one bar per block, first block first; the explained ones are emphasized. */
function createShares(tower: "image" | "text") {
  const label = h("span");
  const chart = s("svg", { class: "gradeclip-blocks", role: "img" });
  const element = h("span", { class: "gradeclip-tower" }, chart, label);
  setHelp(element, SHARES_HELP);
  return {
    element,
    draw(shares: readonly number[], layers: number): void {
      const pitch = Math.max(5, Math.min(10, Math.round(WIDTH / shares.length)));
      const first = shares.length - layers;
      drawBlocks(chart, tower, shares, { pitch, height: HEIGHT, gap: 1 }, (k) => k >= first);
      setText(label, `${towerLabel(tower)} side: ${formatExplained(layers, shares.length)}`);
    },
  };
}
