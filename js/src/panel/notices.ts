// Hint, notes, errors, the state of the kernel, and announcements for screen readers.

import { evidenceReading, importanceOf, patchWords } from "../core/evidence";
import { formatCosine, formatPart, formatPercent } from "../core/format";
import { formatStanding } from "../core/match";
import { onChange, type Scene, type View } from "../state/scene";
import type { Kernel } from "../state/store";
import { formatLocation, formatSilence, formatUnknown, nameOf } from "../state/wording";
import { h, setText } from "../ui/dom";

const HINT =
  "Hover a word to see where it looks. Click or drag on the picture to ask which words are supported there.";
const PINNED = "Shift-click adds a word to the phrase. Esc to unpin.";
const REGION = "Click a word to see how much of its evidence lies here. Esc clears.";
const THING = "Click again for the single patch. Esc clears.";

const KERNEL_NOTICES: Readonly<Record<Kernel, string>> = {
  there: "",
  absent: "",
  lost: "The kernel is gone. Hovering and clicking still work; editing needs a kernel: run the cell again.",
  silent:
    "No answer for some seconds: the kernel is busy with something else, or gone. Hovering and clicking still work.",
};

export function createHint({ scene, draw }: View): HTMLElement {
  const element = h("p", { class: "gradeclip-hint" });
  const ofRegion = () => (scene.region?.kind === "thing" ? THING : scene.region ? REGION : HINT);
  draw(() => setText(element, scene.pinned.length > 0 ? PINNED : ofRegion()));
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

function formatPatch({ evidence: e, measure }: Scene, patch: number): string {
  const place = `Row ${Math.floor(patch / e.cols) + 1}, column ${(patch % e.cols) + 1}`;
  const words = patchWords(e, evidenceReading(e), measure, patch).filter(({ value }) => value > 0);
  const names = words.slice(0, 3).map(({ word }) => nameOf(e, word));
  return names.length > 0 ? `${place}: ${names.join(", ")}` : `${place}: no word is supported here`;
}

function formatSelection(scene: Scene): string {
  const { explanation: e, pinned, region, ranking, share, label, decimals } = scene;
  if (pinned.length === 0 && !region) return "Nothing selected.";
  if (!region) return `${label} pinned. ${formatMap(scene)}`;
  if (share !== null && pinned.length > 0)
    return `${formatPercent(share)} of the evidence for ${label} lies in the region.`;
  if (scene.silent) return `Region selected. ${formatSilence(scene.versus)}`;
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
