// A popup menu next to the button that opens it. A view has one, so only one is open at a time.

import { boxWithin, h, setAttribute, setText } from "./dom";
import { setHelp } from "./help";

export interface Choice {
  label: string;
  detail?: string; // secondary text after the label
  note?: string; // what is shown below the menu while the choice has the focus or is pointed at
  disabled?: boolean; // cannot be chosen; the note has the reason
  current?: boolean; // set if the choices are states: whether this is the current one
  checked?: boolean; // set if several can be chosen: whether this one is; the menu then stays open
  act(): void;
}

const GAP = 4; // pixels between the menu and its element
const EDGE = 8; // minimum distance from the view's border, in pixels

interface Item {
  element: HTMLButtonElement;
  update(choice: Choice): void;
}

export class Menu {
  #root: HTMLElement;
  #menu: HTMLElement | null = null;
  #under: HTMLElement | null = null;
  #focusAfter: () => HTMLElement | null = () => null;

  constructor(root: HTMLElement, signal: AbortSignal) {
    this.#root = root;
    // A choice may make the view shorter while the menu stays open; the view cuts what is outside of it.
    const observer = new ResizeObserver(() => {
      if (this.#menu && this.#under?.isConnected) place(this.#menu, this.#under, root);
    });
    observer.observe(root);
    signal.addEventListener("abort", () => {
      observer.disconnect();
      this.#dismiss();
    });
  }

  /**
   * Open the menu under an element, with the focus on the current choice or the first.
   *
   * @param choices returns the same number of choices each time; called again after a choice that leaves the menu open.
   * @param focusAfter returns the element to focus on closing; called then, since the view may have been rebuilt.
   */
  open(
    under: HTMLElement,
    label: string,
    choices: () => readonly Choice[],
    focusAfter: () => HTMLElement | null,
  ): void {
    this.close();
    const list = h("div", { class: "gradeclip-menu-list", role: "menu", "aria-label": label });
    const note = h("p", { class: "gradeclip-menu-note", "aria-hidden": "true" });
    const menu = h("div", { class: "gradeclip-menu" }, list, note);
    const items: Item[] = choices().map((choice, k) =>
      createItem(choice, () => {
        const chosen = choices()[k];
        if (chosen.disabled) return;
        if (chosen.checked === undefined) this.close();
        chosen.act();
        if (chosen.checked === undefined) return;
        for (const [n, now] of choices().entries()) items[n].update(now);
        setText(note, choices()[k].note ?? "");
      }),
    );
    const elements = items.map(({ element }) => element);
    list.append(...elements);
    note.hidden = choices().every((choice) => !choice.note);
    const describe = ({ target }: Event) => {
      const at = elements.findIndex((element) => element.contains(target as Node));
      if (at >= 0) setText(note, choices()[at].note ?? "");
    };
    list.addEventListener("focusin", describe);
    list.addEventListener("pointerover", describe);
    list.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || event.key === "Tab") {
        event.preventDefault();
        event.stopPropagation(); // Esc would also clear the selection
        this.close();
        return;
      }
      const at = elements.indexOf(document.activeElement as HTMLButtonElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: elements.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      elements[(to + elements.length) % elements.length].focus();
    });
    list.addEventListener("focusout", (event) => {
      if (!list.contains(event.relatedTarget as Node | null)) this.#dismiss();
    });
    this.#root.append(menu);
    this.#menu = menu;
    this.#under = under;
    this.#focusAfter = focusAfter;
    place(menu, under, this.#root);
    (elements[choices().findIndex(({ current }) => current)] ?? elements[0])?.focus({ preventScroll: true });
  }

  /** Close the menu and restore the focus. */
  close(): void {
    if (!this.#menu) return;
    const focusAfter = this.#focusAfter;
    this.#dismiss();
    focusAfter()?.focus();
  }

  #dismiss(): void {
    const menu = this.#menu;
    this.#menu = null; // before removal, which triggers focusout and so this function again
    menu?.remove();
  }
}

function createItem(choice: Choice, act: () => void): Item {
  const { label, detail, current, checked } = choice;
  const states = { menuitemradio: current, menuitemcheckbox: checked };
  const role = Object.entries(states).find(([, state]) => state !== undefined)?.[0] ?? "menuitem";
  const element = h("button", { type: "button", role, tabindex: -1 });
  element.append(h("bdi", {}, label));
  if (detail) element.append(h("em", {}, detail));
  element.addEventListener("click", act);
  const update = (now: Choice) => {
    const chosen = now.current ?? now.checked;
    if (chosen !== undefined) setAttribute(element, "aria-checked", String(chosen));
    setAttribute(element, "aria-disabled", String(now.disabled === true)); // focusable: the reason is to be read
    if (now.note) setAttribute(element, "aria-description", now.note);
  };
  update(choice);
  return { element, update };
}

/** Place the menu below the element, or above if there is no room, within the view. */
function place(list: HTMLElement, under: HTMLElement, root: HTMLElement): void {
  list.style.maxHeight = "";
  const [at, frame, size] = [under, root, list].map((element) => boxWithin(element, root));
  const left = Math.max(EDGE, Math.min(at.left, frame.width - size.width - EDGE));
  const below = frame.height - at.bottom - GAP - EDGE; // room there
  const above = at.top - GAP - EDGE;
  const height = Math.min(size.height, Math.max(below, above));
  list.style.left = `${left}px`;
  list.style.top = `${height <= below ? at.bottom + GAP : at.top - GAP - height}px`;
  list.style.maxHeight = height < size.height ? `${height}px` : "";
}

/** A button that opens the menu, with the name of the chosen item. */
export interface MenuButton {
  readonly element: HTMLButtonElement;
  /** Set the name of the chosen item, and whether the button is disabled. */
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
