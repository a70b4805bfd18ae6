// A short help beside what has the focus or is under the pointer: role "tooltip", by keyboard as by pointer.

import { h, setAttribute, setText, uniqueId } from "./dom";

const DELAY = 450; // ms that the pointer rests on something until its help shows; by keyboard it shows at once
const LINGER = 150; // ms that it stays, so that the pointer can move onto it
const GAP = 7; // pixels between help and what it is about
const EDGE = 8; // pixels that it keeps from the view's border

/** Give an element a help. Screen readers get it with the element, unless it says no more than the name. */
export function setHelp(element: HTMLElement, help: string, described: Element = element): void {
  setAttribute(element, "data-help", help);
  if (described.getAttribute("aria-label") !== help) setAttribute(described, "aria-description", help);
}

export class Help {
  #root: HTMLElement;
  #tip = h("div", { class: "gradeclip-help", role: "tooltip", id: uniqueId(), hidden: true });
  #about: HTMLElement | null = null;
  #described: Element | null = null;
  #timer = 0;
  #keyboard = true; // focus that follows a press of the pointer asks for no help

  constructor(root: HTMLElement, signal: AbortSignal) {
    this.#root = root;
    root.append(this.#tip);
    const options = { signal, capture: true };
    root.addEventListener(
      "pointerdown",
      () => {
        this.#keyboard = false;
        this.#hide();
      },
      options,
    );
    root.addEventListener(
      "keydown",
      (event) => {
        this.#keyboard = true;
        if (event.key !== "Escape" || this.#tip.hidden) return;
        event.stopPropagation(); // the first Esc puts the help away, and what is selected stays
        this.#hide();
      },
      options,
    );
    root.addEventListener("pointerover", (event) => this.#point(event), { signal });
    root.addEventListener("pointerleave", () => this.#wait(LINGER, () => this.#hide()), { signal });
    root.addEventListener(
      "focusin",
      (event) => {
        const about = this.#keyboard ? helped(event.target) : null;
        if (about) this.#show(about, event.target as Element);
        else this.#hide();
      },
      { signal },
    );
    root.addEventListener("focusout", () => this.#hide(), { signal });
    root.addEventListener("scroll", () => this.#hide(), options);
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Keep the help in step with what it is about: its text may have changed, or its element gone. */
  refresh(): void {
    if (!this.#about) return;
    if (!this.#about.isConnected || this.#about.closest("[hidden]")) this.#hide();
    else setText(this.#tip, this.#about.dataset.help ?? "");
  }

  #point(event: PointerEvent): void {
    if (event.pointerType === "touch" || this.#tip.contains(event.target as Node)) {
      clearTimeout(this.#timer);
      return;
    }
    const about = helped(event.target);
    if (about === this.#about)
      clearTimeout(this.#timer); // also where there is none, and none is on show
    else if (about) this.#wait(this.#tip.hidden ? DELAY : LINGER, () => this.#show(about, null));
    else this.#wait(LINGER, () => this.#hide());
  }

  #wait(delay: number, act: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(act, delay);
  }

  #show(about: HTMLElement, focused: Element | null): void {
    this.#hide();
    if (!about.isConnected || !about.dataset.help) return;
    this.#about = about;
    this.#tip.textContent = about.dataset.help;
    this.#tip.hidden = false;
    if (focused?.hasAttribute("aria-description")) {
      this.#described = focused;
      focused.setAttribute("aria-describedby", this.#tip.id);
    }
    place(this.#tip, about, this.#root);
  }

  #hide(): void {
    clearTimeout(this.#timer);
    this.#tip.hidden = true;
    this.#about = null;
    this.#described?.removeAttribute("aria-describedby");
    this.#described = null;
  }
}

function helped(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>("[data-help]") : null;
}

/** Above the element, below it where there is no room, and within the view. */
function place(tip: HTMLElement, about: HTMLElement, root: HTMLElement): void {
  const [at, frame, size] = [about, root, tip].map((element) => element.getBoundingClientRect());
  const middle = at.left + at.width / 2 - frame.left - size.width / 2;
  const left = Math.max(EDGE, Math.min(middle, frame.width - size.width - EDGE));
  const above = at.top - frame.top - size.height - GAP;
  tip.style.left = `${left}px`;
  tip.style.top = `${above >= EDGE ? above : at.bottom - frame.top + GAP}px`;
}
