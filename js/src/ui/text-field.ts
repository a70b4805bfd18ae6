// Inline editing of a line of text: submits after a pause, on Enter and on blur, cancels on Esc.

import { h } from "./dom";

export interface TextFieldEvents {
  /** The text was submitted: after a pause, on Enter, or on blur. Blank only on Enter. */
  submit(text: string): void;
  /** Esc was pressed: undo what was submitted since opening. */
  cancel(): void;
  /** The field closed. `byKey`: by Enter or Esc, so the focus has to be moved. */
  closed(byKey: boolean): void;
}

export interface TextField {
  readonly element: HTMLTextAreaElement;
  readonly isOpen: boolean;
  /** Show the field with a text and select [start, end) of it; by default the caret is at the end. */
  open(text: string, selected?: readonly [number, number]): void;
  close(): void;
}

/**
 * @param pause milliseconds without typing after which the text is submitted; null: only on Enter and blur.
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
  let submitted = "";
  signal.addEventListener("abort", () => clearTimeout(timer));

  const text = () => element.value.replace(/\s*\n\s*/g, " ");
  const submit = () => {
    clearTimeout(timer);
    if (text() === submitted) return;
    submitted = text();
    events.submit(submitted);
  };
  /** Grow with the text, in browsers that do not support `field-sizing`. */
  const grow = () => {
    if (CSS.supports("field-sizing", "content")) return;
    element.style.height = "auto";
    if (element.scrollHeight > 0) element.style.height = `${element.scrollHeight}px`;
  };
  const close = (byKey: boolean) => {
    if (element.hidden) return;
    clearTimeout(timer);
    element.hidden = true; // before moving the focus, so that blur does not close it again
    events.closed(byKey);
  };
  const on = <K extends keyof HTMLElementEventMap>(type: K, act: (event: HTMLElementEventMap[K]) => void) =>
    element.addEventListener(type, act, { signal });

  on("input", (event) => {
    grow();
    clearTimeout(timer);
    if (pause === null || (event as InputEvent).isComposing) return;
    timer = window.setTimeout(() => {
      if (text().trim()) submit();
    }, pause);
  });
  on("keydown", (event) => {
    if (event.isComposing) return; // Enter and Esc are for the input method
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation(); // Esc would also clear the selection
    if (event.key === "Enter") submit();
    else events.cancel();
    close(true);
  });
  on("blur", () => {
    if (element.hidden) return;
    if (text().trim()) submit();
    else events.cancel();
    close(false);
  });

  return {
    element,
    get isOpen() {
      return !element.hidden;
    },
    open(value, [start, end] = [value.length, value.length]) {
      submitted = value;
      element.value = value;
      element.hidden = false;
      grow();
      element.focus();
      element.setSelectionRange(start, end);
    },
    close: () => close(false),
  };
}
