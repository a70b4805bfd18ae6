// The legend: the highlights' colors with their contributions, or the color scale with its range and what it shows.

import { cssGradient, hueColor } from "../core/color-scale";
import { type Highlight, importanceOf } from "../core/evidence";
import { formatPart, formatPercent, formatValue } from "../core/format";
import type { Sign } from "../core/types";
import type { Scene, View } from "../state/scene";
import { strongestWord } from "../state/shown-map";
import { formatDifference, nameOf, phraseLabel, readingName } from "../state/wording";
import { h, setText } from "../ui/dom";
import { setHelp } from "../ui/help";

const FAINT_BELOW = 0.3; // of the strongest word; weaker maps are called faint
const NOTHING_BELOW = 0.1; // of the strongest word; weaker maps are called almost nothing
const TOGETHER = "Color: where each word is seen";
const PER_PATCH = "of the score, per patch";
const SCALE_HELP = "How much of the score comes from one patch of the picture";

export function createLegend({ store, scene, draw }: View): HTMLElement {
  const low = h("span", { class: "gradeclip-number" });
  const zero = h("b", {}, "0");
  const ramp = h("i", { class: "gradeclip-ramp" }, zero);
  const high = h("span", { class: "gradeclip-number" });
  const who = h("bdi", { class: "gradeclip-who" });
  const how = h("span", { class: "gradeclip-how" });
  const per = h("span", { class: "gradeclip-how" }, PER_PATCH);
  const scale = h("span", { class: "gradeclip-scale" }, low, ramp, high, per);
  setHelp(scale, SCALE_HELP);
  const one = h("div", { class: "gradeclip-one" }, scale, h("span", { class: "gradeclip-what" }, who, how));
  const keys = h("span", { class: "gradeclip-hues" });
  const what = h("span", { class: "gradeclip-how" });
  const together = h("div", { class: "gradeclip-together", hidden: true }, what, keys);
  const element = h("div", { class: "gradeclip-legend" }, one, together);
  draw(() => {
    ramp.style.backgroundImage = cssGradient(store.get("color_scale"), scene.sign);
    zero.hidden = scene.sign !== "both";
  });
  draw(() => {
    together.hidden = !scene.together || scene.erased !== null;
    one.hidden = !together.hidden;
  });
  draw(() => {
    keys.replaceChildren(...keysOf(scene));
    setText(what, scene.highlights.length > 0 ? TOGETHER : "");
  });
  draw(() => {
    setText(per, store.comparing ? "each on its own scale" : PER_PATCH);
    const top = Math.max(scene.top, 0) * scene.unit;
    const [from, to] = store.comparing ? endsOf(scene.sign) : valuesOf(scene.sign, top);
    setText(low, from);
    setText(high, to);
  });
  draw(() => {
    scale.hidden = scene.erased !== null;
    if (scene.erased) {
      setText(who, "");
      setText(how, "Heat map hidden while the region is removed");
      return;
    }
    const differing = scene.versus !== null && scene.words.length === 0;
    const against = scene.sign === "negative" && scene.words.length > 0;
    setText(who, differing ? "" : against ? `against “${scene.label}”` : scene.label || "whole sentence");
    setText(how, describeMap(scene));
  });
  return element;
}

/** The values at the ends of a map's color scale. */
function valuesOf(sign: Sign, top: number): [string, string] {
  if (sign !== "both") return ["0", formatValue(sign === "negative" ? -top : top)];
  return [formatValue(-top), top > 0 ? `+${formatValue(top)}` : formatValue(top)];
}

/** The labels of the ends if every map has its own scale. */
function endsOf(sign: Sign): [string, string] {
  return sign === "both" ? ["against", "for"] : ["none", "most"];
}

/**
 * Per highlight a swatch, its words and their contribution, in the order of the bars; those in the neutral color are
 * summed up at the end.
 */
function keysOf({ explanation: e, decimals, highlights, measure }: Scene): HTMLElement[] {
  const key = (hue: number | null, name: string, importance: number) => {
    const swatch = h("i");
    swatch.style.setProperty("--hue", hueColor(hue));
    return h("span", {}, swatch, h("bdi", {}, name), h("em", {}, formatPart(importance, decimals)));
  };
  const { values } = importanceOf(e, measure);
  const longestBar = ({ words }: Highlight) => Math.max(...words.map((word) => values[word]));
  const colored = highlights.filter(({ hue }) => hue !== null).sort((a, b) => longestBar(b) - longestBar(a));
  const others = highlights.filter(({ hue }) => hue === null);
  const keys = colored.map(({ hue, words, importance }) => key(hue, phraseLabel(e, words), importance));
  const rest = others.reduce((sum, { importance }) => sum + importance, 0);
  return others.length > 0 ? [...keys, key(null, `${others.length} more`, rest)] : keys;
}

/** Describe the map: block, sign, reading and, for weak words, how little it is. */
function describeMap(scene: Scene): string {
  const { explanation, evidence, sign, words, reading, measure, peak, top, block, versus } = scene;
  if (versus && words.length === 0) return formatDifference(explanation, versus);
  if (words.length === 1 && !evidence.header.words[words[0]].known) return "its map means nothing";
  const parts: string[] = [];
  if (words.length === 0 && !block) parts.push(`map by ${evidence.header.method}`);
  if (block) parts.push(`${block.tower} layer ${block.index + 1}`);
  if (sign === "negative" && words.length === 0) parts.push("what opposes it");
  if (sign === "both") parts.push("what supports and what opposes it");
  if (words.length > 0 && reading !== "in caption") parts.push(`read ${readingName(reading).label}`);
  const strength = top > 0 ? peak / top : 0;
  if (words.length > 0 && strength < FAINT_BELOW) {
    const strongest = nameOf(evidence, strongestWord(evidence, reading, measure).word);
    const much = strength < NOTHING_BELOW ? "almost nothing here" : "faint";
    parts.push(`${much} (${formatPercent(strength)} of “${strongest}”)`);
  }
  return parts.join(" · ");
}
