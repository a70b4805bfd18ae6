// A list of buttons with one tab stop and arrow keys between them (a "roving tabindex").

/** Move the focus, and the tab stop with it, between the buttons of a list by arrow keys, Home and End. */
export function attachArrowKeys(
  list: HTMLElement,
  buttons: () => HTMLButtonElement[],
  signal: AbortSignal,
): void {
  list.addEventListener(
    "keydown",
    (event) => {
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
