// The account of a run: what became of every picture and caption, and a table of the pairs that failed.

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
  box: "reading the box",
  model: "in the model",
};

export interface AccountPanel {
  readonly button: HTMLButtonElement;
  readonly element: HTMLElement;
  readonly isOpen: boolean;
  receive(start: number, errors: readonly FailedPair[]): void;
}

export function createAccount(
  store: GalleryStore,
  send: (request: Request) => void,
  signal: AbortSignal,
): AccountPanel {
  const button = h("button", { type: "button", class: "gradeclip-button", "aria-expanded": "false" });
  const lines = h("ul", { class: "gallery-account" });
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
    {
      class: "gallery-account-panel",
      role: "region",
      "aria-label": "Account of the run",
      tabindex: 0,
      hidden: true,
    },
    lines,
    table,
    more,
  );
  const local = observable({ open: false, received: 0 });
  const ask = () => send({ kind: "errors", start: local.received, stop: local.received + MORE });
  button.addEventListener(
    "click",
    () => {
      local.open = !local.open;
      if (local.open && local.received === 0 && store.get("account").failed) ask();
    },
    { signal },
  );
  more.addEventListener("click", ask, { signal });
  store.draw(() => {
    const { failed, left_out } = store.get("account");
    const counts = [failed && `${format(failed)} failed`, left_out && `${format(left_out)} left out`];
    const summary = counts.filter(Boolean).join(", ");
    element.hidden = !local.open;
    button.setAttribute("aria-expanded", String(local.open));
    button.classList.toggle("is-open", local.open);
    setText(button, local.open ? "Back to the pairs" : summary || "Account of the run");
    table.hidden = failed === 0;
    more.hidden = local.received >= failed;
  }, signal);
  store.draw(() => {
    lines.replaceChildren(...store.get("account").lines.map((line) => h("li", { dir: "auto" }, line)));
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
