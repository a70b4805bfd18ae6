// How well picture and caption match, and the prompts to choose from where there are several.

import { type Component, h, setText, uniqueId } from "./dom";
import { formatPercent, formatValue } from "./format";
import type { Hover } from "./hover";
import type { Explanation } from "./payload";
import type { Frame } from "./scene";
import type { Store } from "./state";

export function createScore(): Component<Frame> {
  const cosine = h("b");
  const rest = h("span");
  const element = h("div", { class: "gradeclip-score" }, cosine, rest);
  return {
    element,
    update({ scene }) {
      const { score } = scene.explanation.header;
      setText(cosine, formatCosine(score.cosine));
      const parts = ["cosine"];
      if (score.logit !== null) parts.push(`logit ${formatValue(score.logit, 10)}`);
      if (score.probability !== null) parts.push(`probability ${formatPercent(score.probability)}`);
      setText(rest, parts.join(" · "));
    },
  };
}

/** One row per prompt; the widget shows nothing where there is only one. */
export function createPrompts(
  store: Store,
  hover: Hover,
  signal: AbortSignal,
): Component<readonly (Explanation | null)[]> {
  const element = h("div", {
    class: "gradeclip-prompts",
    role: "radiogroup",
    "aria-label": "Prompts",
    hidden: true,
  });
  const name = uniqueId();
  let shown: readonly (Explanation | null)[] = [];
  let inputs: HTMLInputElement[] = [];
  element.addEventListener(
    "change",
    (event) => {
      hover.clear();
      store.set({ active: Number((event.target as HTMLInputElement).value), selected_words: [] });
    },
    { signal },
  );
  return {
    element,
    update(explanations) {
      if (explanations.length !== shown.length || explanations.some((e, k) => e !== shown[k])) {
        shown = explanations;
        const focused = inputs.indexOf(document.activeElement as HTMLInputElement);
        inputs = explanations.map((_, k) => h("input", { type: "radio", name, value: k }));
        const rows = explanations.map((e, k) => {
          const caption = h("bdi", { class: "gradeclip-prompt-text", title: e?.header.caption });
          caption.textContent = e?.header.caption ?? "cannot be shown";
          const score = h("em", {}, e ? formatCosine(e.header.score.cosine) : "");
          return h("label", { class: "gradeclip-prompt" }, inputs[k], caption, score);
        });
        element.replaceChildren(...rows);
        element.hidden = explanations.length < 2;
        inputs[focused]?.focus();
      }
      inputs.forEach((input, k) => {
        input.checked = k === store.get("active");
      });
    },
  };
}

function formatCosine(cosine: number): string {
  return formatValue(cosine, 0.1);
}
