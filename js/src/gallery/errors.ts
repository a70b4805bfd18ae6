// The pairs that failed: their number, the reasons, and a table of them.

import { observable } from "../state/signals";
import { h, setText } from "../ui/dom";
import { format } from "./controls";
import type { FailedPair } from "./entries";
import type { GalleryStore, Request } from "./messages";

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
  receive(start: number, errors: readonly FailedPair[]): void;
}

export function createErrors(
  store: GalleryStore,
  send: (request: Request) => void,
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
  const local = observable({ open: false, received: 0 });
  const ask = () => send({ kind: "errors", start: local.received, stop: local.received + MORE });
  button.addEventListener(
    "click",
    () => {
      local.open = !local.open;
      if (local.open && local.received === 0) ask();
    },
    { signal },
  );
  more.addEventListener("click", ask, { signal });
  store.draw(() => {
    const { count } = store.get("failed");
    element.hidden = !local.open;
    button.hidden = count === 0;
    button.setAttribute("aria-expanded", String(local.open));
    button.classList.toggle("is-open", local.open);
    setText(button, local.open ? "Back to the pairs" : `${format(count)} failed`);
    more.hidden = local.received >= count;
  }, signal);
  store.draw(() => {
    kinds.replaceChildren(
      ...store
        .get("failed")
        .kinds.map(({ stage, error, count }) =>
          h("li", {}, h("b", {}, format(count)), ` ${STAGES[stage] ?? stage} (${error})`),
        ),
    );
  }, signal);
  return {
    button,
    element,
    get isOpen() {
      return local.open;
    },
    receive(start, errors) {
      if (start !== local.received) return; // an answer to another view
      local.received += errors.length;
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
    },
  };
}
