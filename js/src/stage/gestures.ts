// Turns pointer and keyboard input on the picture into patches and regions.

import { coverage, patchAt, patchAtShare, patchBox, regionCenter, unseenBeside } from "../core/arithmetic";
import { thingAround } from "../core/things";
import type { Box, Explanation, Point, Region } from "../core/types";
import type { View } from "../state/scene";
import { onLongPress } from "../ui/long-press";

const DRAG_THRESHOLD = { mouse: 4, touch: 10 }; // CSS pixels from which a press is a drag, not a click
const LASSO_STEP = 3; // minimum distance between the vertices of a lasso, in CSS pixels

interface Press {
  pointer: number;
  lasso: boolean;
  /** Whether every drag draws: of a mouse, with a tool, of a finger that rested. Else only one along the lines does. */
  draws: boolean;
  threshold: number;
  start: Point; // in CSS pixels of the stage
  trail: Point[];
}

export function attachGestures(stage: HTMLElement, { store, scene, signal, draw }: View): void {
  let press: Press | null = null;
  let anchor: number | null = null; // the patch where a Shift+arrow selection began

  const locate = (event: PointerEvent) => {
    const rect = stage.getBoundingClientRect();
    const at: Point = [event.clientX - rect.left, event.clientY - rect.top];
    return { at, share: [clamp(at[0] / rect.width), clamp(at[1] / rect.height)] as Point, rect };
  };

  const on = <K extends keyof HTMLElementEventMap>(type: K, act: (event: HTMLElementEventMap[K]) => void) =>
    stage.addEventListener(type, act, { signal });

  on("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    const { at } = locate(event);
    const touch = event.pointerType === "touch";
    press = {
      pointer: event.pointerId,
      lasso: event.altKey || store.view.tool === "lasso",
      draws: !touch || store.view.tool !== null,
      threshold: DRAG_THRESHOLD[touch ? "touch" : "mouse"],
      start: at,
      trail: [at],
    };
    anchor = null;
    store.view.cursor = null;
    stage.setPointerCapture?.(event.pointerId);
  });

  on("pointermove", (event) => {
    const e = scene.explanation;
    const { at, share, rect } = locate(event);
    if (press && event.pointerId === press.pointer) {
      const last = press.trail[press.trail.length - 1];
      if (press.trail.length > 1 || startsDrawing(press, at)) {
        if (press.trail.length < 2 || distance(at, last) >= LASSO_STEP) press.trail.push(at);
        store.view.draft = drawnRegion(e, press, at, rect);
      }
    } else if (event.pointerType !== "touch") {
      Object.assign(store.view, { pointer: share, cursor: null });
    }
  });

  on("pointerup", (event) => {
    const e = scene.explanation;
    if (!press || event.pointerId !== press.pointer) return;
    const { draft } = store.view;
    const { at, share } = locate(event);
    if (event.pointerType !== "touch") store.view.pointer = share;
    const tapped = press.draws || distance(at, press.start) < press.threshold;
    press = null;
    store.view.draft = null;
    if (draft && (draft.kind === "box" || draft.points.length > 2)) store.set({ region: draft });
    else if (tapped) click(e, patchAtShare(e, share), event.altKey, share);
  });

  // A finger that rests on the picture draws a box from there in any direction; if it does not move, of one patch.
  onLongPress(stage, signal, (event) => {
    const patch = patchAtShare(scene.explanation, locate(event).share);
    if (!press || press.draws || store.view.draft || patch === null) return false;
    press.draws = true;
    store.view.draft = { kind: "box", box: patchBox(scene.explanation, patch) };
    return true;
  });
  stage.addEventListener(
    "touchmove",
    (event) => {
      if (press?.draws && event.cancelable) event.preventDefault(); // else the page scrolls
    },
    { signal, passive: false },
  );
  draw(() => stage.classList.toggle("is-drawing", store.view.tool !== null));

  const cancel = () => {
    press = null;
    store.view.draft = null;
  };
  on("pointercancel", cancel);
  on("lostpointercapture", cancel);
  on("pointerleave", () => {
    store.view.pointer = null;
  });
  on("blur", () => {
    store.view.cursor = null;
  });
  on("dragstart", (event) => event.preventDefault());

  on("keydown", (event) => {
    const e = scene.explanation;
    if (event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") {
      if (press)
        event.stopPropagation(); // the first Esc only cancels the drawing
      else if (scene.cursor !== null) event.preventDefault();
      cancel();
      Object.assign(store.view, { cursor: null, pointer: null });
      return;
    }
    const cursor = scene.cursor ?? startOfCursor(e, store.get("region"));
    if (event.key === "Enter" || event.key === " ") {
      click(e, cursor, event.altKey);
      anchor = cursor;
    } else {
      const next = scene.cursor === null && !event.shiftKey ? cursor : neighborPatch(e, cursor, event.key);
      if (!event.key.startsWith("Arrow")) return;
      if (event.shiftKey) {
        anchor ??= cursor;
        store.set({ region: { kind: "box", box: boxAround(e, anchor, next) } });
      } else anchor = null;
      store.view.cursor = next;
    }
    event.preventDefault();
  });

  /**
   * Select the thing around a patch; in the selected thing, or with Alt, the single patch. A click on the selected
   * patch clears the selection. Outside of what the model sees, a click selects all that it does not see on that side.
   */
  function click(e: Explanation, patch: number | null, alone: boolean, [u, v]: Point = [0, 0]): void {
    const selected = store.get("region");
    const { width, height } = e.header.image;
    const box: Region = {
      kind: "box",
      box: patch === null ? unseenBeside(e, [u * width, v * height]) : patchBox(e, patch),
    };
    const again = patch !== null && selected?.kind === "thing" && coverage(e, selected)[patch] > 0;
    const thing = patch === null || alone || again ? null : thingAround(e, patch);
    store.set({ region: sameRegion(box, selected) ? null : (thing ?? box) });
  }
}

