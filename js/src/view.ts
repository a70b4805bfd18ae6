// The whole view of one model: composes the components, draws them at most once per animation frame.

import { createBars } from "./bars";
import { createControls } from "./controls";
import { createDetails, createNotes } from "./details";
import { h } from "./dom";
import { Hover } from "./hover";
import { createLegend } from "./legend";
import { createAnnouncer, createError, createHint } from "./notices";
import { decodePayload, type Explanation, PayloadError, type RawPayload } from "./payload";
import { deriveScene, needsRepaint, type Scene } from "./scene";
import { createPrompts, createScore } from "./score";
import { createStage } from "./stage";
import { type Changes, EVERYTHING, type Model, Store } from "./state";
import { Theme } from "./theme";
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

  const error = createError();
  const prompts = createPrompts(store, hover, signal);
  const stage = createStage(store, signal);
  const legend = createLegend();
  const parts = [
    stage,
    legend,
    createScore(),
    createWords(store, hover, signal),
    createBars(store, hover, signal),
    createHint(),
    createNotes(),
    createControls(store, signal),
    createDetails(),
    createAnnouncer(),
  ];
  const [, , score, words, bars, hint, notes, controls, details, announcer] = parts;
  const empty = h("p", { class: "gradeclip-empty" });
  const panel = h("div", { class: "gradeclip-panel" });
  panel.append(prompts.element, score.element, words.element, bars.element, notes.element, hint.element);
  const figure = h("div", { class: "gradeclip-figure" });
  figure.append(stage.element, legend.element);
  const body = h("div", { class: "gradeclip-body", hidden: true });
  body.append(h("div", { class: "gradeclip-main" }, figure, panel), controls.element, details.element);
  root.append(
    h("div", { class: "gradeclip-progress", "aria-hidden": "true" }),
    error.element,
    empty,
    body,
    announcer.element,
  );

  root.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      hover.clear();
      store.set({ selected_words: [], region: null });
    },
    { signal },
  );

  const decode = createDecoder();
  let scene: Scene | null = null;

  store.listen((changes) => {
    if (changes.has("theme")) theme.choose(store.get("theme"));
    const computing = store.get("status") === "computing";
    root.classList.toggle("is-computing", computing);
    root.setAttribute("aria-busy", String(computing));
    const decoded = store.get("_payloads").map(decode);
    const current = decoded[Math.max(0, Math.min(store.get("active"), decoded.length - 1))];
    const failure = current instanceof Error ? current.message : "";
    error.update(store.get("error") || failure);
    const explanation = current && !(current instanceof Error) ? current : scene?.explanation;
    empty.hidden = explanation !== undefined || failure !== "" || store.get("error") !== "";
    if (!explanation) {
      empty.textContent = computing ? "Explaining …" : "Nothing to show yet.";
      return;
    }
    body.hidden = false;
    const all: Changes = scene ? changes : EVERYTHING;
    scene = deriveScene(explanation, store, scene, all);
    if (all.has("_payloads") || all.has("active")) {
      prompts.update(decoded.map((d) => (d instanceof Error ? null : d)));
    }
    const frame = { scene, store, changes: all, repaint: needsRepaint(all) };
    for (const part of parts) part.update(frame);
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
