// A labeled select element.

import { h } from "./dom";
import { setHelp } from "./help";

export interface Choice {
  value: string;
  label: string;
}

export interface Select {
  readonly element: HTMLElement;
  /** Set the choices and the chosen value. Options are rebuilt only if they differ. */
  update(choices: readonly Choice[], value: string, disabled: boolean): void;
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