/** Whether a press has become a drag that draws; a finger's steep ones scroll the page. */
function startsDrawing({ start, draws, threshold }: Press, at: Point): boolean {
  const along = Math.abs(at[0] - start[0]) >= Math.abs(at[1] - start[1]);
  return distance(at, start) >= threshold && (draws || along);
}

/** The smallest box around two patches. */
function boxAround(e: Explanation, a: number, b: number): Box {
  const [p, q] = [patchBox(e, a), patchBox(e, b)];
  return [Math.min(p[0], q[0]), Math.min(p[1], q[1]), Math.max(p[2], q[2]), Math.max(p[3], q[3])];
}

/** The patch that an arrow key leads to; the same patch at the border. */
function neighborPatch(e: Explanation, patch: number, key: string): number {
  const [row, col] = [Math.floor(patch / e.cols), patch % e.cols];
  const down = key === "ArrowDown" ? 1 : key === "ArrowUp" ? -1 : 0;
  const right = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
  const within = (k: number, n: number) => Math.min(n - 1, Math.max(0, k));
  return within(row + down, e.rows) * e.cols + within(col + right, e.cols);
}

function drawnRegion(e: Explanation, press: Press, at: Point, rect: DOMRect): Region {
  const { width, height } = e.header.image;
  const pixel = ([x, y]: Point): Point => [
    tenths(clamp(x / rect.width) * width),
    tenths(clamp(y / rect.height) * height),
  ];
  if (press.lasso) return { kind: "polygon", points: press.trail.map(pixel) };
  const [[ax, ay], [bx, by]] = [pixel(press.start), pixel(at)];
  return { kind: "box", box: [Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)] };
}

function startOfCursor(e: Explanation, region: Region | null): number {
  const middle = Math.floor(e.rows / 2) * e.cols + Math.floor(e.cols / 2);
  return region ? (patchAt(e, ...regionCenter(region)) ?? middle) : middle;
}

function sameRegion(a: Region, b: Region | null): boolean {
  if (a.kind !== "box" || b?.kind !== "box") return false;
  return a.box.every((value, k) => Math.abs(value - b.box[k]) < 1e-6);
}

function distance([ax, ay]: Point, [bx, by]: Point): number {
  return Math.hypot(ax - bx, ay - by);
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}

function tenths(value: number): number {
  return Math.round(10 * value) / 10;
}
