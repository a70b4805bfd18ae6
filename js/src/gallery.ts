// Entry point of the gallery for anywidget.

import type { RenderProps } from "@anywidget/types";
import { createCard } from "./gallery/card";
import { clearFilters, createControls, createTitle, isFiltered } from "./gallery/controls";
import { createErrors } from "./gallery/errors";
import { Grid } from "./gallery/grid";
import { Loader } from "./gallery/loader";
import type { Answer, Buffers, GalleryModel, Side } from "./gallery/messages";
import { createOpened } from "./gallery/opened";
import { Bitmaps } from "./gallery/paint";
import { GALLERY_DEFAULTS, type GallerySynced } from "./gallery/synced";
import { decodeTiles, type Pair } from "./gallery/tiles";
import { h, setText } from "./ui/dom";
import { Help } from "./ui/help";
import { Theme } from "./ui/theme";

const KEYS = Object.keys(GALLERY_DEFAULTS) as (keyof GallerySynced)[];
const SILENCE = 3000; // ms without an answer after which the view says so
const SILENT =
  "No answer for some seconds: the kernel is busy with something else, or gone. Run the cell again if it is gone.";

/** Show a gallery in an element. Returns a function that removes it with all listeners. */
export function mount(model: GalleryModel, host: HTMLElement): () => void {
  const teardown = new AbortController();
  const { signal } = teardown;
  const root = h("div", { class: "gradeclip gradeclip-gallery" });
  host.append(root);
  const theme = new Theme(root, signal);
  new Help(root, signal);
  const send: GalleryModel["send"] = (request) => model.send(request);
  const bitmaps = new Bitmaps((color) => root.style.setProperty("--gallery-average", color));
  const loader = new Loader(send);
  const compared = () => model.get("about").other !== null;
  const select = (id: string | null) => {
    model.set("selected", id);
    model.save_changes();
  };

  const card = createCard(root, compared, signal);
  const grid = new Grid(
    loader,
    bitmaps,
    {
      open: (tile) => {
        card.point(null, false);
        pending = tile.pair!;
        select(pending.id);
      },
      point: card.point,
    },
    signal,
  );
  const title = createTitle();
  const controls = createControls(model, signal);
  const errors = createErrors(send, () => draw(), signal);
  const opened = createOpened(
    bitmaps,
    { close: () => select(null), step: (by) => send({ kind: "step", by }) },
    signal,
  );
  const failure = h("div", { class: "gradeclip-error", role: "alert", hidden: true });
  const notice = h("div", { class: "gallery-notice", role: "status" });
  const clear = h("button", { type: "button", class: "gradeclip-button" }, "Clear filters");
  const emptyText = h("span");
  const empty = h("div", { class: "gallery-empty", hidden: true }, emptyText, clear);
  const place = h("div", { class: "gallery-place-of-tiles" }, grid.element, empty, errors.element);
  const body = h(
    "div",
    { class: "gallery-body" },
    h("div", { class: "gallery-head" }, title.element, errors.button),
    controls.element,
    place,
  );
  root.append(failure, notice, opened.element, body, card.element);
  clear.addEventListener("click", () => clearFilters(model), { signal });

  let pending: Pair | undefined; // the pair that is open, once it is here
  let wasOpen = false;
  let frame = 0;

  const side = (): Side => (compared() ? model.get("side") : "this");
  const draw = () => {
    if (!frame)
      frame = requestAnimationFrame(() => {
        frame = 0;
        drawNow();
      });
  };
  const drawNow = () => {
    theme.choose(model.get("theme"));
    const { generation, count } = model.get("order");
    const turned = generation !== loader.generation;
    const first = loader.generation === 0;
    loader.reset(generation, count);
    setText(failure, model.get("error"));
    failure.hidden = model.get("error") === "";
    title.update(model);
    controls.update();
    errors.update(model.get("failed"));
    controls.element.hidden = errors.isOpen;
    drawOpened(count);
    place.classList.toggle("is-waiting", model.get("progress") !== null);
    empty.hidden = count > 0 || errors.isOpen;
    clear.hidden = !isFiltered(model);
    const none = model.get("about").total === 0;
    setText(emptyText, none ? "No pair of this run could be explained." : "No pair passes these filters.");
    grid.element.hidden = count === 0 || errors.isOpen;
    grid.update(count, { heat: model.get("heat"), side: side(), sort: model.get("sort") });
    if (turned && !first) grid.rewind();
  };
  const drawOpened = (count: number) => {
    const now = model.get("opened");
    const isOpen = now !== null;
    if (now && pending?.id !== now.id) {
      pending = loader.find(now.id);
      if (!pending) send({ kind: "pair", id: now.id });
    }
    const density = Math.min(2, window.devicePixelRatio || 1);
    opened.update(now, pending, count, compared(), { heat: model.get("heat"), side: side(), density });
    body.hidden = isOpen;
    root.classList.toggle("is-open", isOpen);
    if (isOpen !== wasOpen) {
      wasOpen = isOpen;
      const within = root.contains(document.activeElement) || document.activeElement === document.body;
      if (isOpen && within) opened.focus();
      if (!isOpen) {
        grid.drawNow();
        if (lastIndex !== null) grid.reveal(lastIndex);
        if (within) grid.element.focus({ preventScroll: true });
      }
    }
    lastIndex = now ? now.index : null;
  };
  let lastIndex: number | null = null; // of the pair that was open

  const receive = (answer: Answer, buffers: Buffers) => {
    if (answer.kind === "errors") errors.receive(answer.start, answer.errors);
    else if (answer.kind === "rows") {
      if (answer.generation !== loader.generation) return;
      if (loader.receive(answer.generation, answer.start, decodeTiles(answer.tiles, buffers))) grid.draw();
    } else if (answer.kind === "pair") {
      const [pair] = decodeTiles(answer.tiles, buffers);
      if (pair && pair.id === model.get("opened")?.id) {
        pending = pair;
        draw();
      }
    }
  };
  const watch = window.setInterval(() => {
    setText(notice, loader.waiting > SILENCE ? SILENT : "");
    loader.ask(); // again what was lost
  }, 1000);

  for (const key of KEYS) model.on(`change:${key}`, draw);
  model.on("msg:custom", receive);
  drawNow();

  return () => {
    teardown.abort();
    clearInterval(watch);
    cancelAnimationFrame(frame);
    for (const key of KEYS) model.off(`change:${key}`, draw);
    model.off("msg:custom", receive);
    loader.close();
    bitmaps.clear();
    root.remove();
  };
}

function render({ model, el }: Pick<RenderProps<GallerySynced>, "model" | "el">): () => void {
  return mount(model as unknown as GalleryModel, el);
}

export default { render };
