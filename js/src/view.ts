// The view of a model: puts the components together.

import { createSettings } from "./controls/settings";
import { createDetails } from "./panel/details";
import { createLoading } from "./panel/loading";
import { createAnnouncer, createError, createHint, createKernelNotice, createNotes } from "./panel/notices";
import { createProgress, formatProgress } from "./panel/progress";
import { REGION_QUESTIONS } from "./panel/region-questions";
import { createWordBars } from "./panel/word-bars";
import { createCompare } from "./prompt/compare";
import { createHistory } from "./prompt/history";
import { createPrompt } from "./prompt/prompt";
import { createMatch, createScore } from "./prompt/score";
import { Hover } from "./prompt/word-selection";
import { createBanner } from "./stage/banner";
import { createComparison } from "./stage/comparison";
import { createLegend } from "./stage/legend";
import { createOverview } from "./stage/overview";
import { createPictures } from "./stage/pictures";
import { createStage } from "./stage/stage";
import { followKernel } from "./state/kernel";
import type { Model } from "./state/model";
import { derivePrompts } from "./state/prompts";
import { deriveScene, type View } from "./state/scene";
import { derived, observable } from "./state/signals";
import { Store } from "./state/store";
import { h } from "./ui/dom";
import { Help } from "./ui/help";
import { keepKeys } from "./ui/keys";
import { Menu } from "./ui/menu";
import { Theme } from "./ui/theme";

/** Follow whether the last press was a finger's. */
function followPointer(store: Store, root: HTMLElement, signal: AbortSignal): void {
  root.addEventListener(
    "pointerdown",
    (event) => {
      store.view.touch = event.pointerType === "touch";
    },
    { signal, capture: true },
  );
}

/**
 * Show a model in an element.
 *
 * @returns a function that removes the view with all its listeners and observers.
 */
export function mount(model: Model, host: HTMLElement, store = new Store(model)): () => void {
  const teardown = new AbortController();
  const { signal } = teardown;
  const root = h("div", { class: "gradeclip" });
  host.append(root);
  const theme = new Theme(root, signal);
  const hover = new Hover(store, root, signal);
  const menu = new Menu(root, signal);
  const help = new Help(root, signal);
  keepKeys(host, signal);
  followKernel(store, model, host, signal);
  followPointer(store, root, signal);

  const prompts = derivePrompts(store);
  const scene = deriveScene(store, prompts);
  const waiting = observable({ editing: false });
  const state = derived({
    ready: () => prompts.explanation !== null && !waiting.editing,
    loading: () => prompts.explanation === null && prompts.failure === "" && store.get("prompt") !== "",
    computing: () => store.get("status") === "computing" && !["lost", "absent"].includes(store.view.kernel),
    message: () => store.view.uploadError || store.get("error") || prompts.failure,
  });
  const draw = (act: () => void) => store.draw(act, signal);
  const view: View = { store, scene, signal, draw: (act) => draw(() => prompts.explanation && act()) };

  /** The element to focus when the focused one is hidden or disabled. */
  const fallbackFocus = () => root.querySelector<HTMLElement>(".gradeclip-stage:not([hidden] *)") ?? root;
  const progress = createProgress(store, () => state.computing, fallbackFocus, signal);
  const loadingEnd = new AbortController(); // when there is an explanation, or the view ends
  signal.addEventListener("abort", () => loadingEnd.abort());
  const loading = state.loading
    ? createLoading({ ...view, signal: loadingEnd.signal }, menu, () => state.computing, waiting)
    : null;
  const empty = h("p", { class: "gradeclip-empty" });
  const compare = createCompare(view, hover);
  const comparison = createComparison(view);
  const place = h(
    "div",
    { class: "gradeclip-place" },
    createBanner(view),
    createStage(view),
    comparison.element,
    progress.words,
  );
  const panel = h(
    "div",
    { class: "gradeclip-panel" },
    h(
      "div",
      { class: "gradeclip-column" },
      compare.element,
      createScore(view),
      createMatch(view),
      createPrompt(view, hover, menu, root),
      h("div", { class: "gradeclip-actions" }, compare.add, createHistory(view, menu)),
    ),
    h(
      "div",
      { class: "gradeclip-column" },
      createWordBars(view, hover, menu),
      createNotes(view),
      ...REGION_QUESTIONS.map((create) => create(view)),
      createHint(view),
    ),
  );
  const footer = h(
    "div",
    { class: "gradeclip-footer" },
    createOverview(view),
    createPictures(view, root),
    createLegend(view),
  );
  const settings = createSettings(view, menu);
  const body = h(
    "div",
    { class: "gradeclip-body", hidden: true },
    h(
      "div",
      { class: "gradeclip-main" },
      h("div", { class: "gradeclip-figure" }, place, footer),
      panel,
      createDetails(view, menu, settings.button),
      settings.element,
    ),
  );
  root.append(
    progress.bar,
    createError(() => state.message, draw),
    createKernelNotice(() => store.view.kernel, draw),
    empty,
    ...(loading ? [loading] : []),
    body,
    createAnnouncer(view),
  );

  draw(() => theme.choose(store.get("theme")));
  draw(() => {
    root.classList.toggle("is-computing", state.computing);
    root.setAttribute("aria-busy", String(state.computing));
    body.hidden = !state.ready;
    if (loading && state.ready) removeLoading(loading);
    empty.hidden = state.ready || (loading?.isConnected ?? false) || state.message !== "";
    empty.textContent = state.computing
      ? `${formatProgress(store.get("progress"))} …`
      : "Nothing to show yet.";
  });
  view.draw(() => {
    root.classList.toggle("has-hues", scene.highlights.length > 0);
    root.classList.toggle("is-weak", (scene.standing?.match ?? "clear") !== "clear" && scene.versus === null);
    root.classList.toggle("is-foreign", scene.explanation.header.foreign !== null);
    (store.comparing ? comparison.head : place).append(progress.words);
  });
  /** Remove what was shown until there was an explanation; the focus moves on. */
  function removeLoading(element: HTMLElement): void {
    const focused = element.contains(document.activeElement);
    element.remove();
    loadingEnd.abort();
    if (focused) fallbackFocus().focus({ preventScroll: true });
  }
  root.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      const chosen = store.get("selected_words").length > 0 || store.get("region") !== null;
      const clears = chosen || store.get("hovered_word") !== null || store.view.uploadError !== "";
      if (clears) event.preventDefault(); // else the key is for the host
      hover.clear();
      store.set({ selected_words: [], region: null });
      store.view.uploadError = "";
    },
    { signal },
  );
  store.afterDrawing = () => {
    help.refresh();
    // An element that is hidden, or disabled without a kernel, would lose the focus.
    const focused = document.activeElement;
    if (root.contains(focused) && focused?.closest("[hidden], :disabled"))
      fallbackFocus().focus({ preventScroll: true });
  };
  store.start();

  return () => {
    teardown.abort();
    store.dispose();
    root.remove();
  };
}
