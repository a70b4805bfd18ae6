// Details of the computation: the blocks' shares of the score, model, method, patches and time.

import { formatSeconds } from "../core/format";
import type { View } from "../state/scene";
import type { Store } from "../state/store";
import { modelLabel, towerLabel } from "../state/wording";
import { h, s, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import { drawBlocks, formatExplained, layersOpen } from "./blocks";

const SHARES_HELP = "What each step of the model brings to the score; the maps are made of the blue ones";
const HEIGHT = 18; // of a sparkline, px
const WIDTH = 48; // of a chart with few blocks; with many, each gets 5 px

export function createDetails(view: View): HTMLElement {
  const { store, scene, signal, draw } = view;
  const layers = h("button", { type: "button", class: "gradeclip-button" }, "Steps inside the model");
  setHelp(layers, "How the maps form, from step to step through the model");
  const identity = h("span", { class: "gradeclip-identity" });
  const element = h(
    "div",
    { class: "gradeclip-details" },
    layers,
    createShares("image", view),
    createShares("text", view),
    identity,
  );
  layers.addEventListener(
    "click",
    () =>
      store.set(store.get("depth") ? { depth: false, image_block: null, text_block: null } : { depth: true }),
    { signal },
  );
  draw(() => {
    const maps = store.get("_depth") !== null;
    layers.hidden = !store.isControlVisible("depth") || !(store.live || maps);
    layers.disabled = store.live && !store.canCompute && !maps;
    layers.setAttribute("aria-pressed", String(layersOpen(store)));
    identity.hidden = !detailsVisible(store);
    element.hidden = identity.hidden && layers.hidden;
  });
  draw(() => {
    const { header, rows, cols } = scene.explanation;
    const { model, method, reference, seconds } = header;
    const parts = [
      modelLabel(model),
      reference ? `${method} (reference)` : method,
      `${rows} × ${cols} patches`,
    ];
    if (seconds !== null) parts.push(formatSeconds(seconds));
    setText(identity, parts.join(" · "));
  });
  return element;
}

function detailsVisible(store: Store): boolean {
  return store.isControlVisible("details") && store.get("details");
}

/** A chart with one bar per block, first block first; the explained ones are emphasized. */
function createShares(tower: "image" | "text", { store, scene, draw }: View): HTMLElement {
  const label = h("span");
  const chart = s("svg", { class: "gradeclip-blocks", role: "img" });
  const element = h("span", { class: "gradeclip-tower" }, chart, label);
  setHelp(element, SHARES_HELP);
  draw(() => {
    const { blocks } = scene.explanation.header;
    const shares = blocks[tower];
    const layers = blocks[`${tower}_layers`];
    element.hidden = !detailsVisible(store) || layersOpen(store) || shares.length === 0;
    const pitch = Math.max(5, Math.min(10, Math.round(WIDTH / shares.length)));
    const first = shares.length - layers;
    drawBlocks(chart, tower, shares, { pitch, height: HEIGHT, gap: 1 }, (k) => k >= first);
    setText(label, `${towerLabel(tower)} side: ${formatExplained(layers, shares.length)}`);
  });
  return element;
}
