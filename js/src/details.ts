// The quiet lines: which blocks carry the score, how it was computed, and what the user should know.

import { drawBlocks, sayExplained } from "./blocks";
import { type Component, h, s, setText } from "./dom";
import { layersOpen } from "./layers";
import type { Explanation } from "./payload";
import type { Frame } from "./scene";
import type { Store } from "./state";

const HEIGHT = 18; // of a sparkline, px
const WIDTH = 48; // of a sparkline of few blocks; many get 5 px each

export function createDetails(store: Store, signal: AbortSignal): Component<Frame> {
  const image = createShares("image");
  const text = createShares("text");
  const layers = h(
    "button",
    { type: "button", class: "gradeclip-button", title: "How the evidence forms, block by block" },
    "Layers",
  );
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
      layers.hidden = !store.offers("layers") || !(store.live || maps);
      layers.disabled = store.live && !store.canAsk && !maps;
      layers.setAttribute("aria-pressed", String(open));
      const details = store.offers("details");
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
function createShares(tower: "image" | "text") {
  const label = h("span");
  const chart = s("svg", { class: "gradeclip-blocks", role: "img" });
  return {
    element: h("span", { class: "gradeclip-tower" }, chart, label),
    draw(shares: readonly number[], layers: number): void {
      const pitch = Math.max(5, Math.min(10, Math.round(WIDTH / shares.length)));
      const first = shares.length - layers;
      drawBlocks(chart, tower, shares, { pitch, height: HEIGHT, gap: 1 }, (k) => k >= first);
      setText(label, `${tower} blocks: ${sayExplained(layers, shares.length)}`);
    },
  };
}
