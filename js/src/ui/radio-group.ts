// Radio buttons of which one is chosen; how each looks is up to its label.

import { h, uniqueId } from "./dom";

export interface RadioGroup {
  readonly element: HTMLElement;
  /** Offer other values, each inside a label made for its button; the focus stays at its place. */
  setValues(values: readonly string[], label: (input: HTMLInputElement, index: number) => Element): void;
  choose(value: string): void;
  /** Whether the values not chosen can be. */
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
    setValues(values, labelled) {
      const focused = inputs.indexOf(document.activeElement as HTMLInputElement);
      inputs = values.map((value) => h("input", { type: "radio", name, value }));
      element.replaceChildren(...inputs.map(labelled));
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
