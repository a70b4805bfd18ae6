// A group of radio buttons. The caller makes the label around each, and so decides how it looks.

import { h, uniqueId } from "./dom";

export interface RadioGroup {
  readonly element: HTMLElement;
  /** Replace the buttons, one per value; `label` wraps each. The focus stays at its position. */
  setValues(values: readonly string[], label: (input: HTMLInputElement, index: number) => Element): void;
  choose(value: string): void;
  /** Disable all but the chosen button, so that it can keep the focus. */
  setDisabled(disabled: boolean): void;
}

export function createRadioGroup(
  label: string,
  className: string,
  signal: AbortSignal,
  pick: (value: string) => void,
): RadioGroup {
  const element = h("div", { class: className, role: "radiogroup", "aria-label": label });
  const name = uniqueId();
  let inputs: HTMLInputElement[] = [];
  element.addEventListener("change", (event) => pick((event.target as HTMLInputElement).value), { signal });
  return {
    element,
    setValues(values, labeled) {
      const focused = inputs.indexOf(document.activeElement as HTMLInputElement);
      inputs = values.map((value) => h("input", { type: "radio", name, value }));
      element.replaceChildren(...inputs.map(labeled));
      if (focused >= 0) inputs[Math.min(focused, inputs.length - 1)]?.focus();
    },
    choose(value) {
      for (const input of inputs) input.checked = input.value === value;
    },
    setDisabled(disabled) {
      for (const input of inputs) input.disabled = disabled && !input.checked;
    },
  };
}
