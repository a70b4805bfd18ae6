// The layers (blocks) of the two towers: a chart of what the attention of each adds to the score, and a slider over them
// that shows the maps of a single layer.

import { formatPart, partDecimals } from "../core/format";
import type { View } from "../state/scene";
import { capitalize } from "../state/wording";
import { h, s, setAttribute, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import type { Control } from "./control";

const HEIGHT = 22; // of the bars, px
const ROOM = 240; // for the bars of a tower, px
const PITCH = { least: 9, most: 22 }; // from layer to layer, px
const HELP = "See how the maps form, from layer to layer of the model";
const SHARES =
  "What the attention of each layer adds to the score, to first order. The other parts of the model add to the score " +
  "too, so that the bars do not sum to it.";
const UNDERWAY = "Computing the maps of every layer …";
const NONE = "There are no maps of single layers for this explanation; Grad-ECLIP has them.";

type Tower = "image" | "text";

/** The maps of single layers. Of a model whose image tower has a single layer there is nothing to compare. */
export const layers: Control = {
  key: "depth",
  shown: ({ store, scene }) =>
    scene.explanation.header.blocks.image.length > 1 && (store.live || store.get("_depth") !== null),
  create(view) {
    const { store, scene, signal, draw } = view;
    const button = h("button", { type: "button", class: "gradeclip-button" }, "Layers");
    setHelp(button, HELP);
    const waiting = h("p", { class: "gradeclip-waiting", role: "status" });
    const sliders = h(
      "div",
      { class: "gradeclip-towers" },
      createTower("image", view),
      createTower("text", view),
      waiting,
    );
    button.addEventListener(
      "click",
      () =>
        store.set(
          store.get("depth") ? { depth: false, image_block: null, text_block: null } : { depth: true },
        ),
      { signal },
    );
    draw(() => {
      sliders.hidden = !store.get("depth");
      button.disabled = store.live && !store.canCompute && store.get("_depth") === null;
      setAttribute(button, "aria-pressed", String(store.get("depth")));
      const method = store.get("_methods").find(({ name }) => name === store.get("method"));
      const underway = store.canCompute && store.get("status") !== "error" && method?.blocks !== false;
      setText(waiting, scene.depth ? "" : underway ? UNDERWAY : NONE);
    });
    return h("div", { class: "gradeclip-layers" }, button, sliders);
  },
};

/** "image layer 3 of 12: its attention adds 0.021 to the score"; without a layer, which layers the maps are made of. */
export function formatLayer(
  tower: Tower,
  layer: number | null,
  shares: readonly number[],
  explained: number,
  count: number,
): string {
  if (layer === null) return `off: the maps are of ${formatExplained(explained, count)}`;
  const name = `${tower} layer ${layer + 1} of ${count}`;
  const share = shares[layer];
  if (share === undefined) return name;
  const part = formatPart(Math.abs(share), partDecimals(Math.max(...shares.map(Math.abs))));
  return `${name}: its attention ${share < 0 ? `takes ${part} from` : `adds ${part} to`} the score`;
}

/** "the last of 12 layers", "the last 3 of 12 layers", "all 12 layers". */
function formatExplained(layers: number, count: number): string {
  if (layers >= count) return `all ${count} layers`;
  return layers === 1 ? `the last of ${count} layers` : `the last ${layers} of ${count} layers`;
}

function createTower(tower: Tower, { store, scene, signal, draw }: View): HTMLElement {
  const pick = (block: number | null) =>
    store.set(
      tower === "image" ? { image_block: block, text_block: null } : { text_block: block, image_block: null },
    );
  const chart = s("svg", { class: "gradeclip-blocks", role: "img" });
  const slider = h("input", { type: "range", min: 0, step: 1, "aria-label": `${capitalize(tower)} layer` });
  const off = h("span", { class: "gradeclip-off", "aria-hidden": "true" }, "off");
  const scale = h("span", { class: "gradeclip-depth" }, chart, off, slider);
  setHelp(scale, SHARES, slider);
  const label = h("span", { class: "gradeclip-layer-label" });
  const element = h(
    "div",
    { class: "gradeclip-tower" },
    h("span", {}, `${capitalize(tower)} layers`),
    scale,
    label,
  );
  slider.addEventListener(
    "input",
    () => {
      const block = Number(slider.value);
      pick(block === Number(slider.max) ? null : block);
    },
    { signal },
  );
  draw(() => {
    const count = scene.depth?.[tower].length ?? 0;
    element.hidden = count < 2;
    if (element.hidden) return;
    const { blocks } = scene.explanation.header;
    const shares = blocks[tower];
    const explained = blocks[`${tower}_layers`];
    const chosen = scene.block?.tower === tower ? scene.block.index : null;
    const pitch = Math.min(PITCH.most, Math.max(PITCH.least, Math.floor(ROOM / (count + 1))));
    scale.style.setProperty("--pitch", `${pitch}px`);
    scale.style.setProperty("--stops", String(count + 1));
    const bars = shares.length === count ? shares : Array<number>(count).fill(0);
    drawBlocks(chart, tower, bars, { pitch, height: HEIGHT, gap: 2 }, (k) =>
      chosen === null ? k >= count - explained : k === chosen,
    );
    slider.max = String(count);
    slider.value = String(chosen ?? count);
    const text = formatLayer(tower, chosen, shares, explained, count);
    slider.setAttribute("aria-valuetext", text);
    setText(label, text);
  });
  return element;
}

export interface Bar {
  y: number;
  height: number;
}

/** Bars of a chart of `height`, upwards and downwards from a common zero; a thin line where there is nothing. */
export function barsOf(shares: readonly number[], height: number): Bar[] {
  const [low, high] = [Math.min(0, ...shares), Math.max(0, ...shares)];
  const unit = (height - 1) / (high - low || 1);
  return shares.map((value) => ({
    y: (high - Math.max(value, 0)) * unit,
    height: Math.max(1, Math.abs(value) * unit),
  }));
}

/** Draw one bar per block, shallowest first, `pitch` apart; those of `explained` are emphasized. */
function drawBlocks(
  chart: SVGSVGElement,
  tower: Tower,
  shares: readonly number[],
  size: { pitch: number; height: number; gap: number },
  explained: (block: number) => boolean,
): void {
  const { pitch, height, gap } = size;
  const width = Math.max(1, pitch * shares.length - gap);
  const decimals = partDecimals(Math.max(...shares.map(Math.abs)));
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  chart.setAttribute("width", String(width));
  chart.setAttribute("height", String(height));
  chart.setAttribute(
    "aria-label",
    `What the attention of each ${tower} layer adds to the score: ${shares.map((v) => formatPart(v, decimals)).join(", ")}`,
  );
  chart.replaceChildren(
    ...barsOf(shares, height).map((bar, k) =>
      s(
        "rect",
        {
          x: k * pitch,
          y: bar.y,
          width: pitch - gap,
          height: bar.height,
          class: explained(k) ? "is-explained" : "",
        },
        s("title", {}, `${tower} layer ${k + 1}: ${formatPart(shares[k], decimals)}`),
      ),
    ),
  );
}
