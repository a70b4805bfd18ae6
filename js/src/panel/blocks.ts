// The blocks of a tower, which are shown as steps: a chart of each one's share of the score, and a slider over them that
// shows how the evidence forms with depth.

import { formatPart, partDecimals } from "../core/format";
import type { View } from "../state/scene";
import type { Store } from "../state/store";
import { capitalize, towerLabel } from "../state/wording";
import { h, s, setText } from "../ui/dom";
import { setHelp } from "../ui/help";

const HEIGHT = 22; // of the bars, px
const ROOM = 240; // for the bars of a tower, px
const PITCH = { least: 9, most: 22 }; // from block to block, px
const UNDERWAY = "Computing the maps of every step …";
const NONE = "There are no maps of single steps for this explanation; Grad-ECLIP has them.";

export function createBlockSliders(view: View): HTMLElement {
  const { store, scene, draw } = view;
  const waiting = h("p", { class: "gradeclip-waiting", role: "status" });
  const element = h(
    "div",
    { class: "gradeclip-layers", role: "group", "aria-label": "Steps inside the model", hidden: true },
    createTower("image", view),
    createTower("text", view),
    waiting,
  );
  draw(() => {
    element.hidden = !layersOpen(store);
    const method = store.get("_methods").find(({ name }) => name === store.get("method"));
    const underway = store.canCompute && store.get("status") !== "error" && method?.blocks !== false;
    setText(waiting, scene.depth ? "" : underway ? UNDERWAY : NONE);
  });
  return element;
}

/** Whether the sliders are shown: they are requested, and there are maps, or a kernel to compute them. */
export function layersOpen(store: Store): boolean {
  return (
    store.get("depth") && store.isControlVisible("depth") && (store.live || store.get("_depth") !== null)
  );
}

/** "step 3 of 12, 0.021 of the score"; for the last position what the explanation itself shows. */
export function formatBlock(
  block: number | null,
  shares: readonly number[],
  layers: number,
  count: number,
): string {
  if (block === null) return `as explained: ${formatExplained(layers, count)}`;
  const share = shares[block];
  const decimals = partDecimals(Math.max(...shares.map(Math.abs)));
  const part = share === undefined ? "" : `, ${formatPart(share, decimals)} of the score`;
  return `step ${block + 1} of ${count}${part}`;
}

function createTower(tower: "image" | "text", { store, scene, signal, draw }: View): HTMLElement {
  const pick = (block: number | null) =>
    store.set(
      tower === "image" ? { image_block: block, text_block: null } : { text_block: block, image_block: null },
    );
  const chart = s("svg", { class: "gradeclip-blocks", role: "img" });
  const slider = h("input", {
    type: "range",
    min: 0,
    step: 1,
    "aria-label": `Step on the ${towerLabel(tower)} side`,
  });
  setHelp(slider, `Show what a single step of the model brings on the ${towerLabel(tower)} side`);
  const all = h("span", { class: "gradeclip-all", "aria-hidden": "true" }, "all");
  const scale = h("span", { class: "gradeclip-depth" }, chart, all, slider);
  const label = h("span", { class: "gradeclip-block" });
  const element = h(
    "div",
    { class: "gradeclip-layer" },
    h("b", {}, `${capitalize(towerLabel(tower))} side`),
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
    const count = layersOpen(store) ? (scene.depth?.[tower].length ?? 0) : 0;
    element.hidden = count === 0;
    if (element.hidden) return;
    const { blocks } = scene.explanation.header;
    const shares = blocks[tower];
    const layers = blocks[`${tower}_layers`];
    const chosen = scene.block?.tower === tower ? scene.block.index : null;
    const pitch = Math.min(PITCH.most, Math.max(PITCH.least, Math.floor(ROOM / (count + 1))));
    scale.style.setProperty("--pitch", `${pitch}px`);
    scale.style.setProperty("--stops", String(count + 1));
    const bars = shares.length === count ? shares : Array<number>(count).fill(0);
    drawBlocks(chart, tower, bars, { pitch, height: HEIGHT, gap: 2 }, (k) =>
      chosen === null ? k >= count - layers : k === chosen,
    );
    slider.max = String(count);
    slider.value = String(chosen ?? count);
    const text = formatBlock(chosen, shares, layers, count);
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
export function drawBlocks(
  chart: SVGSVGElement,
  tower: string,
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
    `Share of the score of each ${towerLabel(tower)} step: ${shares.map((v) => formatPart(v, decimals)).join(", ")}`,
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
        s("title", {}, `${towerLabel(tower)} step ${k + 1}: ${formatPart(shares[k], decimals)}`),
      ),
    ),
  );
}

/** "the last of 12 steps", "the last 3 of 12 steps", "all 12 steps", "its one step". */
export function formatExplained(layers: number, count: number): string {
  if (count === 1) return "its one step";
  if (layers >= count) return `all ${count} steps`;
  return layers === 1 ? `the last of ${count} steps` : `the last ${layers} of ${count} steps`;
}
