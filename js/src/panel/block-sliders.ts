// How the evidence forms with depth: one slider per tower over its blocks, under the blocks' shares of the score.

import { formatPart, partDecimals } from "../core/format";
import type { Frame, Scene } from "../state/scene";
import type { Store } from "../state/store";
import { capitalize, towerLabel } from "../state/words/wording";
import { type Component, h, s, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import { drawBlocks, formatExplained } from "./block-chart";

const HEIGHT = 22; // of the bars, px
const ROOM = 240; // for the bars of a tower, px
const PITCH = { least: 9, most: 22 }; // from block to block, px
const UNDERWAY = "Computing the maps of every step …";
const NONE = "There are no maps of single steps for this explanation; Grad-ECLIP has them.";

export function createBlockSliders(store: Store, signal: AbortSignal): Component<Frame> {
  const image = createTower("image", signal, (block) => store.set({ image_block: block, text_block: null }));
  const text = createTower("text", signal, (block) => store.set({ text_block: block, image_block: null }));
  const waiting = h("p", { class: "gradeclip-waiting", role: "status" });
  const element = h(
    "div",
    { class: "gradeclip-layers", role: "group", "aria-label": "Steps inside the model", hidden: true },
    image.element,
    text.element,
    waiting,
  );
  return {
    element,
    update({ scene }) {
      element.hidden = !layersOpen(store);
      if (element.hidden) return;
      const method = store.get("_methods").find(({ name }) => name === store.get("method"));
      const underway = store.canCompute && store.get("status") !== "error" && method?.blocks !== false;
      setText(waiting, scene.depth ? "" : underway ? UNDERWAY : NONE);
      image.update(scene, scene.depth?.image.length ?? 0);
      text.update(scene, scene.depth?.text.length ?? 0);
    },
  };
}

/** Whether the sliders are on show: they were asked for, and there are maps or somebody to make them. */
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
  const said = share === undefined ? "" : `, ${formatPart(share, decimals)} of the score`;
  return `step ${block + 1} of ${count}${said}`;
}

function createTower(tower: "image" | "text", signal: AbortSignal, pick: (block: number | null) => void) {
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
  const said = h("span", { class: "gradeclip-block" });
  const element = h(
    "div",
    { class: "gradeclip-layer" },
    h("b", {}, `${capitalize(towerLabel(tower))} side`),
    scale,
    said,
  );
  slider.addEventListener(
    "input",
    () => {
      const block = Number(slider.value);
      pick(block === Number(slider.max) ? null : block);
    },
    { signal },
  );
  let drawn = "";
  return {
    element,
    update({ explanation: e, block }: Scene, count: number): void {
      element.hidden = count === 0;
      if (element.hidden) return;
      const shares = e.header.blocks[tower];
      const layers = e.header.blocks[`${tower}_layers`];
      const chosen = block?.tower === tower ? block.index : null;
      const key = JSON.stringify([shares, layers, chosen, count]);
      if (key === drawn) return;
      drawn = key;
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
      setText(said, text);
    },
  };
}
