// The occlusion test: erase the region and show how the score changes.

import { formatSigned, formatValue } from "../core/format";
import type { View } from "../state/scene";
import type { Synced } from "../state/synced";
import { createSegmented } from "../ui/choice";
import { h, setText } from "../ui/dom";

const TITLE = "What if this region were not there?";
const WAYS = [
  { value: "", label: "As it is", help: "The picture as it is" },
  { value: "blur", label: "Blurred", help: "Blur the region and score the picture again" },
  {
    value: "mean",
    label: "Plain color",
    help: "Fill the region with the mean color of the rest and score again",
  },
  { value: "noise", label: "Noise", help: "Fill the region with noise and score the picture again" },
] as const;

export function createErase({ store, scene, signal, draw }: View): HTMLElement {
  const title = h("h3", { class: "gradeclip-heading" }, TITLE);
  const ways = createSegmented(TITLE, signal, (value) => store.set({ erase: value as Synced["erase"] }));
  const result = h("p", { class: "gradeclip-fall", role: "status" });
  const element = h("section", { class: "gradeclip-erase" }, title, ways.element, result);
  draw(() => {
    const { live, canCompute } = store;
    const answer = store.get("erased");
    element.hidden =
      !scene.region || scene.seen === 0 || !store.isControlVisible("erase") || !(live || answer);
    if (element.hidden) return;
    ways.setOptions(WAYS.filter(({ value }) => live || value === "" || value === answer?.how));
    ways.choose(store.get("erase"));
    ways.setDisabled(live && !canCompute);
    const { score } = scene.explanation.header;
    const after = scene.erased?.scores[store.get("active")];
    const waiting = store.get("erase") !== "" && !scene.erased;
    setText(
      result,
      typeof after === "number"
        ? formatScoreChange(score.cosine, after)
        : waiting
          ? "Scoring the picture …"
          : "",
    );
  });
  return element;
}

/** "Score without it: 0.412 (−0.323)". */
export function formatScoreChange(before: number, after: number): string {
  const scale = Math.max(0.1, Math.abs(before), Math.abs(after));
  return `Score without it: ${formatValue(after, scale)} (${formatSigned(after - before, scale)})`;
}
