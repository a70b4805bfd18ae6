// A finger that rests on an element, which stands for a key held with a click or for the right button of a mouse.

const HOLD = 400; // ms
const STEADY = 8; // pixels that a resting finger may move

/**
 * Call `act` when a finger has rested on an element. The click that follows is suppressed, and so is the host's menu.
 *
 * @param act gets the press; returns whether it means something there.
 */
export function onLongPress(
  element: HTMLElement,
  signal: AbortSignal,
  act: (press: PointerEvent) => boolean,
): void {
  let press: PointerEvent | null = null; // that may become a long one
  let held = false;
  let timer = 0;
  const wait = (next: PointerEvent | null) => {
    clearTimeout(timer);
    press = next;
    if (next) timer = window.setTimeout(hold, HOLD);
  };
  const hold = () => {
    held = press !== null && act(press);
    wait(null);
  };
  const on = <K extends keyof HTMLElementEventMap>(type: K, act: (event: HTMLElementEventMap[K]) => void) =>
    element.addEventListener(type, act, { signal, capture: true });
  on("pointerdown", (event) => {
    held = false;
    wait(event.pointerType === "touch" && event.isPrimary ? event : null);
  });
  on("pointermove", (event) => {
    if (press && Math.hypot(event.clientX - press.clientX, event.clientY - press.clientY) > STEADY)
      wait(null);
  });
  on("pointerup", () => wait(null));
  on("pointercancel", () => wait(null));
  on("contextmenu", (event) => {
    if (press) hold(); // the system's time for a long press is shorter than ours
    if (held) stop(event);
  });
  on("click", (event) => {
    if (held) stop(event);
    held = false;
  });
  signal.addEventListener("abort", () => clearTimeout(timer));
}

function stop(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}
