// The view of a model: composes the components, and updates them at most once per animation frame.

import { createDisplayRow } from "./controls/display-row";
import { decodePayload, PayloadError, type RawPayload } from "./core/decode";
import { memoize } from "./core/memo";
import type { Explanation } from "./core/types";
import { createWordBars } from "./panel/bars/word-bars";
import { createBlockSliders } from "./panel/block-sliders";
import { createDetails } from "./panel/details";
import { createNotes } from "./panel/notes";
import { createAnnouncer, createError, createHint, createKernelNotice } from "./panel/notices";
import { createProgress, formatProgress } from "./panel/progress";
import { REGION_QUESTIONS } from "./panel/region-questions";
import { createCompare } from "./prompt/compare";
import { createHistory } from "./prompt/history";
import { createMatch } from "./prompt/match";
import { createPrompt } from "./prompt/prompt";
import { createScore } from "./prompt/score";
import { Hover } from "./prompt/word-selection";
import { createBanner } from "./stage/banner";
import { createComparison } from "./stage/comparison/comparison";
import { createLegend } from "./stage/legend";
import { createOverview } from "./stage/overview";
import { createPictures } from "./stage/pictures";
import { createStage } from "./stage/stage";
import { isComparing } from "./state/comparison";
import { followKernel } from "./state/kernel";
import type { Model } from "./state/model/widget-model";
import { promptRows } from "./state/prompts";
import { deriveScene, needsRepaint, type Scene, subtractedExplanation } from "./state/scene";
import { ALL_KEYS, type Changes, Store } from "./state/store";
import { h } from "./ui/dom";
import { Help } from "./ui/help";
import { Menu } from "./ui/menu";
import { Theme } from "./ui/theme";

/**
 * Show a model in an element.
 *
 * @returns a function that removes the view with all its listeners and observers.
 */
export function mount(model: Model, host: HTMLElement): () => void {
  const teardown = new AbortController();
  const { signal } = teardown;
  const store = new Store(model);
  const root = h("div", { class: "gradeclip" });
  host.append(root);
  const theme = new Theme(root, signal);
  const hover = new Hover(store, root, signal);
  const menu = new Menu(root, signal);
  const help = new Help(root, signal);
  followKernel(store, model, host, signal);

  const error = createError();
  const kernel = createKernelNotice();
  const empty = h("p", { class: "gradeclip-empty" });
  const compare = createCompare(store, hover, signal);
  const comparison = createComparison(store, signal);
  const parts = {
    stage: createStage(store, signal),
    comparison,
    overview: createOverview(store, signal),
    legend: createLegend(),
    banner: createBanner(store, signal),
    score: createScore(),
    match: createMatch(),
    prompt: createPrompt(store, hover, menu, signal),
    bars: createWordBars(store, hover, menu, signal),
    hint: createHint(),
    notes: createNotes(),
    pictures: createPictures(store, root, signal),
    controls: createDisplayRow(store, menu, signal),
    layers: createBlockSliders(store, signal),
    details: createDetails(store, signal),
    announcer: createAnnouncer(),
    compare,
    history: createHistory(store, menu, signal),
  };
  const questions = REGION_QUESTIONS.map((create) => create(store, signal));
  /** The element to focus when the focused one is hidden or disabled. */
  const fallbackFocus = () => root.querySelector<HTMLElement>(".gradeclip-stage:not([hidden] *)")!;
  const progress = createProgress(store, fallbackFocus, signal);

  const element = (name: keyof typeof parts) => parts[name].element;
  const head = h("div", { class: "gradeclip-head" }, element("score"), element("history"), compare.add);
  const panel = h("div", { class: "gradeclip-panel" }, element("compare"), head);
  panel.append(element("match"), element("prompt"), element("bars"), element("notes"));
  panel.append(...questions.map((question) => question.element), element("hint"));
  const place = h(
    "div",
    { class: "gradeclip-place" },
    element("banner"),
    element("stage"),
    element("comparison"),
    progress.words,
  );
  const footer = h("div", { class: "gradeclip-footer" });
  footer.append(element("overview"), element("pictures"), element("legend"));
  const figure = h("div", { class: "gradeclip-figure" }, place, footer);
  const body = h("div", { class: "gradeclip-body", hidden: true });
  body.append(h("div", { class: "gradeclip-main" }, figure, panel));
  body.append(element("controls"), element("layers"), element("details"));
  root.append(progress.bar, error.element, kernel.element, empty, body, element("announcer"));

  root.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      hover.clear();
      store.set({ selected_words: [], region: null });
      store.setView({ uploadError: "" });
    },
    { signal },
  );

  let scene: Scene | null = null;

  store.listen((changes) => {
    if (changes.has("theme")) theme.choose(store.get("theme"));
    const computing = store.get("status") === "computing" && store.view.kernel !== "lost";
    root.classList.toggle("is-computing", computing);
    progress.update(computing);
    kernel.update(store.view.kernel);
    root.setAttribute("aria-busy", String(computing));
    const decoded = store.get("_payloads").map((raw) => decode(raw));
    const rows = promptRows(
      store,
      decoded.map((d) => (d instanceof Error ? null : d)),
    );
    const active = Math.max(0, Math.min(store.get("active"), decoded.length - 1));
    const current = rows[active]?.explanation ?? decoded[active];
    const failure = current instanceof Error ? current.message : "";
    error.update(store.view.uploadError || store.get("error") || failure);
    const explanation = current && !(current instanceof Error) ? current : scene?.explanation;
    empty.hidden = explanation !== undefined || failure !== "" || store.get("error") !== "";
    if (!explanation) {
      empty.textContent = computing ? `${formatProgress(store.get("progress"))} …` : "Nothing to show yet.";
      return;
    }
    body.hidden = false;
    const all: Changes = scene ? changes : ALL_KEYS;
    const before = scene;
    const comparing = isComparing(store); // of one prompt
    const versus = comparing ? null : subtractedExplanation(rows, store, explanation);
    scene = deriveScene(explanation, store, scene, all, versus);
    const fresh = explanation !== before?.explanation || scene.erased !== before.erased;
    const frame = { scene, store, rows, changes: all, repaint: fresh || needsRepaint(all) };
    root.classList.toggle("has-hues", scene.highlights.length > 0);
    root.classList.toggle("is-weak", (scene.standing?.match ?? "clear") !== "clear" && scene.versus === null);
    root.classList.toggle("is-foreign", explanation.header.foreign != null);
    element("stage").toggleAttribute("hidden", comparing);
    const saying = comparing ? comparison.head : place;
    if (progress.words.parentElement !== saying) saying.append(progress.words);
    for (const part of [...Object.values(parts), ...questions]) part.update(frame);
    help.refresh();
    // An element that is hidden, or disabled without a kernel, would lose the focus.
    const focused = document.activeElement;
    if (root.contains(focused) && focused?.closest("[hidden], :disabled"))
      fallbackFocus().focus({ preventScroll: true });
  });
  store.drawAll();

  return () => {
    teardown.abort();
    store.dispose();
    root.remove();
  };
}

/** Decode a payload, once; a failure becomes an error whose message is shown. */
const decode = memoize((raw: RawPayload): Explanation | Error => {
  try {
    return decodePayload(raw);
  } catch (failure) {
    if (failure instanceof PayloadError) return failure;
    return new Error(`This explanation cannot be read (${String(failure)}). Compute it again.`);
  }
});
