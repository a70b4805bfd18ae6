// A segmented control: radio buttons in a row that look like one control.

import { h } from "./dom";
import { setHelp } from "./help";
import { createRadioGroup, type RadioGroup } from "./radio-group";

export interface Option {
  value: string;
  label: string;
  help: string;
}

export interface Segmented extends Omit<RadioGroup, "setValues"> {
  /** Replace the options, if they differ. */
  setOptions(options: readonly Option[]): void;
}

/**
 * @param label the accessible name.
 * @param labeled whether to show the label before the control, for controls without a heading.
 */
export function createSegmented(
  label: string,
  signal: AbortSignal,
  pick: (value: string) => void,
  labeled = false,
): Segmented {
  const group = createRadioGroup(label, "gradeclip-segmented", signal, pick);
  let known = "";
  return {
    ...group,
    element: labeled
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
