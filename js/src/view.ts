// The whole view of one model: composes the components, draws them at most once per animation frame.

import { createBars } from "./bars";
import { createCompare } from "./compare";
import { createControls } from "./controls";
import { createDetails, createNotes } from "./details";
import { h } from "./dom";
import { createHistory } from "./history";
import { Hover } from "./hover";
import { createLegend } from "./legend";
import { Menu } from "./menu";
import { createAnnouncer, createError, createHint } from "./notices";
import { decodePayload, type Explanation, PayloadError, type RawPayload } from "./payload";
import { createPrompt } from "./prompt";
import { promptRows } from "./prompts";
import { deriveScene, needsRepaint, type Scene, subtracted } from "./scene";
import { createScore } from "./score";
import { createStage } from "./stage";
import { type Changes, EVERYTHING, type Model, Store } from "./state";
import { Theme } from "./theme";

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
  const menu = new Menu(root, signal);

  const error = createError();
  const stage = createStage(store, signal);
  const legend = createLegend();
  const compare = createCompare(store, hover, signal);
  const parts = [
    stage,
    legend,
    createScore(),
    createPrompt(store, hover, menu, signal),
    createBars(store, hover, signal),
    createHint(),
    createNotes(),
    createControls(store, signal),
    createDetails(),
    createAnnouncer(),
    compare,
    createHistory(store, menu, signal),
  ];
  const [, , score, prompt, bars, hint, notes, controls, details, announcer, , history] = parts;
  const empty = h("p", { class: "gradeclip-empty" });
  const panel = h("div", { class: "gradeclip-panel" });
  const head = h("div", { class: "gradeclip-head" }, score.element, history.element, compare.add);
  panel.append(compare.element, head, prompt.element, bars.element, notes.element, hint.element);
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
    const rows = promptRows(
      store,
      decoded.map((d) => (d instanceof Error ? null : d)),
    );
    const active = Math.max(0, Math.min(store.get("active"), decoded.length - 1));
    const current = rows[active]?.explanation ?? decoded[active];
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
    const before = scene?.explanation;
    scene = deriveScene(explanation, store, scene, all, subtracted(rows, store, explanation));
    const repaint = explanation !== before || needsRepaint(all);
    const frame = { scene, store, rows, changes: all, repaint };
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
