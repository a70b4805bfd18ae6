// The menu of models: which are in memory, how much of it they take, and a way to free those not in use.

import { formatBytes } from "../core/format";
import type { Frame } from "../state/scene";
import type { Store } from "../state/store";
import type { ModelEntry } from "../state/synced";
import { type Component, h, setAttribute, setText, uniqueId } from "../ui/dom";
import { explain } from "../ui/help";
import { wordForKey } from "../ui/keys";

export function createModels(store: Store, signal: AbortSignal): Component<Frame> {
  const id = uniqueId();
  const name = h("b");
  const button = h(
    "button",
    { type: "button", class: "gradeclip-button", "aria-expanded": "false", "aria-controls": id },
    "Model ",
    name,
  );
  explain(button, "The model that is explained, and the memory that loaded ones take");
  const list = h("ul", { id, class: "gradeclip-popup", "aria-label": "Models", hidden: true });
  const element = h("div", { class: "gradeclip-models" }, button, list);
  let shown: readonly ModelEntry[] = [];
  let current = "";

  const setOpen = (open: boolean, focus: boolean) => {
    list.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (!focus) return;
    if (!open) button.focus();
    else
      choices()[
        Math.max(
          0,
          shown.findIndex((m) => m.name === current),
        )
      ]?.focus();
  };
  const choices = () => [...list.querySelectorAll<HTMLButtonElement>(".gradeclip-model")];

  button.addEventListener("click", () => setOpen(Boolean(list.hidden), Boolean(list.hidden)), { signal });
  list.addEventListener(
    "click",
    (event) => {
      const hit = event.target instanceof Element ? event.target.closest("button") : null;
      const entry = hit && shown[Number(hit.closest("li")?.dataset.index)];
      if (!entry || !store.canAsk) return;
      if (hit.classList.contains("gradeclip-free")) {
        choices()[shown.indexOf(entry)]?.focus(); // the button that was pressed goes once the model is freed
        store.send({ type: "free", model: entry.name });
      } else {
        if (entry.name !== store.get("model")) store.set({ model: entry.name });
        setOpen(false, true);
      }
    },
    { signal },
  );
  element.addEventListener(
    "keydown",
    (event) => {
      if (list.hidden) return;
      if (event.key === "Escape") {
        event.stopPropagation(); // what is selected in the picture stays
        setOpen(false, true);
        return;
      }
      const at = choices().indexOf(event.target as HTMLButtonElement);
      const to = at < 0 ? null : wordForKey(event.key, at, shown.length, "ltr");
      if (to === null) return;
      event.preventDefault();
      choices()[to].focus();
    },
    { signal },
  );
  element.addEventListener(
    "focusout",
    ({ relatedTarget }) => {
      if (relatedTarget instanceof Node && !element.contains(relatedTarget)) setOpen(false, false);
    },
    { signal },
  );
  document.addEventListener(
    "pointerdown",
    ({ target }) => {
      if (!list.hidden && target instanceof Node && !element.contains(target)) setOpen(false, false);
    },
    { signal },
  );

  return {
    element,
    update() {
      const [models, model] = [store.get("_models"), store.get("model")];
      if (models !== shown || model !== current) {
        const focused = choices().indexOf(document.activeElement as HTMLButtonElement);
        [shown, current] = [models, model];
        setText(name, model);
        list.replaceChildren(...models.map((entry, index) => row(entry, index, model)));
        if (focused >= 0) choices()[Math.min(focused, models.length - 1)]?.focus();
      }
      button.disabled = !store.canAsk;
      if (!store.canAsk) setOpen(false, false);
    },
  };
}

function row(entry: ModelEntry, index: number, current: string): HTMLElement {
  const inUse = entry.name === current;
  const memory = entry.loaded ? formatBytes(entry.bytes) : "not loaded";
  const choice = h(
    "button",
    { type: "button", class: "gradeclip-model", "aria-pressed": String(inUse) },
    h("bdi", {}, entry.name),
    h("em", {}, memory),
  );
  choice.classList.toggle("is-loaded", entry.loaded);
  const item = h("li", { "data-index": index }, choice);
  if (entry.loaded && !inUse) {
    const free = h("button", { type: "button", class: "gradeclip-free" }, "free");
    setAttribute(free, "aria-label", `Free ${entry.name}, ${memory}`);
    item.append(free);
  }
  return item;
}
