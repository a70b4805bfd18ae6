// Keys: a list of buttons with one tab stop and arrow keys between them (a "roving tabindex"), and which keys the host
// receives.

import { OWN_KEYS } from "./dom";

/** Move the focus, and the tab stop with it, between the buttons of a list by arrow keys, Home and End. */
export function attachArrowKeys(
  list: HTMLElement,
  buttons: () => HTMLButtonElement[],
  signal: AbortSignal,
): void {
  list.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const all = buttons();
      const at = all.indexOf(event.target as HTMLButtonElement);
      const to = at < 0 ? null : indexForKey(event.key, at, all.length, getComputedStyle(list).direction);
      if (to === null) return;
      event.preventDefault();
      moveTabStop(all, to);
      all[to].focus();
    },
    { signal },
  );
}

/** The index that a key leads to; null for other keys. */
function indexForKey(key: string, at: number, count: number, direction: string): number | null {
  const forward = direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  const back = direction === "rtl" ? "ArrowRight" : "ArrowLeft";
  if (key === forward || key === "ArrowDown") return Math.min(count - 1, at + 1);
  if (key === back || key === "ArrowUp") return Math.max(0, at - 1);
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : null;
}

export function moveTabStop(buttons: HTMLButtonElement[], to: number): void {
  buttons.forEach((button, k) => {
    button.tabIndex = k === to ? 0 : -1;
  });
}

const COMMANDS = /^(.|Enter|Backspace|Delete)$/u; // notebooks have commands on these, also on letters ("x" cuts a cell)
const MOVES = /^(Arrow.+|Page.+|Home|End)$/;
const TEXT = "textarea, [type=search]";

/**
 * Keep keys from the host that are for the view: those that one of its listeners has handled (and so prevented their
 * default), those that the focused control handles itself, and those that would change the notebook. Others, such as
 * Ctrl+S, go on. VS Code listens on the window, and also takes keys whose default is prevented.
 *
 * @param host the element around the view, which receives a key after all listeners of the view.
 */
export function keepKeys(host: HTMLElement, signal: AbortSignal): void {
  host.addEventListener(
    "keydown",
    (event) => {
      const control = event.target as Element;
      if (event.defaultPrevented || isForControl(control, event)) event.stopPropagation();
      else if ((event.ctrlKey || event.metaKey) && control.hasAttribute(OWN_KEYS) && !control.matches(TEXT)) {
        control.removeAttribute(OWN_KEYS); // while JupyterLab looks for it
        setTimeout(() => control.setAttribute(OWN_KEYS, "true"));
      }
    },
    { signal },
  );
}

function isForControl(control: Element, { key, altKey, ctrlKey, metaKey }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey) return false;
  return MOVES.test(key) ? control.matches("input, select, textarea") : COMMANDS.test(key) && !altKey;
}
