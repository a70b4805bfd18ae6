// The editable caption: its words, the text field that replaces them, and the menu of a word.

import { type CaptionText, joinCaption, negateWord, removeWord, wordSpan } from "../core/caption";
import type { View } from "../state/scene";
import { disambiguate } from "../state/wording";
import { h } from "../ui/dom";
import { DOWN, iconButton, PENCIL } from "../ui/icons";
import type { Choice, Menu } from "../ui/menu";
import { createTextField } from "../ui/text-field";
import type { Hover } from "./word-selection";
import { createWords } from "./words";

const PAUSE = 250; // ms without typing until a prompt is submitted

/** @param root the element from everywhere in which F2 edits the prompt. */
export function createPrompt(view: View, hover: Hover, menu: Menu, root: HTMLElement): HTMLElement {
  const { store, scene, signal, draw } = view;
  const pencil = iconButton("Edit the prompt (F2)", PENCIL);
  const handle = iconButton("Change this word (Shift+F10)", DOWN, "gradeclip-handle");
  handle.setAttribute("aria-haspopup", "menu");
  const words = createWords(view, hover, handle);
  const field = createTextField(
    "Prompt",
    PAUSE,
    {
      submit: (prompt) => store.set({ prompt }),
      cancel: () => store.set({ prompt: scene.explanation.header.caption }),
      closed(byKey) {
        element.classList.remove("is-editing");
        if (byKey) pencil.focus();
      },
    },
    signal,
  );
  const element = h("div", { class: "gradeclip-line" }, words.element, field.element, pencil);

  const editable = () => store.canCompute && store.isControlVisible("prompt");
  const edit = (selected?: readonly [number, number]) => {
    if (!editable()) return;
    hover.clear();
    element.classList.add("is-editing");
    // After an error, edit the rejected prompt; but a word's range refers to the shown one.
    field.open((!selected && store.get("prompt")) || joinCaption(scene.draft), selected);
  };
  const change = (prompt: string) => store.set({ prompt, selected_words: [] });
  const openMenu = (at: number, opener: HTMLElement) => {
    const { draft } = scene;
    const { text, beside } = disambiguate(draft.words)[at];
    const label = `Change “${text}”${beside && ` (${beside})`}`;
    const choices = wordChoices(draft, at, change, edit);
    menu.open(
      words.buttons()[at],
      label,
      () => choices,
      () => (opener === handle && handle.isConnected ? handle : (words.buttons()[at] ?? pencil)),
    );
  };

  pencil.addEventListener("click", () => edit(), { signal });
  handle.addEventListener("click", () => openMenu(scene.draft.sources.indexOf(scene.pinned[0]), handle), {
    signal,
  });
  words.element.addEventListener(
    "dblclick",
    (event) => {
      if (!(event.target as Element).closest("button")) edit();
    },
    { signal },
  );
  // The menu key and Shift+F10 send this event too.
  words.element.addEventListener(
    "contextmenu",
    (event) => {
      const button = (event.target as Element).closest<HTMLButtonElement>(".gradeclip-word");
      if (!button || !editable()) return;
      event.preventDefault();
      event.stopPropagation(); // JupyterLab would open its own menu on top
      openMenu(words.buttons().indexOf(button), button);
    },
    { signal },
  );
  root.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "F2" || event.defaultPrevented || field.isOpen || !editable()) return;
      event.preventDefault();
      edit();
    },
    { signal },
  );

  draw(() => {
    pencil.hidden = !editable();
    if (field.isOpen && !editable()) field.close();
  });
  return element;
}

/** The menu of a word. */
function wordChoices(
  caption: CaptionText,
  at: number,
  change: (prompt: string) => void,
  edit: (selected: readonly [number, number]) => void,
): Choice[] {
  const alone = caption.words.length === 1;
  const choices: Choice[] = [
    { label: "Remove", act: () => change(removeWord(caption, at)) },
    { label: "Replace …", act: () => edit(wordSpan(caption, at)) },
    { label: "Negate", act: () => change(negateWord(caption, at)) },
    { label: "Explain alone", act: () => change(caption.words[at]) },
  ];
  return alone ? choices.slice(1, 3) : choices; // the only word cannot be removed, and is alone already
}
