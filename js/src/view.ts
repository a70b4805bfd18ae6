// The whole view of one model: composes the components, draws them at most once per animation frame.

import { createBars } from "./bars";
import { createControls } from "./controls";
import { createDetails, createNotes } from "./details";
import { h } from "./dom";
import { createErase } from "./erase";
import { Hover } from "./hover";
import { followKernel } from "./kernel";
import { createLayers } from "./layers";
import { createLegend } from "./legend";
import { createAnnouncer, createError, createHint, createKernelNotice } from "./notices";
import { decodePayload, type Explanation, PayloadError, type RawPayload } from "./payload";
import { createPictures } from "./pictures";
import { createProgress, sayProgress } from "./progress";
import { deriveScene, needsRepaint, type Scene } from "./scene";
import { createPrompts, createScore } from "./score";
import { createStage } from "./stage";
import { type Changes, EVERYTHING, type Model, Store } from "./state";
import { Theme } from "./theme";
import { createVocabulary } from "./vocabulary";
import { createWords } from "./words";

/**
 * Show a model in an element.
 *
 * @returns teardown: removes the view with all its listeners and observers.
 */
export function mount(model: Model, host: HTMLElement): () => void {
  const teardown = new AbortController();
  const { signal } = teardown;
  const store = new Store(model);
  const root = h("div", { class: "gradeclip" });
  host.append(root);
  const theme = new Theme(root, signal);
  const hover = new Hover(store, root, signal);
  followKernel(store, model, host, signal);

  const error = createError();
  const kernel = createKernelNotice();
  const prompts = createPrompts(store, hover, signal);
  const stage = createStage(store, signal);
  const legend = createLegend();
  const parts = [
    stage,
    legend,
    createScore(),
    createWords(store, hover, signal),
    createBars(store, hover, signal),
    createVocabulary(store, signal),
    createErase(store, signal),
    createHint(),
    createNotes(),
    createPictures(store, root, signal),
    createControls(store, signal),
    createLayers(store, signal),
    createDetails(store, signal),
    createAnnouncer(),
  ];
  const [
    ,
    ,
    score,
    words,
    bars,
    vocabulary,
    erase,
    hint,
    notes,
    pictures,
    controls,
    layers,
    details,
    announcer,
  ] = parts;
  const rest = () => root.querySelector<HTMLElement>(".gradeclip-stage")!;
  const progress = createProgress(store, rest, signal);
  const empty = h("p", { class: "gradeclip-empty" });
  const panel = h("div", { class: "gradeclip-panel" });
  panel.append(prompts.element, score.element, words.element, bars.element);
  panel.append(erase.element, vocabulary.element, notes.element, hint.element);
  const figure = h("div", { class: "gradeclip-figure" });
  stage.element.append(progress.words);
  figure.append(stage.element, h("div", { class: "gradeclip-footer" }, legend.element, pictures.element));
  const body = h("div", { class: "gradeclip-body", hidden: true });
  body.append(
    h("div", { class: "gradeclip-main" }, figure, panel),
    controls.element,
    layers.element,
    details.element,
  );
  root.append(progress.bar, error.element, kernel.element, empty, body, announcer.element);

  root.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      hover.clear();
      store.set({ selected_words: [], region: null });
      store.setView({ refused: "" });
    },
    { signal },
  );

  const decode = createDecoder();
  let scene: Scene | null = null;

  store.listen((changes) => {
    if (changes.has("theme")) theme.choose(store.get("theme"));
    const computing = store.get("status") === "computing";
    root.classList.toggle("is-computing", computing);
    progress.update();
    kernel.update(store.view.kernel);
    root.setAttribute("aria-busy", String(computing));
    const decoded = store.get("_payloads").map(decode);
    const current = decoded[Math.max(0, Math.min(store.get("active"), decoded.length - 1))];
    const failure = current instanceof Error ? current.message : "";
    error.update(store.view.refused || store.get("error") || failure);
    const explanation = current && !(current instanceof Error) ? current : scene?.explanation;
    empty.hidden = explanation !== undefined || failure !== "" || store.get("error") !== "";
    if (!explanation) {
      empty.textContent = computing ? `${sayProgress(store.get("progress"))} …` : "Nothing to show yet.";
      return;
    }
    body.hidden = false;
    const all: Changes = scene ? changes : EVERYTHING;
    const erased = scene?.erased ?? null;
    scene = deriveScene(explanation, store, scene, all);
    if (all.has("_payloads") || all.has("active")) {
      prompts.update(decoded.map((d) => (d instanceof Error ? null : d)));
    }
    const frame = { scene, store, changes: all, repaint: needsRepaint(all) || scene.erased !== erased };
    for (const part of parts) part.update(frame);
    // What needs a kernel is disabled without one, and would take the focus with it.
    if (all.has("kernel") && root.querySelector(":disabled:focus")) rest().focus({ preventScroll: true });
  });
  store.draw();

  return () => {
    teardown.abort();
    store.dispose();
    root.remove();
  };
}

/** Decodes each payload once; failures are kept as the sentence to show. */
function createDecoder(): (raw: RawPayload) => Explanation | Error {
  const known = new WeakMap<RawPayload, Explanation | Error>();
  return (raw) => {
    let decoded = known.get(raw);
    if (!decoded) {
      try {
        decoded = decodePayload(raw);
      } catch (failure) {
        decoded =
          failure instanceof PayloadError
            ? failure
            : new Error(`This explanation cannot be read (${String(failure)}). Compute it again.`);
      }
      known.set(raw, decoded);
    }
    return decoded;
  };
}
