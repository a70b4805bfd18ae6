// Hint, errors, the state of the kernel, and announcements for screen readers.

import { evidenceReading, patchWords } from "../core/evidence";
import { formatCosine, formatPart, formatPercent } from "../core/format";
import { formatStanding } from "../core/match";
import type { Explanation } from "../core/types";
import type { Frame, Scene } from "../state/scene";
import type { Kernel } from "../state/store";
import { nameOf } from "../state/words/names";
import { formatLocation, formatSilence, formatUnknown } from "../state/words/wording";
import { type Component, h, setText } from "../ui/dom";

const HINT =
  "Hover a word to see where it looks. Click or drag on the picture to ask which words are supported there.";
const PINNED = "Shift-click adds a word to the phrase. Esc to unpin.";
const REGION = "Click a word to see how much of its evidence lies here. Esc clears.";

const KERNEL_NOTICES: Readonly<Record<Kernel, string>> = {
  there: "",
  absent: "",
  lost: "The kernel is gone. Hovering and clicking still work; editing needs a kernel: run the cell again.",
  silent:
    "No answer for some seconds: the kernel is busy with something else, or gone. Hovering and clicking still work.",
};

export function createHint(): Component<Frame> {
  const element = h("p", { class: "gradeclip-hint" });
  return {
    element,
    update({ scene }) {
      setText(element, scene.pinned.length > 0 ? PINNED : scene.region ? REGION : HINT);
    },
  };
}

/** The error message. Its live region always exists, so that screen readers announce the text. */
export function createError(): Component<string> {
  const text = h("span");
  const element = h("div", { class: "gradeclip-error", role: "alert", hidden: true }, text);
  return {
    element,
    update(message) {
      setText(text, message);
      element.hidden = message === "";
    },
  };
}

/** The notice that the kernel is lost or does not respond. Its live region always exists too. */
export function createKernelNotice(): Component<Kernel> {
  const text = h("span");
  const element = h("div", { class: "gradeclip-notice", role: "status" }, text);
  return {
    element,
    update(kernel) {
      setText(text, KERNEL_NOTICES[kernel]);
    },
  };
}

/** Announces to screen readers what changes on the screen. */
export function createAnnouncer(): Component<Frame> {
  const element = h("div", { class: "gradeclip-spoken", role: "status", "aria-live": "polite" });
  let explained: Explanation | null = null;
  return {
    element,
    update({ scene, store, changes }) {
      if (!explained) {
        explained = scene.explanation;
        return;
      }
      if (store.view.draft) return;
      if (scene.explanation !== explained) {
        explained = scene.explanation;
        const { caption, score } = explained.header;
        const match = scene.standing ? `, ${formatStanding(scene.standing)}` : "";
        setText(element, `${caption}: score ${formatCosine(score.cosine)}${match}.`);
        return;
      }
      if (changes.has("cursor") && store.view.cursor !== null)
        setText(element, formatPatch(scene, store.view.cursor));
      else if (changes.has("region") || changes.has("selected_words"))
        setText(element, formatSelection(scene));
      else if (changes.has("hovered_word") && scene.words.length > 0) setText(element, formatMap(scene));
    },
  };
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
  const said = ranking
    .filter(({ value }) => value > 0)
    .slice(0, 3)
    .map(({ word, value }) => `${nameOf(e, word)} ${formatPart(value, decimals)}`);
  return said.length > 0 ? `Region selected. It supports ${said.join(", ")}.` : "Region selected.";
}

function formatMap({ explanation: e, map, peak, label, sign, words }: Scene): string {
  const [word] = words.length === 1 ? words : [];
  if (word !== undefined && !e.header.words[word].known) return formatUnknown(label);
  if (peak <= 0) return `No evidence for ${label}.`;
  const shown = sign === "negative" ? map.map((v) => -v) : map;
  const what = sign === "negative" ? "Strongest against it" : "Strongest";
  return `${what} ${formatLocation(e, shown)}.`;
}
