// The score of the match, and how the last edit of the prompt changed it.

import { formatPart, formatPercent, formatSigned, formatValue } from "../core/format";
import type { Explanation } from "../core/types";
import type { Frame, Scene } from "../state/scene";
import { type Component, h, setText } from "../ui/dom";
import { setHelp } from "../ui/help";

const HELP =
  "How well picture and sentence match: the cosine of the angle between what the model makes of either.";
const LOGIT_HELP = " On the scale that the model was trained with (its logit): ";

export function createScore(): Component<Frame> {
  const cosine = h("b");
  const change = h("ins", { class: "gradeclip-change", hidden: true });
  const rest = h("span");
  const element = h("div", { class: "gradeclip-score" }, cosine, change, rest);
  let shown: Explanation | null = null;
  return {
    element,
    update({ scene, store, changes }) {
      const { explanation: e } = scene;
      element.classList.toggle("is-stale", scene.pending);
      if (e !== shown) {
        const difference = shown && store.live && !changes.has("active") ? gain(shown, e) : null;
        change.hidden = difference === null;
        setText(change, difference === null ? "" : formatGain(difference));
        change.classList.toggle("is-loss", (difference ?? 0) < 0);
        if (shown) setHelp(change, `Compared with “${shown.header.caption}”`);
        shown = e;
        const { logit } = e.header.score;
        setHelp(element, HELP + (logit === null ? "" : `${LOGIT_HELP}${formatValue(logit, 10)}.`));
      }
      setText(cosine, formatPart(e.header.score.cosine, scene.decimals));
      setText(rest, describe(scene));
    },
  };
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
