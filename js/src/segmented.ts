// A row of radio buttons that looks like one control.

import { h, uniqueId } from "./dom";

export interface Option {
  value: string;
  label: string;
  tip: string;
}

export interface Segmented {
  readonly element: HTMLElement;
  /** Offer other options; the focus stays where it was. */
  setOptions(options: readonly Option[]): void;
  choose(value: string): void;
  setDisabled(disabled: boolean): void;
}

export function createSegmented(
  label: string,
  signal: AbortSignal,
  pick: (value: string) => void,
): Segmented {
  const element = h("div", { class: "gradeclip-segmented", role: "radiogroup", "aria-label": label });
  const name = uniqueId();
  let inputs: HTMLInputElement[] = [];
  let known = "";
  element.addEventListener("change", (event) => pick((event.target as HTMLInputElement).value), { signal });
  return {
    element,
    setOptions(options) {
      const key = JSON.stringify(options);
      if (key === known) return;
      known = key;
      const focused = inputs.indexOf(document.activeElement as HTMLInputElement);
      inputs = options.map(({ value }) => h("input", { type: "radio", name, value }));
      element.replaceChildren(
        ...options.map(({ label: text, tip }, k) => {
          inputs[k].setAttribute("aria-description", tip);
          return h("label", { "data-tip": tip }, inputs[k], h("span", {}, text));
        }),
      );
      if (focused >= 0) inputs[Math.min(focused, inputs.length - 1)]?.focus();
    },
    choose(value) {
      for (const input of inputs) input.checked = input.value === value;
    },
    setDisabled(disabled) {
      for (const input of inputs) input.disabled = disabled;
    },
  };
}
