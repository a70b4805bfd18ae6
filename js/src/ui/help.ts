// Tooltips with a short help text, shown on hover and on keyboard focus (role "tooltip").

import { boxWithin, h, setAttribute, setText, uniqueId } from "./dom";

const DELAY = 450; // ms of hovering until the tooltip shows; on focus it shows immediately
const LINGER = 150; // ms until it hides, so that the pointer can move onto it
const GAP = 7; // pixels between the tooltip and its element
const EDGE = 8; // minimum distance from the view's border, in pixels
const MOVES = new Set(["Tab", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

/** Set an element's help text. It is also the description for screen readers, unless it equals the label. */
export function setHelp(element: HTMLElement, help: string, described: Element = element): void {
  setAttribute(element, "data-help", help);
  if (described.getAttribute("aria-label") !== help) setAttribute(described, "aria-description", help);
}

export function clearHelp(element: HTMLElement): void {
  element.removeAttribute("data-help");
  element.removeAttribute("aria-description");
}

export class Help {
  #root: HTMLElement;
  #tip = h("div", { class: "gradeclip-help", role: "tooltip", id: uniqueId(), hidden: true });
  #about: HTMLElement | null = null;
  #described: Element | null = null;
  #timer = 0;
  // Whether a key moves the focus. A press of the pointer, and a program after Enter or Esc, show no tooltip.
  #moved = true;

  constructor(root: HTMLElement, signal: AbortSignal) {
    this.#root = root;
    root.append(this.#tip);
    const options = { signal, capture: true };
    root.addEventListener(
      "pointerdown",
      () => {
        this.#moved = false;
        this.#hide();
      },
      options,
    );
    // Also outside of the view, from where the focus may come.
    document.addEventListener(
      "keydown",
      ({ key }) => {
        this.#moved = MOVES.has(key);
      },
      options,
    );
    root.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "Escape" || this.#tip.hidden) return;
        event.stopPropagation(); // the first Esc only hides the tooltip; the selection stays
        this.#hide();
      },
      options,
    );
    root.addEventListener("pointerover", (event) => this.#point(event), { signal });
    root.addEventListener("pointerleave", () => this.#wait(LINGER, () => this.#hide()), { signal });
    root.addEventListener(
      "focusin",
      (event) => {
        const about = this.#moved ? helped(event.target) : null;
        if (about) this.#show(about, event.target as Element);
        else this.#hide();
      },
      { signal },
    );
    root.addEventListener("focusout", () => this.#hide(), { signal });
    root.addEventListener("scroll", () => this.#hide(), options);
    signal.addEventListener("abort", () => clearTimeout(this.#timer));
  }

  /** Update the shown tooltip: its text may have changed, or its element may be gone. */
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
      clearTimeout(this.#timer); // also if both are null
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

/** Place the tooltip above its element, or below if there is no room, within the view. */
function place(tip: HTMLElement, about: HTMLElement, root: HTMLElement): void {
  const [at, frame, size] = [about, root, tip].map((element) => boxWithin(element, root));
  const middle = at.left + at.width / 2 - size.width / 2;
  const left = Math.max(EDGE, Math.min(middle, frame.width - size.width - EDGE));
  const above = at.top - size.height - GAP;
  tip.style.left = `${left}px`;
  tip.style.top = `${above >= EDGE ? above : at.bottom + GAP}px`;
}
