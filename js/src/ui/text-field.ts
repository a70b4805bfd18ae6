// A line of text that is edited where it stands: asks after a pause and on Enter, gives up on Esc.

import { h } from "./dom";

export interface TextFieldEvents {
  /** The text is wanted: after a pause, on Enter, and when the field is left. Never blank, except on Enter. */
  submit(text: string): void;
  /** Esc: what was asked in the meantime is to be taken back. */
  cancel(): void;
  /** The field is closed. `byKey`: by Enter or Esc, so the focus wants a new place. */
  closed(byKey: boolean): void;
}

export interface TextField {
  readonly element: HTMLTextAreaElement;
  readonly isOpen: boolean;
  /** Show the field with a text, of which `selected` [start, end) is selected; the caret at its end if not given. */
  open(text: string, selected?: readonly [number, number]): void;
  close(): void;
}

/**
 * @param pause milliseconds without a key after which the text is asked for; null: only when it is done.
 */
export function createTextField(
  label: string,
  pause: number | null,
  events: TextFieldEvents,
  signal: AbortSignal,
): TextField {
  const element = h("textarea", {
    class: "gradeclip-input",
    rows: 1,
    "aria-label": label,
    spellcheck: "false",
    dir: "auto",
    hidden: true,
  });
  let timer = 0;
  let asked = "";
  signal.addEventListener("abort", () => clearTimeout(timer));

  const text = () => element.value.replace(/\s*\n\s*/g, " ");
  const ask = () => {
    clearTimeout(timer);
    if (text() === asked) return;
    asked = text();
    events.submit(asked);
  };
  /** Some browsers do not know `field-sizing` yet. */
  const grow = () => {
    if (CSS.supports("field-sizing", "content")) return;
    element.style.height = "auto";
    if (element.scrollHeight > 0) element.style.height = `${element.scrollHeight}px`;
  };
  const close = (byKey: boolean) => {
    if (element.hidden) return;
    clearTimeout(timer);
    element.hidden = true; // before any focus moves: blur must not end the same edit twice
    events.closed(byKey);
  };
  const on = <K extends keyof HTMLElementEventMap>(type: K, act: (event: HTMLElementEventMap[K]) => void) =>
    element.addEventListener(type, act, { signal });

  on("input", (event) => {
    grow();
    clearTimeout(timer);
    if (pause === null || (event as InputEvent).isComposing) return;
    timer = window.setTimeout(() => {
      if (text().trim()) ask();
    }, pause);
  });
  on("keydown", (event) => {
    if (event.isComposing) return; // Enter and Esc belong to the input method
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation(); // Esc would also let go of words and region
    if (event.key === "Enter") ask();
    else events.cancel();
    close(true);
  });
  on("blur", () => {
    if (element.hidden) return;
    if (text().trim()) ask();
    else events.cancel();
    close(false);
  });

  return {
    element,
    get isOpen() {
      return !element.hidden;
    },
    open(value, [start, end] = [value.length, value.length]) {
      asked = value;
      element.value = value;
      element.hidden = false;
      grow();
      element.focus();
      element.setSelectionRange(start, end);
    },
    close: () => close(false),
  };
}
