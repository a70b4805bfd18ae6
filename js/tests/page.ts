// Helpers of the DOM tests: a mounted view, and functions to use it.

import { type MockInstance, onTestFinished, vi } from "vitest";
import type { Message } from "../src/state/model";
import { MemoryModel } from "../src/state/model";
import type { Synced } from "../src/state/synced";
import { mount } from "../src/view";
import { payload } from "./fixtures";

/** Pixels of every `putImageData`, newest last; happy-dom paints nothing itself. */
export const painted: Uint32Array[] = [];

/** Whether two paintings are the same, without a comparison value by value. */
export function samePixels(a: Uint32Array | undefined, b: Uint32Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
}

export function fakeCanvas(): MockInstance {
  painted.length = 0;
  const context = {
    createImageData: (width: number, height: number) => ({
      width,
      height,
      data: new Uint8ClampedArray(4 * width * height),
    }),
    putImageData: (image: ImageData) => painted.push(new Uint32Array(image.data.slice().buffer)),
  };
  return vi
    .spyOn(HTMLCanvasElement.prototype, "getContext")
    .mockImplementation((() => context) as unknown as HTMLCanvasElement["getContext"]);
}

/** A model with a kernel, which records the messages sent to it. */
export class LiveModel extends MemoryModel {
  readonly sent: { content: Message; buffers: ArrayBuffer[] }[] = [];

  constructor(values: Partial<Synced> = {}) {
    super({ _payloads: [payload()], live: true, ...values });
  }

  send(content: Message, _callbacks?: unknown, buffers: ArrayBuffer[] = []): void {
    this.sent.push({ content, buffers });
  }
}

export function open(
  state: Partial<Synced> = {},
  model = new MemoryModel({ _payloads: [payload()], ...state }),
  host = document.createElement("div"),
) {
  document.body.append(host);
  const close = mount(model, host);
  onTestFinished(close); // else its timers fire after the page is gone
  const all = (selector: string) => [...host.querySelectorAll<HTMLElement>(selector)];
  const one = (selector: string) => all(selector)[0];
  const stage = one(".gradeclip-stage");
  if (stage) {
    stage.getBoundingClientRect = () => new DOMRect(100, 50, 600, 400); // the fixture's picture is 60 x 40
  }
  return {
    model,
    host,
    close,
    all,
    one,
    stage,
    word: (k: number) => all(".gradeclip-word")[k],
    /** The rows of what is no word, by their label, without the values. */
    sums: () =>
      all(".gradeclip-ranking .gradeclip-bar.is-sum")
        .filter((row) => !row.hidden)
        .map((row) => [
          row.querySelector(".gradeclip-bar-word")!.textContent,
          row.querySelector("em")!.textContent,
        ]),
    bars: () => all(".gradeclip-ranking .gradeclip-bar.is-word").filter((row) => !row.hidden),
    /** The radio button of a segment. */
    radio: (name: string): HTMLInputElement =>
      all("label")
        .find((label) => label.textContent === name)!
        .querySelector("input")!,
    /** The control that a label or an aria-label names, or what is before the choice on a button of a menu. */
    control: <E extends HTMLElement = HTMLInputElement>(name: string): E => {
      const opens = all("button").find((button) => button.firstChild?.textContent === `${name} `);
      const named = all("[aria-label]").find((element) => element.getAttribute("aria-label") === name);
      const label = all("label").find((e) => [e.textContent, e.firstChild?.textContent].includes(name));
      return (opens ?? named ?? label?.querySelector("input, select")) as E;
    },
  };
}

/** The next animation frame, after which what changed is drawn. */
export const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

export function point(target: Element, type: string, x = 0, y = 0, more: PointerEventInit = {}): void {
  const event = new PointerEvent(type, {
    bubbles: true,
    clientX: 100 + x,
    clientY: 50 + y,
    pointerId: 1,
    isPrimary: true,
    button: 0,
    pointerType: "mouse",
    ...more,
  });
  target.dispatchEvent(event);
}

export function press(target: Element, key: string, more: KeyboardEventInit = {}): void {
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
}

export function change(target: Element, type = "change"): void {
  target.dispatchEvent(new Event(type, { bubbles: true }));
}

export function click(target: Element, more: MouseEventInit = {}): void {
  target.dispatchEvent(new MouseEvent("click", { bubbles: true, ...more }));
}
