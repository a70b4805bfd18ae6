// The line above the bars: which measure of importance they show, and a menu of the other measures.

import { importanceOf } from "../core/evidence";
import type { Explanation, Measure } from "../core/types";
import { isComparing } from "../state/comparison";
import type { Frame, Scene } from "../state/scene";
import type { Store } from "../state/store";
import { capitalize, formatMeasure } from "../state/wording";
import { type Component, h, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import type { Menu } from "../ui/menu";

const ON_REQUEST = { name: "integrated-gradients", label: "integrated gradients (takes a moment)" };

export function createMeasureLine(store: Store, menu: Menu, signal: AbortSignal): Component<Frame> {
  const name = h("span");
  const by = h("span", { class: "gradeclip-by" }); // the method, where several are compared
  const title = h("h3", { class: "gradeclip-heading" }, name, by);
  const others = h(
    "button",
    { type: "button", class: "gradeclip-more", "aria-haspopup": "menu" },
    "Other measures",
  );
  setHelp(others, "Other ways to say how much a word matters for the score");
  const what = h("span");
  const second = h("span");
  const firstKey = h("span", {}, h("i"), what);
  const secondKey = h("span", {}, h("i", { class: "gradeclip-second" }), second);
  const key = h("p", { class: "gradeclip-key" }, firstKey, secondKey);
  const element = h("div", { class: "gradeclip-measure" }, title, others, key);
  let scene: Scene | null = null;
  others.addEventListener(
    "click",
    () => {
      const { evidence, measure } = scene!;
      const choices = measuresOf(evidence).map(({ name, label }) => ({
        label: capitalize(label),
        current: name === measure,
        act: () => store.set({ importance: name }),
      }));
      menu.open(
        others,
        "Measure of importance",
        () => choices,
        () => others,
      );
    },
    { signal },
  );
  /** The computed measures, and the one that a kernel computes on request. */
  const measuresOf = ({ header: { importance } }: Explanation): { name: string; label: string }[] =>
    !store.canCompute || importance.some(({ name }) => name === ON_REQUEST.name)
      ? importance
      : [...importance, ON_REQUEST];
  return {
    element,
    update(frame) {
      scene = frame.scene;
      const { evidence, measure } = scene;
      others.hidden = measuresOf(evidence).length < 2 || !store.isControlVisible("importance");
      setText(name, heading(scene));
      setText(by, isComparing(store) ? ` (${evidence.header.method})` : "");
      setText(what, formatBarsKey(scene, importanceOf(evidence, measure)));
      const beside = secondMeasure(scene);
      secondKey.hidden = beside === null;
      if (beside) setText(second, `Thin line: ${formatMeasure(beside)}.`);
    },
  };
}

/** The measure drawn as a thin line next to the shown one: the first other one; none for a region or a difference. */
export function secondMeasure({ evidence, measure, region, versus }: Scene): Measure | null {
  if (region || versus) return null;
  return evidence.header.importance.find(({ name }) => name !== measure) ?? null;
}

function heading({ region, versus }: Scene): string {
  if (!versus) return region ? "What this region says" : "Word importance";
  return region ? "What this region says, difference" : "Word importance, difference";
}

/** "Bars: what the score loses without the word." */
function formatBarsKey({ region, versus }: Scene, measure: Measure): string {
  const what = formatMeasure(measure);
  const part =
    measure.name === "evidence"
      ? "the part of the score that this region gives to the word"
      : `the part of ${what} that lies in this region`;
  const here = region ? part : what;
  return versus ? `Bars: ${here}, less the same for “${versus.header.caption}”.` : `Bars: ${here}.`;
}
