// A popup menu next to the button that opens it. A view has one, so only one is open at a time.

import { h } from "./dom";

export interface Choice {
  label: string;
  detail?: string; // secondary text after the label
  current?: boolean; // given if the choices are states: whether this is the current one
  act(): void;
}

export class Menu {
  #root: HTMLElement;
  #list: HTMLElement | null = null;
  #focusAfter: () => HTMLElement | null = () => null;

  constructor(root: HTMLElement, signal: AbortSignal) {
    this.#root = root;
    signal.addEventListener("abort", () => this.#dismiss());
  }

  /**
   * Open the menu under an element, with the focus on the current choice or the first.
   *
   * @param focusAfter returns the element to focus on closing; called then, since the view may have been rebuilt.
   */
  open(
    under: HTMLElement,
    label: string,
    choices: readonly Choice[],
    focusAfter: () => HTMLElement | null,
  ): void {
    this.close();
    const list = h("div", { class: "gradeclip-menu", role: "menu", "aria-label": label });
    const items = choices.map(({ label: text, detail, current, act }) => {
      const item = h("button", {
        type: "button",
        role: current === undefined ? "menuitem" : "menuitemradio",
        "aria-checked": current === undefined ? null : String(current),
        tabindex: -1,
      });
      item.append(h("bdi", {}, text));
      if (detail) item.append(h("em", {}, detail));
      item.addEventListener("click", () => {
        this.close();
        act();
      });
      return item;
    });
    list.append(...items);
    list.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape" || event.key === "Tab") {
        event.preventDefault();
        this.close();
        return;
      }
      const at = items.indexOf(document.activeElement as HTMLButtonElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      items[(to + items.length) % items.length].focus();
    });
    list.addEventListener("focusout", (event) => {
      if (!list.contains(event.relatedTarget as Node | null)) this.#dismiss();
    });
    this.#root.append(list);
    this.#list = list;
    this.#focusAfter = focusAfter;
    place(list, under, this.#root);
    (items[choices.findIndex(({ current }) => current)] ?? items[0])?.focus({ preventScroll: true });
  }

  /** Close the menu and restore the focus. */
  close(): void {
    if (!this.#list) return;
    const focusAfter = this.#focusAfter;
    this.#dismiss();
    focusAfter()?.focus();
  }

  #dismiss(): void {
    const list = this.#list;
    this.#list = null; // before removal, which triggers focusout and so this function again
    list?.remove();
  }
}

/** Place the menu below the element, or above if there is no room, within the view. */
function place(list: HTMLElement, under: HTMLElement, root: HTMLElement): void {
  const [at, frame, size] = [under, root, list].map((element) => element.getBoundingClientRect());
  const left = Math.max(8, Math.min(at.left - frame.left, frame.width - size.width - 10));
  const below = at.bottom - frame.top + 4;
  const fits = below + size.height < frame.height || at.top - frame.top < size.height;
  list.style.left = `${left}px`;
  list.style.top = `${fits ? below : at.top - frame.top - size.height - 4}px`;
}
