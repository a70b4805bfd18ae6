// The pairs that failed: how many, for what reasons, and each of them.

import { h, setText } from "../ui/dom";
import { format } from "./controls";
import type { FailedPair } from "./entries";
import type { Request } from "./messages";
import type { GallerySynced } from "./synced";

const MORE = 100; // rows at a time
const STAGES: Readonly<Record<string, string>> = {
  source: "in the source",
  picture: "reading the picture",
  caption: "reading the caption",
  model: "in the model",
};

export interface ErrorsPanel {
  readonly button: HTMLButtonElement;
  readonly element: HTMLElement;
  readonly isOpen: boolean;
  update(failed: GallerySynced["failed"]): void;
  receive(start: number, errors: readonly FailedPair[]): void;
}

export function createErrors(
  send: (request: Request) => void,
  toggled: () => void,
  signal: AbortSignal,
): ErrorsPanel {
  const button = h("button", { type: "button", class: "gradeclip-button", "aria-expanded": "false" });
  const kinds = h("ul", { class: "gallery-kinds" });
  const body = h("tbody");
  const head = h(
    "tr",
    {},
    ...["No.", "Pair", "What failed", "Why"].map((name) => h("th", { scope: "col" }, name)),
  );
  const table = h("table", { class: "gallery-table" }, h("thead", {}, head), body);
  const more = h("button", { type: "button", class: "gradeclip-button" }, "Show more");
  const element = h(
    "div",
    { class: "gallery-errors", role: "region", "aria-label": "Pairs that failed", tabindex: 0, hidden: true },
    kinds,
    table,
    more,
  );
  let [count, got] = [0, 0];
  const ask = () => send({ kind: "errors", start: got, stop: got + MORE });
  button.addEventListener(
    "click",
    () => {
      element.hidden = !element.hidden;
      if (!element.hidden && got === 0) ask();
      toggled();
    },
    { signal },
  );
  more.addEventListener("click", ask, { signal });
  return {
    button,
    element,
    get isOpen() {
      return !element.hidden;
    },
    update(failed) {
      count = failed.count;
      button.hidden = count === 0;
      button.setAttribute("aria-expanded", String(!element.hidden));
      button.classList.toggle("is-open", !element.hidden);
      setText(button, element.hidden ? `${format(count)} failed` : "Back to the pairs");
      kinds.replaceChildren(
        ...failed.kinds.map(({ stage, error, count: n }) =>
          h("li", {}, h("b", {}, format(n)), ` ${STAGES[stage] ?? stage} (${error})`),
        ),
      );
      more.hidden = got >= count;
    },
    receive(start, errors) {
      if (start !== got) return; // an answer to another view
      got += errors.length;
      for (const pair of errors)
        body.append(
          h(
            "tr",
            {},
            h("td", {}, format(pair.position + 1)),
            h("td", {}, h("b", {}, pair.id), h("span", { dir: "auto" }, pair.caption)),
            h("td", {}, STAGES[pair.stage] ?? pair.stage),
            h("td", { dir: "auto" }, pair.reason),
          ),
        );
      more.hidden = got >= count;
    },
  };
}
