// The lines above the bars: what they show, and a menu of the measures of importance.

import { addsUp, importanceOf } from "../core/evidence";
import { formatPart } from "../core/format";
import type { Measure } from "../core/types";
import type { Scene, View } from "../state/scene";
import { capitalize, formatMeasure } from "../state/wording";
import { h, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import type { Menu } from "../ui/menu";

const ON_REQUEST = { name: "integrated-gradients", label: "integrated gradients (takes a moment)" };

export function createMeasureLine({ store, scene, signal, draw }: View, menu: Menu): HTMLElement {
  const name = h("span");
  const by = h("span", { class: "gradeclip-by" }); // the method, where several are compared
  const title = h("h3", { class: "gradeclip-heading" }, name, by);
  const others = h(
    "button",
    { type: "button", class: "gradeclip-more gradeclip-measures", "aria-haspopup": "menu" },
    "Other measures",
  );
  setHelp(others, "Other ways to measure how much a word matters for the score");
  const what = h("span");
  const second = h("span");
  const secondKey = h("span", {}, h("i", { class: "gradeclip-second" }), second);
  const key = h("p", { class: "gradeclip-key" }, what, secondKey);
  const element = h("div", { class: "gradeclip-measure" }, title, others, key);
  others.addEventListener(
    "click",
    () => {
      const { measure } = scene;
      const choices = measures().map(({ name, label }) => ({
        label: capitalize(label),
        current: name === measure,
        act: () => store.set({ importance: name }),
      }));
      menu.open(
        others,
        "Measures of a word’s importance",
        () => choices,
        () => others,
      );
    },
    { signal },
  );
  /** The computed measures, and the one that a kernel computes on request; for a difference, those that add up. */
  const measures = (): { name: string; label: string }[] => {
    const { evidence, versus } = scene;
    const { importance } = evidence.header;
    if (versus) return importance.filter((measure) => addsUp(evidence, measure));
    return !store.canCompute || importance.some(({ name }) => name === ON_REQUEST.name)
      ? importance
      : [...importance, ON_REQUEST];
  };
  draw(() => {
    key.hidden = scene.seen === 0;
    others.hidden = key.hidden || measures().length < 2 || !store.isControlVisible("importance");
    setText(name, heading(scene));
    setText(by, store.comparing ? ` (${scene.evidence.header.method})` : "");
    setText(what, formatBars(scene));
    const beside = secondMeasure(scene);
    secondKey.hidden = beside === null;
    if (beside) setText(second, `Thin line: ${formatMeasure(beside)}.`);
  });
  return element;
}

/** Whether the bars are shown as parts of the score, each beginning where the one above ends. */
export function isWaterfall({ evidence, measure, region, versus }: Scene): boolean {
  return !region && !versus && addsUp(evidence, importanceOf(evidence, measure));
}

/** The measure drawn as a thin line next to the shown one: the first other one. Only where bars do not add up. */
export function secondMeasure(scene: Scene): Measure | null {
  const { evidence, measure, region, versus } = scene;
  if (region || versus || isWaterfall(scene)) return null;
  return evidence.header.importance.find(({ name }) => name !== measure) ?? null;
}

function heading(scene: Scene): string {
  const { region, versus, seen } = scene;
  if (seen === 0) return "This region";
  if (region) return `Words supported by this region${versus ? ", difference" : ""}`;
  if (versus) return "Difference, word by word";
  return isWaterfall(scene) ? "What each word adds" : "Word importance";
}

/** "from an empty sentence (0.301) to 0.476"; "Bars: what the score loses without the word." */
function formatBars(scene: Scene): string {
  const { evidence, measure: name, region, versus, decimals } = scene;
  const measure = importanceOf(evidence, name);
  if (isWaterfall(scene)) {
    if (!measure.base) return "parts of the score, never negative";
    const [from, to] = [measure.base, evidence.header.score.cosine].map((v) => formatPart(v, decimals));
    return `from an empty sentence (${from}) to ${to}`;
  }
  const what = formatMeasure(measure);
  const here = region ? `the part of ${what} that lies in this region` : what;
  return versus ? `Bars: ${here}, less the same for “${versus.header.caption}”.` : `Bars: ${here}.`;
}
