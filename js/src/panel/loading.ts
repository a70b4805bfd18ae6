// What is shown until there is a first explanation: the picture, the prompt, and what is being loaded. After an error,
// the ways to go on.

import { model } from "../controls/computing";
import { toBytes } from "../core/decode";
import { formatBytesOf } from "../core/format";
import type { Progress } from "../state/entries";
import type { View } from "../state/scene";
import { modelLabel } from "../state/wording";
import { h, setText } from "../ui/dom";
import { iconButton, PENCIL } from "../ui/icons";
import type { Menu } from "../ui/menu";
import { createTextField } from "../ui/text-field";

const IMPORTING = "loading PyTorch"; // Python's names of the stages
const LOADING = "loading weights";
const MAX_ASPECT = 12; // as of the explained picture
const WAITING = "The first explanation of a notebook takes some seconds, the next ones are quick.";
const NO_KERNEL = "Not explained yet, and there is no kernel to do it: run the cell.";

/** The three stages of the first explanation as texts, and the index of the current one. */
export function loadingStages(
  progress: Progress | null,
  modelName: string,
): { texts: [string, string, string]; at: number } {
  const stage = progress?.stage;
  const bytes = stage === LOADING && progress?.total ? formatBytesOf(progress.done, progress.total) : "";
  const loading = `Loading the model: ${modelLabel(modelName)}${bytes && `, ${bytes}`}`;
  const at = !stage || stage === IMPORTING ? 0 : stage === LOADING ? 1 : 2;
  return { texts: ["Loading PyTorch", loading, "Explaining"], at };
}

/**
 * @param view of the widget; only its store and its signal are used, since there is no scene yet.
 * @param state is told whether the text field is open: then the element must stay on the screen.
 */
export function createLoading(
  view: View,
  menu: Menu,
  computing: () => boolean,
  state: { editing: boolean },
): HTMLElement {
  const { store, signal } = view;
  const draw = (act: () => void) => store.draw(act, signal);
  const image = h("img", { class: "gradeclip-image", alt: "", draggable: "false" });
  const picture = h("div", { class: "gradeclip-picture" }, h("div", { class: "gradeclip-still" }, image));
  const caption = h("div", { class: "gradeclip-caption", dir: "auto" });
  const pencil = iconButton("Edit the prompt (F2)", PENCIL);
  const field = createTextField(
    "Prompt",
    null,
    {
      submit: (prompt) => store.set({ prompt }),
      cancel() {},
      closed(byKey) {
        state.editing = false;
        line.classList.remove("is-editing");
        if (byKey) pencil.focus();
      },
    },
    signal,
  );
  const line = h("div", { class: "gradeclip-line" }, caption, field.element, pencil);
  const others = h("ul", { class: "gradeclip-others" });
  const stages = [0, 1, 2].map(() => h("li"));
  const list = h("ol", { class: "gradeclip-stages" }, ...stages);
  const text = h("p", { class: "gradeclip-hint" });
  const cancel = h("button", { type: "button", class: "gradeclip-button" }, "Cancel");
  const retry = h("button", { type: "button", class: "gradeclip-button" }, "Try again");
  const models = model.create({ ...view, draw }, menu);
  const element = h(
    "div",
    { class: "gradeclip-main gradeclip-loading" },
    h("div", { class: "gradeclip-figure" }, h("div", { class: "gradeclip-place" }, picture)),
    h(
      "div",
      { class: "gradeclip-panel" },
      line,
      others,
      h("div", { role: "status", class: "gradeclip-stages-place" }, list),
      text,
      h("div", { class: "gradeclip-ways" }, retry, models, cancel),
    ),
  );

  const edit = () => {
    if (!store.canCompute || !store.isControlVisible("prompt")) return;
    state.editing = true;
    line.classList.add("is-editing");
    field.open(store.get("prompt"));
  };
  const on = (target: HTMLElement, type: "click" | "dblclick", act: () => void) =>
    target.addEventListener(type, act, { signal });
  on(pencil, "click", edit);
  on(caption, "dblclick", edit);
  on(cancel, "click", () => store.send({ type: "cancel" }));
  on(retry, "click", () => store.send({ type: "retry" }));
  element.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "F2" || field.isOpen) return;
      event.preventDefault();
      edit();
    },
    { signal },
  );

  let url = "";
  const revoke = () => URL.revokeObjectURL(url);
  signal.addEventListener("abort", revoke);
  draw(() => {
    const preview = store.get("_preview");
    const aspect = preview ? preview.width / preview.height : 1;
    const shown = Math.min(MAX_ASPECT, Math.max(1 / MAX_ASPECT, aspect));
    picture.style.setProperty("--aspect", shown.toFixed(5));
    picture.classList.toggle("is-landscape", shown > 1.2);
    revoke();
    image.hidden = preview === null;
    if (!preview) return;
    url = URL.createObjectURL(new Blob([toBytes(preview.image) as BlobPart], { type: "image/webp" }));
    image.src = url;
  });
  draw(() => {
    setText(caption, store.get("prompt"));
    image.alt = `Picture to explain with: ${store.get("prompt")}`;
    const active = store.get("active");
    const rest = store.get("prompts").filter((_, k) => k !== active);
    others.replaceChildren(...rest.map((prompt) => h("li", { dir: "auto" }, prompt)));
    others.hidden = rest.length === 0;
    pencil.hidden = !store.canCompute || !store.isControlVisible("prompt");
  });
  draw(() => {
    const { texts, at } = loadingStages(store.get("progress"), store.get("model"));
    list.hidden = !computing();
    stages.forEach((stage, k) => {
      setText(stage, texts[k]);
      stage.className = k < at ? "is-done" : k === at ? "is-current" : "";
      if (k === at) stage.setAttribute("aria-current", "step");
      else stage.removeAttribute("aria-current");
    });
    setText(text, computing() ? WAITING : store.canCompute ? "" : NO_KERNEL);
    text.hidden = text.textContent === "";
    cancel.hidden = !computing() || !store.canCompute;
    retry.hidden = models.hidden = computing() || !store.canCompute;
  });
  return element;
}
