// A row of radio buttons that looks like one control.

import { h } from "./dom";
import { setHelp } from "./help";
import { createRadioGroup, type RadioGroup } from "./radio-group";

export interface Option {
  value: string;
  label: string;
  help: string;
}

export interface Segmented extends Omit<RadioGroup, "setValues"> {
  /** Offer other options. */
  setOptions(options: readonly Option[]): void;
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
  const group = createRadioGroup(label, "gradeclip-segmented", signal, pick);
  let known = "";
  return {
    ...group,
    element: labelled
      ? h("div", { class: "gradeclip-field" }, h("span", {}, label), group.element)
      : group.element,
    setOptions(options) {
      const key = JSON.stringify(options);
      if (key === known) return;
      known = key;
      group.setValues(
        options.map(({ value }) => value),
        (input, k) => {
          const option = h("label", {}, input, h("span", {}, options[k].label));
          setHelp(option, options[k].help, input);
          return option;
        },
      );
    },
  };
}
