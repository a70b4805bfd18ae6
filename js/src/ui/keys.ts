// One tab stop for a list of buttons, and arrow keys between them.

/** The word that a key leads to from another, or null for other keys. */
export function indexForKey(key: string, at: number, count: number, direction: string): number | null {
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
