// The score on a small scale among those of unrelated sentences: whether picture and sentence match at all.

import { formatStanding, type Standing } from "../core/match";
import { type Frame, standingOf } from "../state/scene";
import { type Component, h, setText } from "../ui/dom";
import { setHelp } from "../ui/help";

const HELP =
  "Gray: where nine in ten sentences lie that have nothing to do with this picture. Mark: this sentence.";

export function createMatch(): Component<Frame> {
  const span = h("i", { class: "gradeclip-unrelated" });
  const mark = h("i", { class: "gradeclip-mark" });
  const other = h("i", { class: "gradeclip-mark is-other", hidden: true });
  const track = h("div", { class: "gradeclip-match-track", "aria-hidden": "true" }, span, other, mark);
  const words = h("p");
  const otherWords = h("p", { class: "is-other", hidden: true });
  const element = h("div", { class: "gradeclip-match" }, track, words, otherWords);
  setHelp(element, HELP);
  return {
    element,
    update({ scene, store }) {
      const { standing: own, versus } = scene;
      // Where the scale may still come its place is kept, so that nothing below moves.
      element.hidden = own === null && !(store.canCompute && store.get("match_scale"));
      element.classList.toggle("is-unknown", own === null);
      const theirs = own && versus && standingOf(versus, store.get("unrelated")[store.get("versus") ?? -1]);
      other.hidden = otherWords.hidden = theirs === null;
      element.classList.toggle("has-other", theirs !== null);
      if (!own) return;
      const score = scene.explanation.header.score.cosine;
      const place = scaleOf(own, versus ? [score, versus.header.score.cosine] : [score]);
      const [low, high] = [place(own.low), place(own.high)];
      span.style.left = `${low.toFixed(2)}%`;
      span.style.width = `${(high - low).toFixed(2)}%`;
      mark.style.left = `${place(score).toFixed(2)}%`;
      setText(words, `${versus ? "this: " : ""}${formatStanding(own)}`);
      if (!theirs || !versus) return;
      other.style.left = `${place(versus.header.score.cosine).toFixed(2)}%`;
      setText(otherWords, `the other: ${formatStanding(theirs)}`);
    },
  };
}

/** Where a score lies on the scale, in percent. The scale is that of the unrelated sentences, with room for matches. */
function scaleOf({ low, high }: Standing, scores: readonly number[]): (score: number) => number {
  const span = high - low || 0.01;
  const from = Math.min(low - span / 4, ...scores.map((score) => score - span / 10));
  const to = Math.max(high + 1.5 * span, ...scores.map((score) => score + span / 10));
  return (score) => (100 * (score - from)) / (to - from);
}
