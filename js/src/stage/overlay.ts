// The vector layer over the picture: contours, the margin that the model does not see, the hovered patch, the region.

import { patchBox, regionRings } from "../core/arithmetic";
import { hueColor } from "../core/color-scale";
import { contourLines, smoothPath } from "../core/contour";
import { argMax, strengths } from "../core/evidence";
import { thingAround } from "../core/things";
import type { Box, Explanation, Point, Region } from "../core/types";
import type { PictureScene, View } from "../state/scene";
import { s } from "../ui/dom";

const MIN_PEAK = 0.1; // of the end of the color scale; fainter maps have no contour

export function createOverlay({ store, draw }: View, scene: PictureScene): SVGSVGElement {
  const margin = s("path", { class: "gradeclip-margin", "fill-rule": "evenodd" });
  const casing = s("path", { class: "gradeclip-casing" });
  const above = s("path", { class: "gradeclip-contour" });
  const below = s("path", { class: "gradeclip-contour is-against" });
  const outlines = s("g", { class: "gradeclip-outlines" });
  const line = s("g", {}, casing, above, below);
  const contours = s("g", {}, line, outlines);
  const thing = s("path", { class: "gradeclip-thing" });
  const patch = s("path", { class: "gradeclip-patch" });
  const cursor = s("path", { class: "gradeclip-cursor" });
  const regionCasing = s("path", { class: "gradeclip-region-casing" });
  const regionLine = s("path", { class: "gradeclip-region" });
  const element = s(
    "svg",
    { class: "gradeclip-overlay", preserveAspectRatio: "none", "aria-hidden": "true" },
    margin,
    contours,
    thing,
    patch,
    regionCasing,
    regionLine,
    cursor,
  );
  draw(() => {
    const e = scene.explanation;
    const { width, height } = e.header.image;
    const [x0, y0, x1, y1] = e.cover;
    element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    contours.setAttribute(
      "transform",
      `translate(${x0} ${y0}) scale(${(x1 - x0) / e.cols} ${(y1 - y0) / e.rows})`,
    );
    const whole = x0 <= 0 && y0 <= 0 && x1 >= width && y1 >= height;
    margin.setAttribute("d", whole ? "" : boxPath([0, 0, width, height]) + boxPath(e.cover));
  });
  const drawn = () => store.get("contour") && !scene.erased;
  draw(() => {
    const [forPath, againstPath] = drawn() && !scene.together ? contourPaths(scene) : ["", ""];
    line.setAttribute("opacity", Math.sqrt(scene.peak / scene.top || 0).toFixed(2));
    casing.setAttribute("d", forPath + againstPath);
    above.setAttribute("d", forPath);
    below.setAttribute("d", againstPath);
    outlines.toggleAttribute("hidden", !drawn() || !scene.together);
  });
  draw(() => outlines.replaceChildren(...outlinesOf(scene)));
  draw(() => {
    const { explanation: e, cursor: at, patch: under } = scene;
    patch.setAttribute("d", under === null || at !== null ? "" : boxPath(patchBox(e, under)));
    const around = under === null || scene.region ? null : thingAround(e, under);
    thing.setAttribute("d", around ? regionPath(e, around) : "");
    cursor.setAttribute("d", at === null ? "" : boxPath(patchBox(e, at)));
  });
  draw(() => {
    const path = scene.region ? regionPath(scene.explanation, scene.region) : "";
    regionCasing.setAttribute("d", path);
    regionLine.setAttribute("d", path);
  });
  return element;
}

/** The contours at half of the map's maximum, for the shown signs; none of a map that is next to nothing. */
function contourPaths({ map, explanation: e, sign, peak, top }: PictureScene): [string, string] {
  if (!(peak > MIN_PEAK * top)) return ["", ""];
  const lines = (level: number) => smoothPath(contourLines(map, e.rows, e.cols, level));
  return [sign === "negative" ? "" : lines(peak / 2), sign === "positive" ? "" : lines(-peak / 2)];
}

/** The contour of each highlight at half of its maximum, in its color and strength, the most important on top. */
function outlinesOf({ evidence: e, measure, highlights }: PictureScene): SVGGElement[] {
  return strengths(e, measure, highlights)
    .map((map, k) => ({ map, top: map[argMax(map)], color: hueColor(highlights[k].hue) }))
    .filter(({ top }) => top > 0)
    .sort((a, b) => a.top - b.top)
    .map(({ map, top, color }) => {
      const d = smoothPath(contourLines(map, e.rows, e.cols, top / 2));
      const line = s("path", { class: "gradeclip-outline", d });
      line.style.stroke = color;
      return s("g", { opacity: top.toFixed(2) }, s("path", { class: "gradeclip-casing", d }), line);
    });
}

function boxPath([x0, y0, x1, y1]: Box): string {
  return `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
}

/** A region's outline. That of a thing follows patches, so its corners are rounded. */
function regionPath(e: Explanation, region: Region): string {
  if (region.kind === "box") return boxPath(region.box);
  const [x0, y0, x1, y1] = patchBox(e, 0);
  const radius = region.kind === "thing" ? Math.min(x1 - x0, y1 - y0) / 2 : 0;
  return regionRings(region)
    .map((points) => closedPath(points, radius))
    .join("");
}

function closedPath(points: readonly Point[], radius: number): string {
  const toward = ([ax, ay]: Point, [bx, by]: Point) => {
    const part = radius / Math.hypot(bx - ax, by - ay);
    return `${tenths(ax + part * (bx - ax))} ${tenths(ay + part * (by - ay))}`;
  };
  const corner = (at: Point, k: number) => {
    if (radius === 0) return at.join(" ");
    const [before, after] = [points.at(k - 1)!, points[(k + 1) % points.length]];
    return `${toward(at, before)}Q${at.map(tenths).join(" ")} ${toward(at, after)}`;
  };
  return points.length > 1 ? `M${points.map(corner).join("L")}Z` : "";
}

function tenths(value: number): number {
  return Math.round(10 * value) / 10;
}
