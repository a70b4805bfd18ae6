// The blocks of a tower as bars: each one's share of the score.

import { s } from "./dom";
import { formatSigned } from "./format";

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
  const high = Math.max(0, ...shares);
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  chart.setAttribute("width", String(width));
  chart.setAttribute("height", String(height));
  chart.setAttribute(
    "aria-label",
    `Share of each ${tower} block in the score: ${shares.map((v) => formatSigned(v, high)).join(", ")}`,
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
        s("title", {}, `${tower} block ${k + 1}: ${formatSigned(shares[k], high)}`),
      ),
    ),
  );
}

/** "last of 12", "last 3 of 12", "all 12". */
export function sayExplained(layers: number, count: number): string {
  if (layers >= count) return `all ${count}`;
  return layers === 1 ? `last of ${count}` : `last ${layers} of ${count}`;
}
