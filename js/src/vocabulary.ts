// Words of a list that a region speaks for, strongest first.

import { type Component, h, setText } from "./dom";
import { formatSigned } from "./format";
import type { Frame } from "./scene";
import { createSelect } from "./select";
import type { SeenWord, Store } from "./state";

export function createVocabulary(store: Store, signal: AbortSignal): Component<Frame> {
  const menu = createSelect("What does the model see here?", signal, (value) =>
    store.set({ vocabulary: value }),
  );
  const list = h("ol", { class: "gradeclip-bars gradeclip-seen" });
  const empty = h("p", { class: "gradeclip-hint", role: "status" });
  const element = h("section", { class: "gradeclip-vocabulary" }, menu.element, empty, list);
  let shown: readonly SeenWord[] | null = null;
  return {
    element,
    update({ scene }) {
      const seen = store.get("seen");
      const asked = store.get("vocabulary");
      const names = store.live ? store.get("_vocabularies") : [asked].filter((name) => name !== "");
      element.hidden =
        !scene.region || !store.shows("vocabulary") || names.length === 0 || !(store.live || seen.length > 0);
      if (element.hidden) return;
      const choices = names.map((name) => ({ value: name, label: name }));
      menu.update([{ value: "", label: "ask a list …" }, ...choices], asked, store.live && !store.canAsk);
      const rows = asked === "" ? [] : seen;
      setText(empty, asked !== "" && seen.length === 0 ? `Asking “${asked}” …` : "");
      list.hidden = rows.length === 0;
      if (rows === shown) return;
      shown = rows;
      list.replaceChildren(...drawSeen(rows));
    },
  };
}

function drawSeen(seen: readonly SeenWord[]): HTMLElement[] {
  const top = Math.max(1e-30, ...seen.map(({ value }) => Math.abs(value)));
  return seen.map(({ word, value }, k) => {
    const bar = h("i");
    bar.style.left = "0";
    bar.style.width = `${((100 * Math.abs(value)) / top).toFixed(2)}%`;
    const row = h(
      "li",
      { class: "gradeclip-bar" },
      h("bdi", { class: "gradeclip-bar-word" }, word),
      h("span", { class: "gradeclip-track", "aria-hidden": "true" }, bar),
      h("em", {}, formatSigned(value, top)),
    );
    row.classList.toggle("is-leading", k === 0 && value > 0);
    row.classList.toggle("is-against", value < 0);
    return row;
  });
}
