// A picture with a heat map and an overlay: what the stage and the cells of a comparison have in common.

import { lookupTable } from "../../core/color-scale";
import { toBytes } from "../../core/decode";
import { strengths } from "../../core/evidence";
import { hueRgb } from "../../core/hues";
import { memoize } from "../../core/memo";
import type { Explanation } from "../../core/types";
import type { PictureFrame, PictureScene } from "../../state/scene";
import type { Synced } from "../../state/synced";
import { formatUnknown } from "../../state/words/wording";
import { h, setText } from "../../ui/dom";
import { createOverlay } from "../overlay";
import { HeatPainter } from "./heat-painter";
import type { Layer } from "./paint-layers";

const DOUBTS = {
  none: "The picture does not support this sentence",
  little: "The picture hardly supports this sentence",
  clear: "",
};
const MAX_ASPECT = 12; // more elongated pictures are squeezed, so that there is room to point at

export interface PaintedPicture {
  readonly shown: Explanation | null;
  update(frame: PictureFrame): void;
}

/** Show a picture in `stage`, which takes the pointer; `element` around it gets its shape and opacity. */
export function createPaintedPicture(
  element: HTMLElement,
  stage: HTMLElement,
  signal: AbortSignal,
): PaintedPicture {
  const image = h("img", { class: "gradeclip-image", alt: "", draggable: "false" });
  const canvas = h("canvas", { class: "gradeclip-heat", "aria-hidden": "true" });
  const overlay = createOverlay();
  const badge = h("div", { class: "gradeclip-badge", hidden: true });
  stage.prepend(image, canvas, overlay.element, badge);
  let shown: Explanation | null = null;
  let bytes: Uint8Array | null = null; // of the shown picture
  let painter: HeatPainter | null = null;
  let url = "";
  signal.addEventListener("abort", () => URL.revokeObjectURL(url));

  const showPicture = (picture: Uint8Array, type: string) => {
    if (bytes && sameBytes(bytes, picture)) return;
    bytes = picture;
    URL.revokeObjectURL(url);
    url = URL.createObjectURL(new Blob([picture as BlobPart], { type }));
    image.src = url;
  };
  const show = (e: Explanation) => {
    const { width, height, cover } = e.header.image;
    image.alt = `Picture explained with: ${e.header.caption}`;
    const aspect = Math.min(MAX_ASPECT, Math.max(1 / MAX_ASPECT, width / height));
    element.style.setProperty("--aspect", aspect.toFixed(5));
    element.classList.toggle("is-landscape", aspect > 1.2);
    const [x0, y0, x1, y1] = cover;
    canvas.style.left = `${(100 * x0) / width}%`;
    canvas.style.top = `${(100 * y0) / height}%`;
    canvas.style.width = `${(100 * (x1 - x0)) / width}%`;
    canvas.style.height = `${(100 * (y1 - y0)) / height}%`;
    if (!painter || painter.rows !== e.rows || painter.cols !== e.cols) {
      painter = new HeatPainter(canvas, e.rows, e.cols);
    }
    shown = e;
  };

  return {
    get shown() {
      return shown;
    },
    update(frame) {
      const { scene, store } = frame;
      const fresh = scene.explanation !== shown;
      if (fresh) show(scene.explanation);
      if (fresh || frame.repaint) {
        const { erased, explanation: e } = scene;
        showPicture(erased ? erasedBytes(erased) : e.image, erased ? "image/webp" : e.header.image.mime);
        canvas.hidden = erased !== null; // the heat map belongs to the original picture
        element.classList.toggle("is-together", scene.together && !erased);
        if (scene.together) painter!.paintTogether(scene.highlights, () => layersOf(scene));
        else
          painter!.paint(scene.map, scene.sign, scene.top, lookupTable(store.get("color_scale"), scene.sign));
      }
      if (fresh || frame.repaint || frame.changes.has("unrelated")) {
        const text = badgeText(scene);
        setText(badge, text);
        badge.hidden = text === "";
      }
      element.style.setProperty("--opacity", String(store.get("opacity")));
      overlay.update(frame);
    },
  };
}

/** What a screen reader says of a picture that takes keys. */
export function describeKeys(e: Explanation): string {
  return (
    `Picture, ${e.rows} by ${e.cols} patches. Arrow keys move between patches, Enter selects one, ` +
    "Shift with arrows extends a box, Escape clears."
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
  const doubt = e.header.foreign ? "" : DOUBTS[scene.standing?.match ?? "clear"]; // of a foreign picture more is said
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
