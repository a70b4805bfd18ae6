// Progress of the computation: a thin bar, the stage in words, and a cancel button. The picture stays usable.

import { formatBytesOf } from "../core/format";
import type { Progress } from "../state/entries";
import type { Store } from "../state/store";
import { h, setText } from "../ui/dom";

const DELAY = 350; // ms; faster computations show no text

/** "loading weights 120 of 350 MB", "image tower 3 of 12". */
export function formatProgress(progress: Progress | null): string {
  if (!progress) return "Explaining";
  const { stage, done, total, unit } = progress;
  if (unit === "bytes") return `${stage} ${formatBytesOf(done, total)}`;
  return total !== null && total > 1 ? `${stage} ${done} of ${total}` : stage;
}

/** The completed fraction, 0..1; null if unknown. */
export function progressFraction(progress: Progress | null): number | null {
  if (!progress?.total) return null;
  return Math.min(1, Math.max(0, progress.done / progress.total));
}

/**
 * @param fallbackFocus returns the element to focus when the focused cancel button is hidden.
 * @returns the bar, and the words, which are shown over the picture with the cancel button.
 */
export function createProgress(
  store: Store,
  computing: () => boolean,
  fallbackFocus: () => HTMLElement,
  signal: AbortSignal,
): { bar: HTMLElement; words: HTMLElement } {
  const fill = h("i");
  const bar = h(
    "div",
    { class: "gradeclip-progress", role: "progressbar", "aria-label": "Explaining" },
    fill,
  );
  const stage = h("span");
  const cancel = h("button", { type: "button", class: "gradeclip-cancel" }, "Cancel");
  const words = h("div", { class: "gradeclip-stage-words", hidden: true }, stage, cancel);
  let timer = 0;
  cancel.addEventListener("click", () => store.send({ type: "cancel" }), { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));
  store.draw(() => {
    const progress = store.get("progress");
    const share = computing() ? progressFraction(progress) : null;
    bar.hidden = !computing();
    bar.classList.toggle("is-open-ended", share === null);
    fill.style.width = share === null ? "" : `${(100 * share).toFixed(1)}%`;
    if (share === null) bar.removeAttribute("aria-valuenow");
    else bar.setAttribute("aria-valuenow", (100 * share).toFixed(0));
    bar.setAttribute("aria-valuetext", formatProgress(progress));
    setText(stage, formatProgress(progress));
    cancel.hidden = !store.live;
  }, signal);
  store.draw(() => {
    if (computing()) {
      timer ||= window.setTimeout(() => (words.hidden = false), DELAY);
      return;
    }
    clearTimeout(timer);
    timer = 0;
    if (words.contains(document.activeElement)) fallbackFocus().focus({ preventScroll: true });
    words.hidden = true;
  }, signal);
  return { bar, words };
}
