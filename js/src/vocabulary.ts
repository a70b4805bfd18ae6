// Words of a list that a region speaks for, strongest first.

import { place } from "./bars";
import { type Component, h, setText } from "./dom";
import { formatSigned } from "./format";
import type { Frame } from "./scene";
import { createSelect } from "./select";
import type { SeenWord, Store } from "./state";
import { layTrack } from "./track";

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
        !scene.region ||
        !store.offers("vocabulary") ||
        names.length === 0 ||
        !(store.live || seen.length > 0);
      if (element.hidden) return;
      const choices = names.map((name) => ({ value: name, label: name }));
      menu.update([{ value: "", label: "ask a list …" }, ...choices], asked, store.live && !store.canAsk);
      const rows = asked === "" ? [] : seen;
      setText(empty, asked !== "" && seen.length === 0 ? `Asking “${asked}” …` : "");
      list.hidden = rows.length === 0;
      if (rows === shown) return;
      shown = rows;
      draw(rows);
    },
  };

  function draw(rows: readonly SeenWord[]): void {
    const values = rows.map(({ value }) => value);
    const size = Math.max(...values.map(Math.abs));
    const track = layTrack([values]);
    list.style.setProperty("--zero", `${(100 * track.zero).toFixed(2)}%`);
    list.classList.toggle("is-signed", track.zero > 0);
    list.replaceChildren(
      ...rows.map(({ word, value }, k) => {
        const bar = h("i");
        place(bar, track.bar(0, value));
        const row = h(
          "li",
          { class: "gradeclip-bar" },
          h("bdi", { class: "gradeclip-bar-word" }, word),
          h("span", { class: "gradeclip-track", "aria-hidden": "true" }, bar),
          h("em", {}, formatSigned(value, size)),
        );
        row.classList.toggle("is-leading", k === 0 && value > 0);
        row.classList.toggle("is-against", value < 0);
        return row;
      }),
    );
  }
}
