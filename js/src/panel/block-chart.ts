// The blocks of a tower as bars: each one's share of the score. On show a block is called a step.

import { formatPart, partDecimals } from "../core/format";
import { towerLabel } from "../state/words/wording";
import { s } from "../ui/dom";

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

/** Draw one bar per block, shallowest first, `pitch` apart; those of `explained` stand out. */
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
