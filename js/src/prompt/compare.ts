// The list of prompts with their scores: choose the shown one, subtract another, edit, add and remove.

import { softmax } from "../core/arithmetic";
import { formatCosine, formatPercent } from "../core/format";
import { choosePrompt, dropPrompt, rewritePrompt } from "../state/prompts";
import type { View } from "../state/scene";
import type { Synced } from "../state/synced";
import { h, reuseRows, setAttribute, setText, uniqueId } from "../ui/dom";
import { CROSS, iconButton, MINUS, PENCIL } from "../ui/icons";
import { createTextField } from "../ui/text-field";
import type { Hover } from "./word-selection";

const NUMBERS = ["score", "probability"];
const NUMBERS_HELP = [
  "How well picture and sentence match: their cosine similarity",
  "How likely each sentence is the right one of those listed, by this model (softmax of the logits)",
];

interface Row {
  element: HTMLElement;
  input: HTMLInputElement;
  text: HTMLElement;
  numbers: HTMLElement[];
  minus: HTMLButtonElement;
  edit: HTMLButtonElement;
  drop: HTMLButtonElement;
}

/** @returns the list, and the button that adds a prompt, which is not in it, because a single prompt has no list. */
export function createCompare(view: View, hover: Hover): { element: HTMLElement; add: HTMLElement } {
  const { store, scene, signal, draw } = view;
  const name = uniqueId();
  const list = h("div", { class: "gradeclip-prompts", role: "radiogroup", "aria-label": "Prompts" });
  const heads = ["", ...NUMBERS, ""].map((text, k) => {
    const column = h("span", {}, text);
    const help = NUMBERS_HELP[k - 1];
    if (help) column.dataset.help = help; // not for screen readers, which get the numbers with each row
    return column;
  });
  const head = h("div", { class: "gradeclip-prompt-heads", "aria-hidden": "true" }, ...heads);
  const add = h("button", { type: "button", class: "gradeclip-add" }, "Compare with another prompt");
  const element = h("div", { class: "gradeclip-compare" }, list);
  list.append(head);
  const rows: Row[] = [];
  const prompts = () => scene.rows.map(({ text }) => text);
  let edited: number | null = null; // the row being edited; one past the last: a new prompt
  let signBefore: Synced["sign"] | null = null; // the sign to restore after the difference view

  const field = createTextField(
    "Prompt",
    null,
    {
      submit(text) {
        if (edited === prompts().length) store.set({ prompts: [...prompts(), text] });
        else store.set(rewritePrompt(promptState(), edited!, text));
      },
      cancel() {},
      closed(byKey) {
        const row = rows[edited!];
        edited = null;
        element.hidden = list.hidden;
        row?.element.classList.remove("is-editing");
        element.append(field.element); // out of the row, which may be removed
        if (byKey) (row && !row.element.hidden ? row.edit : add).focus();
      },
    },
    signal,
  );
  element.append(field.element);

  /** The state that an edit of the list starts from; without a kernel, the `prompts` trait is left alone. */
  const promptState = () => ({
    prompts: store.canCompute ? prompts() : [],
    active: store.get("active"),
    versus: store.get("versus"),
  });

  const edit = (row: number) => {
    if (!store.canCompute) return;
    hover.clear();
    edited = row;
    const place = rows[row]?.element;
    place?.classList.add("is-editing");
    element.hidden = false;
    if (row < prompts().length) place.prepend(field.element);
    else element.append(field.element);
    const text = prompts()[row] ?? prompts()[store.get("active")] ?? "";
    field.open(text, row < prompts().length ? undefined : [0, text.length]);
  };

  const subtract = (row: number) => {
    hover.clear();
    if (store.get("versus") === row) {
      store.set({ versus: null, ...restoredSign() });
      return;
    }
    if (store.get("versus") === null) signBefore = store.get("sign");
    store.set({ versus: row, sign: "both", selected_words: [] });
  };

  /** The sign from before the difference view, to be restored once. */
  const restoredSign = (): Partial<Synced> => {
    const sign = signBefore;
    signBefore = null;
    return sign ? { sign } : {};
  };

  const drop = (row: number) => {
    const change = dropPrompt(promptState(), row);
    store.set({ ...change, ...(change.versus === null ? restoredSign() : {}) });
    const next = prompts().length > 2 ? rows[row === prompts().length - 1 ? row - 1 : row].drop : add;
    next.focus();
  };

  list.addEventListener(
    "change",
    (event) => {
      hover.clear();
      store.set(choosePrompt(promptState(), Number((event.target as HTMLInputElement).value)));
    },
    { signal },
  );
  list.addEventListener(
    "dblclick",
    (event) => {
      if (!(event.target as Element).closest("button, textarea")) rowAt(event.target, edit);
    },
    { signal },
  );
  list.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "F2" || field.isOpen) return;
      event.preventDefault();
      rowAt(event.target, edit);
    },
    { signal },
  );
  list.addEventListener(
    "click",
    (event) => {
      const target = event.target as Element;
      const button = target.closest("button");
      if (target.matches("em, .gradeclip-prompt")) rowAt(target, (k) => rows[k].input.click());
      if (!button || event.detail > 1) return; // the second click of a double click would hit the next row
      rowAt(button, (k) => {
        const { minus, edit: pencil } = rows[k];
        (button === minus ? subtract : button === pencil ? edit : drop)(k);
      });
    },
    { signal },
  );
  add.addEventListener("click", () => edit(prompts().length), { signal });

  const rowAt = (target: EventTarget | null, act: (row: number) => void) => {
    const at = rows.findIndex(({ element: row }) => row.contains(target as Node));
    if (at >= 0) act(at);
  };

  draw(() => {
    const live = store.canCompute;
    const visible = store.isControlVisible("versus");
    add.hidden = !live || !visible;
    if (field.isOpen && add.hidden) field.close();
    const active = store.get("active");
    const versus = store.get("versus");
    if (versus === null) signBefore = null;
    const waiting = store.get("status") === "error" ? "–" : "…";
    list.hidden = !visible || scene.rows.length < 2;
    element.hidden = list.hidden && !field.isOpen;
    const logits = scene.rows.map(({ explanation }) => explanation?.header.score.logit ?? null);
    const shares = logits.every((logit) => logit !== null) ? softmax(logits as number[]) : null;
    list.classList.toggle("has-probabilities", shares !== null);
    reuseRows(rows, scene.rows.length, (k) => createRow(list, name, k)).forEach((row, k) => {
      const { text, explanation } = scene.rows[k];
      row.element.classList.toggle("is-pending", explanation === null);
      row.input.checked = k === active;
      setText(row.text, text);
      row.text.dataset.help = text; // the full text, since it may be truncated
      const numbers = [
        explanation ? formatCosine(explanation.header.score.cosine) : waiting,
        shares ? formatPercent(shares[k]) : "",
      ];
      row.numbers.forEach((number, n) => {
        setText(number, numbers[n]);
      });
      const parts = numbers.map((number, n) => number && `${NUMBERS[n]} ${number}`);
      setAttribute(row.input, "aria-description", parts.filter(Boolean).join(", "));
      row.numbers[1].style.setProperty("--share", (shares?.[k] ?? 0).toFixed(3));
      row.minus.style.visibility = k === active ? "hidden" : "";
      setAttribute(row.minus, "aria-pressed", String(k === versus));
      setAttribute(row.minus, "aria-label", `Subtract “${text}”`);
      row.edit.hidden = row.drop.hidden = !live;
      setAttribute(row.edit, "aria-label", `Edit “${text}”`);
      setAttribute(row.drop, "aria-label", `Remove “${text}”`);
    });
  });
  return { element, add };
}

function createRow(list: HTMLElement, name: string, index: number): Row {
  const input = h("input", { type: "radio", name, value: index });
  const text = h("bdi", { class: "gradeclip-prompt-text" });
  const numbers = NUMBERS.map(() => h("em"));
  const minus = iconButton("Subtract this prompt from the chosen one", MINUS);
  const edit = iconButton("Edit (F2)", PENCIL);
  const drop = iconButton("Remove", CROSS);
  const element = h(
    "div",
    { class: "gradeclip-prompt" },
    h("label", {}, input, text),
    h("span", { class: "gradeclip-prompt-tools" }, edit, drop),
    ...numbers,
    minus,
  );
  list.append(element);
  return { element, input, text, numbers, minus, edit, drop };
}
