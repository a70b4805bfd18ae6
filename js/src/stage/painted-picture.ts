// A picture with a heat map and an overlay: for the stage and for the cells of a comparison.

import { hueRgb, lookupTable } from "../core/color-scale";
import { toBytes } from "../core/decode";
import { strengths } from "../core/evidence";
import { memoize } from "../core/memo";
import type { Explanation } from "../core/types";
import type { PictureScene, View } from "../state/scene";
import type { Synced } from "../state/synced";
import { formatUnknown } from "../state/wording";
import { h, setText } from "../ui/dom";
import { HeatPainter, type Layer } from "./heat-painter";
import { createOverlay } from "./overlay";

const DOUBTS = {
  none: "The picture does not support this sentence",
  little: "The picture hardly supports this sentence",
  clear: "",
};
const MAX_ASPECT = 12; // more elongated pictures are squeezed, so that there is room to point at

/**
 * Show the picture of a scene in `stage`, which takes the pointer.
 *
 * @param element the element around the stage, which gets the picture's shape and opacity.
 */
export function showPicture(view: View, scene: PictureScene, element: HTMLElement, stage: HTMLElement): void {
  const { store, signal, draw } = view;
  const image = h("img", { class: "gradeclip-image", alt: "", draggable: "false" });
  const canvas = h("canvas", { class: "gradeclip-heat", "aria-hidden": "true" });
  const badge = h("div", { class: "gradeclip-badge", hidden: true });
  stage.prepend(image, canvas, createOverlay(view, scene), badge);
  let bytes: Uint8Array | null = null; // of the image
  let url = "";
  let painter: HeatPainter | null = null;
  signal.addEventListener("abort", () => URL.revokeObjectURL(url));

  draw(() => {
    const { width, height, cover } = scene.explanation.header.image;
    image.alt = `Picture explained with: ${scene.explanation.header.caption}`;
    const aspect = Math.min(MAX_ASPECT, Math.max(1 / MAX_ASPECT, width / height));
    element.style.setProperty("--aspect", aspect.toFixed(5));
    element.classList.toggle("is-landscape", aspect > 1.2);
    const [x0, y0, x1, y1] = cover;
    const place = { x: x0 / width, y: y0 / height, w: (x1 - x0) / width, h: (y1 - y0) / height };
    for (const [name, share] of Object.entries(place))
      canvas.style.setProperty(`--gc-${name}`, `${100 * share}%`);
  });
  draw(() => {
    const { erased, explanation: e } = scene;
    const picture = erased ? erasedBytes(erased) : e.image;
    if (bytes && sameBytes(bytes, picture)) return;
    bytes = picture;
    URL.revokeObjectURL(url);
    const type = erased ? "image/webp" : e.header.image.mime;
    url = URL.createObjectURL(new Blob([picture as BlobPart], { type }));
    image.src = url;
  });
  draw(() => {
    canvas.hidden = scene.erased !== null; // the heat map belongs to the original picture
    element.classList.toggle("is-together", scene.together && !scene.erased);
    const { rows, cols } = scene.explanation;
    if (painter?.rows !== rows || painter.cols !== cols) painter = new HeatPainter(canvas, rows, cols);
    if (scene.together) painter.paintTogether(scene.highlights, () => layersOf(scene));
    else painter.paint(scene.map, scene.sign, scene.top, lookupTable(store.get("color_scale"), scene.sign));
  });
  draw(() => {
    const text = badgeText(scene);
    setText(badge, text);
    badge.hidden = text === "";
  });
  draw(() => element.style.setProperty("--opacity", String(store.get("opacity"))));
}

/** The label of a picture that takes keys. */
export function describeKeys(e: Explanation): string {
  return (
    `Picture, ${e.rows} by ${e.cols} patches. Arrow keys move between patches, Enter selects the thing there, ` +
    "Enter again the single patch, Shift with arrows extends a box, Escape clears."
  );
}

function layersOf({ evidence: e, measure, highlights }: PictureScene): Layer[] {
  return strengths(e, measure, highlights).map((strength, k) => ({
    strength,
    color: hueRgb(highlights[k].hue),
  }));
}

/** The message over the picture, for what the map alone cannot show; usually empty. */
function badgeText(scene: PictureScene): string {
  if (scene.erased) return "";
  const { explanation: e, words, sign, peak, label } = scene;
  const word = words.length === 1 ? e.header.words[words[0]] : null;
  if (word?.truncated && peak <= 0) return `Not read by the model: “${word.text}”`;
  if (word && !word.known) return formatUnknown(word.text);
  const doubt = e.header.foreign ? "" : DOUBTS[scene.standing?.match ?? "clear"]; // of a foreign picture the banner tells more
  if (words.length === 0 && !scene.versus && doubt) return doubt;
  if (scene.together) return peak > 0 ? "" : "No word adds to this score";
  const none = peak <= 0 || (words.length === 0 && sign === "positive" && e.header.no_evidence.image);
  if (!none) return "";
  if (scene.versus && words.length === 0) return "Nothing to tell these prompts apart";
  const whom = words.length > 0 ? ` “${label}”` : " this caption";
  if (sign === "negative") return `No evidence against${whom}`;
  return sign === "both" ? `No evidence on${whom}` : `No positive evidence for${whom}`;
}

/** Cached, because the same array is recognized as the same picture without comparing bytes. */
const erasedBytes = memoize((erased: NonNullable<Synced["erased"]>) => toBytes(erased.image));

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || (a.length === b.length && a.every((value, i) => value === b[i]));
}
