// The vector layer over the picture: contours, the cropped margin, the patch under the pointer, the region.

import { contourLines, smoothPath } from "./contour";
import { type Component, s } from "./dom";
import { patchBox } from "./explanation";
import type { Box, Explanation, Region } from "./payload";
import type { Frame } from "./scene";

export function createOverlay(): Component<Frame> {
  const margin = s("path", { class: "gradeclip-margin", "fill-rule": "evenodd" });
  const casing = s("path", { class: "gradeclip-casing" });
  const above = s("path", { class: "gradeclip-contour" });
  const below = s("path", { class: "gradeclip-contour is-against" });
  const contours = s("g", {}, casing, above, below);
  const patch = s("path", { class: "gradeclip-patch" });
  const cursor = s("path", { class: "gradeclip-cursor" });
  const regionCasing = s("path", { class: "gradeclip-region-casing" });
  const regionLine = s("path", { class: "gradeclip-region" });
  const element = s(
    "svg",
    { class: "gradeclip-overlay", preserveAspectRatio: "none", "aria-hidden": "true" },
    margin,
    contours,
    patch,
    regionCasing,
    regionLine,
    cursor,
  );
  let shown: Explanation | null = null;

  const show = (e: Explanation) => {
    shown = e;
    const { width, height } = e.header.image;
    const [x0, y0, x1, y1] = e.cover;
    element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    contours.setAttribute(
      "transform",
      `translate(${x0} ${y0}) scale(${(x1 - x0) / e.cols} ${(y1 - y0) / e.rows})`,
    );
    const whole = x0 <= 0 && y0 <= 0 && x1 >= width && y1 >= height;
    margin.setAttribute("d", whole ? "" : boxPath([0, 0, width, height]) + boxPath(e.cover));
  };

  return {
    element,
    update({ scene, store, changes, repaint }) {
      const e = scene.explanation;
      const fresh = e !== shown;
      if (fresh) show(e);
      if (repaint || changes.has("contour")) {
        const [forPath, againstPath] = store.get("contour") && !scene.erased ? contourPaths(scene) : ["", ""];
        casing.setAttribute("d", forPath + againstPath);
        above.setAttribute("d", forPath);
        below.setAttribute("d", againstPath);
      }
      if (fresh || changes.has("hoveredPatch") || changes.has("cursor")) {
        const { hoveredPatch, cursor: at } = store.view;
        patch.setAttribute(
          "d",
          hoveredPatch === null || at !== null ? "" : boxPath(patchBox(e, hoveredPatch)),
        );
        cursor.setAttribute("d", at === null ? "" : boxPath(patchBox(e, at)));
      }
      if (fresh || changes.has("region") || changes.has("draft")) {
        const path = scene.region ? regionPath(scene.region) : "";
        regionCasing.setAttribute("d", path);
        regionLine.setAttribute("d", path);
      }
    },
  };
}

/** Half of the map's maximum, on the side or sides that are shown. */
function contourPaths({ map, explanation: e, sign, top }: Frame["scene"]): [string, string] {
  if (!(top > 0)) return ["", ""];
  const lines = (level: number) => smoothPath(contourLines(map, e.rows, e.cols, level));
  return [sign === "negative" ? "" : lines(top / 2), sign === "positive" ? "" : lines(-top / 2)];
}

function boxPath([x0, y0, x1, y1]: Box): string {
  return `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
}

function regionPath(region: Region): string {
  if (region.kind === "box") return boxPath(region.box);
  return region.points.length > 1 ? `M${region.points.map((p) => p.join(" ")).join("L")}Z` : "";
}
