// Controls to choose one of several values: a group of radio buttons, a segmented control, and a select element.

import { h, uniqueId } from "./dom";
import { setHelp } from "./help";

/** A group of radio buttons. The caller makes the label around each, and so decides how it looks. */
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
  let [chosen, disabled] = ["", false];
  const apply = () => {
    for (const input of inputs) {
      input.checked = input.value === chosen;
      input.disabled = disabled && !input.checked;
    }
  };
  element.addEventListener("change", (event) => pick((event.target as HTMLInputElement).value), { signal });
  return {
    element,
    setValues(values, label) {
      const focused = inputs.indexOf(document.activeElement as HTMLInputElement);
      inputs = values.map((value) => h("input", { type: "radio", name, value }));
      element.replaceChildren(...inputs.map(label));
      apply();
      if (focused >= 0) inputs[Math.min(focused, inputs.length - 1)]?.focus();
    },
    choose(value) {
      chosen = value;
      apply();
    },
    setDisabled(value) {
      disabled = value;
      apply();
    },
  };
}

export interface Option {
  value: string;
  label: string;
  help: string;
}

/** Radio buttons in a row that look like one control. */
export interface Segmented extends Omit<RadioGroup, "setValues"> {
  /** Replace the options, if they differ. */
  setOptions(options: readonly Option[]): void;
}

/**
 * @param label the accessible name.
 * @param showsLabel whether to show the label before the control, for controls without a heading.
 */
export function createSegmented(
  label: string,
  signal: AbortSignal,
  pick: (value: string) => void,
  showsLabel = false,
): Segmented {
  const group = createRadioGroup(label, "gradeclip-segmented", signal, pick);
  let known = "";
  return {
    ...group,
    element: showsLabel
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

/** A labeled select element. */
export interface Select {
  readonly element: HTMLElement;
  /** Set the choices and the chosen value. Options are rebuilt only if they differ. */
  update(choices: readonly Omit<Option, "help">[], value: string, disabled: boolean): void;
}

export function createSelect(
  label: string,
  help: string,
  signal: AbortSignal,
  pick: (value: string) => void,
): Select {
  const select = h("select");
  const element = h("label", { class: "gradeclip-field" }, label, select);
  setHelp(element, help, select);
  let known = "";
  select.addEventListener("change", () => pick(select.value), { signal });
  return {
    element,
    update(choices, value, disabled) {
      const key = JSON.stringify(choices);
      if (key !== known) {
        known = key;
        select.replaceChildren(...choices.map((c) => h("option", { value: c.value }, c.label)));
      }
      if (select.value !== value) select.value = value;
      select.disabled = disabled;
    },
  };
}
