// A button that opens the menu, with the name of what is chosen in it.

import { h, setText } from "./dom";
import { setHelp } from "./help";
import type { Choice, Menu } from "./menu";

export interface MenuButton {
  readonly element: HTMLButtonElement;
  /** Set the name of what is chosen, and whether anything can be. */
  update(chosen: string, disabled: boolean): void;
}

/** @param title the accessible name of the menu. */
export function createMenuButton(
  label: string,
  help: string,
  title: string,
  menu: Menu,
  signal: AbortSignal,
  choices: () => readonly Choice[],
): MenuButton {
  const name = h("b");
  const element = h(
    "button",
    { type: "button", class: "gradeclip-button gradeclip-opens", "aria-haspopup": "menu" },
    `${label} `,
    name,
  );
  setHelp(element, help);
  element.addEventListener("click", () => menu.open(element, title, choices, () => element), { signal });
  return {
    element,
    update(chosen, disabled) {
      setText(name, chosen);
      element.disabled = disabled;
    },
  };
}
