// Going back and forward through earlier prompts, and copying the current explanation as Python code.

import { formatCosine } from "../core/format";
import type { HistoryEntry } from "../state/entries";
import type { View } from "../state/scene";
import { h, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import { BACK, FORWARD, iconButton } from "../ui/icons";
import type { Menu } from "../ui/menu";

const MAX_LISTED = 12; // the newest entries

export function createHistory({ store, signal, draw }: View, menu: Menu): HTMLElement {
  const back = iconButton("Back", BACK);
  const forward = iconButton("Forward", FORWARD);
  const list = linkButton("History");
  list.setAttribute("aria-haspopup", "menu");
  setHelp(list, "Earlier prompts, to go back to");
  const copy = linkButton("Copy as Python");
  const result = h("span", { class: "gradeclip-said", role: "status" });
  const steps = h("span", {}, list, back, forward);
  const element = h("div", { class: "gradeclip-history" }, steps, copy, result);

  const index = () => store.get("history_index");
  const go = (to: number) => {
    if (to >= 0 && to < store.get("history").length) store.set({ history_index: to });
  };
  back.addEventListener("click", () => go(index() - 1), { signal });
  forward.addEventListener("click", () => go(index() + 1), { signal });
  list.addEventListener(
    "click",
    () => {
      const entries = store.get("history").map((entry, k) => ({
        label: entry.prompts[entry.active] ?? "",
        detail: describe(entry),
        current: k === index(),
        act: () => go(k),
      }));
      const latest = entries.slice(-MAX_LISTED).reverse();
      menu.open(
        list,
        "History",
        () => latest,
        () => list,
      );
    },
    { signal },
  );
  copy.addEventListener(
    "click",
    async () => {
      const done = await copyText(store.get("_code"), element);
      if (signal.aborted) return;
      copy.focus();
      setText(result, done ? "Copied" : "The browser did not let it be copied");
    },
    { signal },
  );
  copy.addEventListener("blur", () => setText(result, ""), { signal });

  draw(() => {
    const visible = store.live && store.isControlVisible("history");
    const { length } = store.get("history");
    steps.hidden = !visible || !store.canCompute || length < 2;
    copy.hidden = !visible || store.get("_code") === "";
    element.hidden = steps.hidden && copy.hidden;
    copy.dataset.help = store.get("_code"); // not for screen readers, to which it would be read with the label
    // Not `disabled`, which would lose the focus at the last step.
    back.setAttribute("aria-disabled", String(index() <= 0));
    forward.setAttribute("aria-disabled", String(index() >= length - 1));
  });
  return element;
}

/** A button that looks like a link. */
function linkButton(label: string): HTMLButtonElement {
  return h("button", { type: "button", class: "gradeclip-more" }, label);
}

function describe({ prompts, score }: HistoryEntry): string {
  return prompts.length > 1 ? `${formatCosine(score)} · 1 of ${prompts.length}` : formatCosine(score);
}

/** Copy text. Pages without a secure origin have no clipboard API, so a selection is copied there. */
async function copyText(text: string, near: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "gradeclip-spoken", "aria-hidden": "true" });
    area.value = text;
    near.append(area);
    area.focus();
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
