// Entry point of the gallery for anywidget.

import type { RenderProps } from "@anywidget/types";
import { untracked } from "@preact/signals-core";
import { createAccount } from "./gallery/account";
import { createCard } from "./gallery/card";
import { clearFilters, createControls, createTitle, isFiltered } from "./gallery/controls";
import { Grid } from "./gallery/grid";
import { Loader } from "./gallery/loader";
import type { Answer, Buffers, GalleryModel, GalleryStore, Side } from "./gallery/messages";
import { createOpened } from "./gallery/opened";
import { Bitmaps } from "./gallery/paint";
import { GALLERY_DEFAULTS, type GallerySynced } from "./gallery/synced";
import { decodeTiles, type Pair } from "./gallery/tiles";
import { observable } from "./state/signals";
import { SyncedStore } from "./state/store";
import { h, setText } from "./ui/dom";
import { Help } from "./ui/help";
import { keepKeys } from "./ui/keys";
import { Theme } from "./ui/theme";

const SILENCE = 3000; // ms without an answer after which a notice is shown
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
  keepKeys(host, signal);
  const store: GalleryStore = new SyncedStore(model, GALLERY_DEFAULTS);
  const draw = (act: () => void) => store.draw(act, signal);
  const send: GalleryModel["send"] = (request) => model.send(request);
  const bitmaps = new Bitmaps((color) => root.style.setProperty("--gallery-average", color));
  const loader = new Loader(send);
  const compared = () => store.get("about").other !== null;
  const select = (id: string | null) => store.set({ selected: id });
  const local = observable<{ pair: Pair | undefined }>({ pair: undefined }); // the open pair, once it has arrived

  const card = createCard(root, compared, signal);
  const grid = new Grid(
    loader,
    bitmaps,
    {
      open: (tile) => {
        card.point(null, false);
        local.pair = tile.pair!;
        select(tile.pair!.id);
      },
      point: card.point,
    },
    signal,
  );
  const controls = createControls(store, signal);
  const account = createAccount(store, send, signal);
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
  const place = h("div", { class: "gallery-place-of-tiles" }, grid.element, empty, account.element);
  const body = h(
    "div",
    { class: "gallery-body" },
    h("div", { class: "gallery-head" }, createTitle(store, signal), account.button),
    controls,
    place,
  );
  root.append(failure, notice, opened.element, body, card.element);
  clear.addEventListener("click", () => clearFilters(store), { signal });

  const side = (): Side => (compared() ? store.get("side") : "this");
  draw(() => theme.choose(store.get("theme")));
  draw(() => {
    setText(failure, store.get("error"));
    failure.hidden = store.get("error") === "";
    const { count } = store.get("order");
    controls.hidden = account.isOpen;
    place.classList.toggle("is-waiting", store.get("progress") !== null);
    empty.hidden = count > 0 || account.isOpen;
    clear.hidden = !isFiltered(store);
    const none = store.get("about").total === 0;
    setText(emptyText, none ? "No pair of this run could be explained." : "No pair passes these filters.");
    body.hidden = store.get("opened") !== null;
    root.classList.toggle("is-open", body.hidden);
    grid.element.hidden = count === 0 || account.isOpen;
  });
  draw(() => {
    const { generation, count } = store.get("order");
    const another = generation !== loader.generation && loader.generation !== 0;
    loader.reset(generation, count);
    grid.update(count, { heat: store.get("heat"), side: side(), sort: store.get("sort") });
    if (another) grid.rewind();
  });
  draw(() => {
    const now = store.get("opened");
    if (!now || untracked(() => local.pair?.id) === now.id) return;
    local.pair = loader.find(now.id);
    if (!local.pair) send({ kind: "pair", id: now.id });
  });
  draw(() => {
    const now = store.get("opened");
    const density = Math.min(2, window.devicePixelRatio || 1);
    const look = { heat: store.get("heat"), side: side(), density };
    opened.update(now, local.pair, store.get("order").count, compared(), look);
  });
  let before: GallerySynced["opened"] = null;
  draw(() => {
    const now = store.get("opened");
    const last = before;
    before = now;
    if ((now === null) === (last === null)) return;
    const within = root.contains(document.activeElement) || document.activeElement === document.body;
    if (now && within) opened.focus();
    if (now) return;
    grid.drawNow();
    if (last!.index !== null) grid.reveal(last!.index);
    if (within) grid.element.focus({ preventScroll: true });
  });

  const receive = (answer: Answer, buffers: Buffers) => {
    if (answer.kind === "errors") account.receive(answer.start, answer.errors);
    else if (answer.kind === "rows") {
      if (answer.generation !== loader.generation) return;
      if (loader.receive(answer.generation, answer.start, decodeTiles(answer.tiles, buffers))) grid.draw();
    } else if (answer.kind === "pair") {
      const [pair] = decodeTiles(answer.tiles, buffers);
      if (pair && pair.id === store.get("opened")?.id) local.pair = pair;
    }
  };
  const watch = window.setInterval(() => {
    setText(notice, loader.waiting > SILENCE ? SILENT : "");
    loader.ask(); // again what was lost
  }, 1000);

  model.on("msg:custom", receive);
  store.start();

  return () => {
    teardown.abort();
    clearInterval(watch);
    store.dispose();
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
