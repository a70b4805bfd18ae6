// The score of the match, how the last edit of the prompt changed it, and whether picture and sentence match at all.

import { untracked } from "@preact/signals-core";
import { formatCosine, formatPart, formatPercent, formatSigned, formatValue } from "../core/format";
import { formatStanding, type Standing } from "../core/match";
import type { Explanation } from "../core/types";
import { type Scene, standingOf, type View } from "../state/scene";
import { h, setText } from "../ui/dom";
import { setHelp } from "../ui/help";

const SCORE_HELP =
  "How well picture and sentence match: the cosine of the angle between what the model makes of either.";
const LOGIT_HELP = " On the scale that the model was trained with (its logit): ";

const MATCH_HELP =
  "Gray: where the scores of nine in ten sentences lie that have nothing to do with this picture. Mark: this sentence.";
const GRAY = " (gray: nine in ten of them)";
const APART = 13; // percent of the scale that keep two of its numbers apart

export function createScore({ store, scene, draw }: View): HTMLElement {
  const cosine = h("b");
  const change = h("ins", { class: "gradeclip-change", hidden: true });
  const rest = h("span");
  const element = h("div", { class: "gradeclip-score" }, cosine, change, rest);
  let before: { explanation: Explanation; active: number } | null = null;
  draw(() => {
    const { explanation } = scene;
    const now = { explanation, active: untracked(() => store.get("active")) };
    const edited = before && now.active === before.active && untracked(() => store.live);
    const difference = before && edited ? gain(before.explanation, explanation) : null;
    change.hidden = difference === null;
    setText(change, difference === null ? "" : formatGain(difference));
    change.classList.toggle("is-loss", (difference ?? 0) < 0);
    if (before) setHelp(change, `Compared with “${before.explanation.header.caption}”`);
    before = now;
  });
  draw(() => {
    const { cosine: value, logit } = scene.explanation.header.score;
    element.classList.toggle("is-stale", scene.pending);
    setText(cosine, formatPart(value, scene.decimals));
    setText(rest, describe(scene));
    setHelp(element, SCORE_HELP + (logit === null ? "" : `${LOGIT_HELP}${formatValue(logit, 10)}.`));
  });
  return element;
}

function formatGain(gain: number): string {
  return formatSigned(gain, 0.1);
}

/** The score gained over the previous caption; null if anything but the caption changed. */
function gain({ header: before }: Explanation, { header: after }: Explanation): number | null {
  const same = before.model === after.model && before.caption !== after.caption;
  return same ? after.score.cosine - before.score.cosine : null;
}

function describe({ explanation: { header }, versus }: Scene): string {
  const { cosine, probability } = header.score;
  const parts = ["score (cosine)"];
  if (probability !== null) parts.push(`probability ${formatPercent(probability)}`);
  if (versus) parts.push(`difference ${formatGain(cosine - versus.header.score.cosine)}`);
  return parts.join(" · ");
}

/** The score on a small scale among those of unrelated sentences. */
export function createMatch({ store, scene, draw }: View): HTMLElement {
  const span = h("i", { class: "gradeclip-unrelated" });
  const mark = h("i", { class: "gradeclip-mark" });
  const other = h("i", { class: "gradeclip-mark is-other", hidden: true });
  const track = h("div", { class: "gradeclip-match-track", "aria-hidden": "true" }, span, other, mark);
  const [least, most, here] = [h("span"), h("span"), h("span", { class: "is-here" })];
  const numbers = h("div", { class: "gradeclip-match-numbers", "aria-hidden": "true" }, least, most, here);
  const words = h("p");
  const otherWords = h("p", { class: "is-other", hidden: true });
  const element = h("div", { class: "gradeclip-match" }, track, numbers, words, otherWords);
  setHelp(element, MATCH_HELP);
  draw(() => {
    const { standing: own, versus } = scene;
    // If the scale may still come, its place is kept, so that nothing below moves.
    element.hidden = own === null && !(store.canCompute && store.get("match_scale"));
    element.classList.toggle("is-unknown", own === null);
    const theirs = own && versus && standingOf(versus, store.get("unrelated")[store.get("versus") ?? -1]);
    other.hidden = otherWords.hidden = theirs === null;
    element.classList.toggle("has-other", theirs !== null);
    span.hidden = mark.hidden = numbers.hidden = own === null;
    if (!own) setText(words, "\u00a0"); // as high as a line
    if (!own) return;
    const score = scene.explanation.header.score.cosine;
    const place = scaleOf(own, versus ? [score, versus.header.score.cosine] : [score]);
    const [low, high] = [place(own.low), place(own.high)];
    span.style.left = `${low.toFixed(2)}%`;
    span.style.width = `${(high - low).toFixed(2)}%`;
    mark.style.left = here.style.left = `${place(score).toFixed(2)}%`;
    least.style.left = `${low.toFixed(2)}%`;
    most.style.left = `${high.toFixed(2)}%`;
    setText(least, formatCosine(own.low));
    setText(most, formatCosine(own.high));
    setText(here, formatPart(score, scene.decimals));
    // The other two grow away from each other, so only the mark's number can meet one of them.
    here.hidden = place(score) > low - APART && place(score) < high + APART;
    setText(words, (versus ? `this: ${formatStanding(own)}` : formatStanding(own)) + GRAY);
    if (!theirs || !versus) return;
    other.style.left = `${place(versus.header.score.cosine).toFixed(2)}%`;
    setText(otherWords, `the other: ${formatStanding(theirs)}`);
  });
  return element;
}

/** The place of a score on the scale, in percent. The scale is that of the unrelated sentences, with room for matches. */
function scaleOf({ low, high }: Standing, scores: readonly number[]): (score: number) => number {
  const span = high - low || 0.01;
  const from = Math.min(low - span / 4, ...scores.map((score) => score - span / 10));
  const to = Math.max(high + 1.5 * span, ...scores.map((score) => score + span / 10));
  return (score) => (100 * (score - from)) / (to - from);
}
