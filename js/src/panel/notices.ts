// Hint, notes, errors, the state of the kernel, and announcements for screen readers.

import { evidenceReading, importanceOf, patchWords } from "../core/evidence";
import { formatCosine, formatPart, formatPercent, roundPart } from "../core/format";
import { formatStanding } from "../core/match";
import { onChange, type Scene, type View } from "../state/scene";
import type { Kernel } from "../state/store";
import { formatLocation, formatSilence, formatUnknown, nameOf } from "../state/wording";
import { h, setText } from "../ui/dom";

const HINTS = {
  none: "Point at a word to see where the model finds it. Click a thing in the picture to see which words it supports.",
  pinned: "Shift-click adds a word to the phrase. Esc to unpin.",
  region: "Click a word to see how much of its evidence lies here. Esc clears.",
  thing: "Click again for the single patch. Esc clears.",
};
/** The hints for fingers, which can neither hover nor press a key. */
const TOUCH_HINTS: typeof HINTS & { tool: string } = {
  none: "Tap a word to see where the model finds it. Tap a thing in the picture to see which words it supports; hold and drag, or choose Box or Lasso, for another part.",
  pinned: "Hold another word to add it to the phrase. Clear, under the picture, unpins.",
  region:
    "Tap a word to see how much of its evidence lies here. Clear, under the picture, removes the region.",
  thing: "Tap again for the single patch. Clear, under the picture, removes the region.",
  tool: "Draw on the picture with a finger. Tap the tool again to scroll the page there.",
};

const KERNEL_NOTICES: Readonly<Record<Kernel, string>> = {
  there: "",
  absent: "",
  lost: "The kernel is gone. Hovering and clicking still work; editing needs a kernel: run the cell again.",
  silent:
    "No answer for some seconds: the kernel is busy with something else, or gone. Hovering and clicking still work.",
};

export function createHint({ store, scene, draw }: View): HTMLElement {
  const element = h("p", { class: "gradeclip-hint" });
  draw(() => {
    const { touch, tool } = store.view;
    const region =
      scene.region?.kind === "thing" ? "thing" : scene.region && scene.seen > 0 ? "region" : "none";
    const state = scene.pinned.length > 0 ? "pinned" : region;
    setText(element, touch ? TOUCH_HINTS[tool ? "tool" : state] : HINTS[state]);
  });
  return element;
}

/** Notes on an explanation: those from Python, and that no word adds to the score. */
export function createNotes({ scene, draw }: View): HTMLElement {
  const element = h("ul", { class: "gradeclip-notes", hidden: true });
  draw(() => {
    const { notes, foreign } = scene.explanation.header;
    const all = notes.slice(foreign ? 1 : 0); // the banner on a foreign picture has the first one
    const nothing = importanceOf(scene.explanation).values.every((value) => value <= 0);
    if (nothing && !foreign) all.push("No word adds to this score.");
    element.replaceChildren(...all.map((note) => h("li", {}, note)));
    element.hidden = all.length === 0;
  });
  return element;
}

/** The error message. Its live region always exists, so that screen readers announce the text. */
export function createError(message: () => string, draw: View["draw"]): HTMLElement {
  const text = h("span");
  const element = h("div", { class: "gradeclip-error", role: "alert", hidden: true }, text);
  draw(() => {
    setText(text, message());
    element.hidden = message() === "";
  });
  return element;
}

/** The notice that the kernel is lost or does not respond. Its live region always exists too. */
export function createKernelNotice(kernel: () => Kernel, draw: View["draw"]): HTMLElement {
  const text = h("span");
  draw(() => setText(text, KERNEL_NOTICES[kernel()]));
  return h("div", { class: "gradeclip-notice", role: "status" }, text);
}

/**
 * Announces to screen readers what changes on the screen. Of several changes in one frame, the last of those below is
 * announced.
 */
export function createAnnouncer(view: View): HTMLElement {
  const { store, scene } = view;
  const element = h("div", { class: "gradeclip-spoken", role: "status", "aria-live": "polite" });
  /** Announce changes of a value, unless a region is being drawn; no text announces nothing. */
  const announce = (value: () => unknown, text: () => string) =>
    onChange(view, value, () => store.view.draft || setText(element, text() || element.textContent));
  announce(
    () => store.get("hovered_word"),
    () => (scene.words.length > 0 ? formatMap(scene) : ""),
  );
  announce(
    () => store.get("selected_words"),
    () => formatSelection(scene),
  );
  announce(
    () => store.get("region"),
    () => formatSelection(scene),
  );
  announce(
    () => store.view.cursor,
    () => (scene.cursor === null ? "" : formatPatch(scene, scene.cursor)),
  );
  announce(
    () => scene.explanation,
    () => {
      const { caption, score } = scene.explanation.header;
      const match = scene.standing ? `, ${formatStanding(scene.standing)}` : "";
      return `${caption}: score ${formatCosine(score.cosine)}${match}.`;
    },
  );
  return element;
}

function formatPatch({ evidence: e, measure, decimals }: Scene, patch: number): string {
  const place = `Row ${Math.floor(patch / e.cols) + 1}, column ${(patch % e.cols) + 1}`;
  const words = patchWords(e, evidenceReading(e), measure, patch).filter(
    ({ value }) => roundPart(value, decimals) > 0,
  );
  const names = words.slice(0, 3).map(({ word }) => nameOf(e, word));
  return names.length > 0 ? `${place}: ${names.join(", ")}` : `${place}: no word is supported here`;
}

function formatSelection(scene: Scene): string {
  const { explanation: e, pinned, region, ranking, share, label, decimals } = scene;
  if (pinned.length === 0 && !region) return "Nothing selected.";
  if (!region) return `${label} pinned. ${formatMap(scene)}`;
  if (share !== null && pinned.length > 0)
    return `${formatPercent(share)} of the evidence for ${label} lies in the region.`;
  if (scene.silent) return `Region selected. ${formatSilence(scene)}`;
  const words = ranking
    .filter(({ value }) => value > 0)
    .slice(0, 3)
    .map(({ word, value }) => `${nameOf(e, word)} ${formatPart(value, decimals)}`);
  return words.length > 0 ? `Region selected. It supports ${words.join(", ")}.` : "Region selected.";
}

function formatMap({ explanation: e, map, peak, label, sign, words }: Scene): string {
  const [word] = words.length === 1 ? words : [];
  if (word !== undefined && !e.header.words[word].known) return formatUnknown(label);
  if (peak <= 0) return `No evidence for ${label}.`;
  const shown = sign === "negative" ? map.map((v) => -v) : map;
  const what = sign === "negative" ? "Strongest against it" : "Strongest";
  return `${what} ${formatLocation(e, shown)}.`;
}
