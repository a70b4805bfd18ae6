// A row of radio buttons that looks like one control.

import { h, uniqueId } from "./dom";
import { explain } from "./help";

export interface Option {
  value: string;
  label: string;
  help: string;
}

export interface Segmented {
  readonly element: HTMLElement;
  /** Offer other options; the focus stays where it was. */
  setOptions(options: readonly Option[]): void;
  choose(value: string): void;
  setDisabled(disabled: boolean): void;
}

/**
 * @param label its name.
 * @param labelled whether the name stands before it; else a heading says it.
 */
export function createSegmented(
  label: string,
  signal: AbortSignal,
  pick: (value: string) => void,
  labelled = false,
): Segmented {
  const group = h("div", { class: "gradeclip-segmented", role: "radiogroup", "aria-label": label });
  const element = labelled ? h("div", { class: "gradeclip-field" }, h("span", {}, label), group) : group;
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
      group.replaceChildren(
        ...options.map(({ label: text, help }, k) => {
          const option = h("label", {}, inputs[k], h("span", {}, text));
          explain(option, help, inputs[k]);
          return option;
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
