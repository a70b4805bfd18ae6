// Pictures: thumbnails to choose from, and adding one by drag and drop, by pasting, or from a file.

import { toBytes } from "../core/decode";
import { formatBytes } from "../core/format";
import { onChange, type View } from "../state/scene";
import { derived } from "../state/signals";
import type { Store } from "../state/store";
import { createRadioGroup } from "../ui/choice";
import { h } from "../ui/dom";
import { setHelp } from "../ui/help";

const TYPES = ["png", "jpeg", "webp", "gif", "bmp", "tiff"].map((name) => `image/${name}`);

// Jupyter's server closes the connection on larger messages: Tornado's websocket_max_message_size is
// 10 MiB unless it was raised (https://github.com/jupyter-widgets/ipywidgets/issues/2522).
const MAX_BYTES = 10_000_000; // bytes

/** Why a file cannot be uploaded, as a sentence; "" if it can. */
export function uploadErrorOf({ name, type, size }: Pick<File, "name" | "type" | "size">): string {
  const called = name ? `“${name}”` : "What was pasted";
  if (!TYPES.includes(type)) {
    return `${called} is not a picture that can be read here: PNG, JPEG, WebP, GIF, BMP and TIFF can.`;
  }
  if (size === 0) return `${called} is empty.`;
  if (size > MAX_BYTES) {
    return (
      `${called} has ${formatBytes(size)}, and at most ${formatBytes(MAX_BYTES)} travel to the kernel. ` +
      "Save it smaller, or name the file in explore(…)."
    );
  }
  return "";
}

export function createPictures(view: View, root: HTMLElement): HTMLElement {
  const { store, signal, draw } = view;
  const file = h("input", { type: "file", accept: TYPES.join(), multiple: true, hidden: true, tabindex: -1 });
  const add = h("button", { type: "button", class: "gradeclip-add" }, "Add a picture");
  setHelp(add, "Choose a picture from your files, drop one here, or paste it");
  const strip = createStrip(view);
  const target = h(
    "div",
    { class: "gradeclip-drop", "aria-hidden": "true", hidden: true },
    "Drop to explain",
  );
  const element = h("div", { class: "gradeclip-pictures" }, strip, add, file);
  root.append(target);

  const send = async (files: readonly File[]) => {
    if (files.length === 0) return;
    if (!store.canCompute) {
      store.view.uploadError = "Another picture needs a kernel: run the cell again.";
      return;
    }
    const refused = files.map(uploadErrorOf).filter((sentence) => sentence !== "");
    store.view.uploadError = refused.join(" ");
    for (const one of files.filter((f) => uploadErrorOf(f) === "")) {
      const bytes = await one.arrayBuffer();
      if (signal.aborted) return;
      store.send({ type: "picture", name: one.name || "pasted picture" }, [bytes]);
    }
  };

  add.addEventListener("click", () => file.click(), { signal });
  file.addEventListener(
    "change",
    () => {
      void send([...(file.files ?? [])]);
      file.value = ""; // so that the same file can be chosen again
    },
    { signal },
  );
  root.addEventListener(
    "paste",
    (event) => {
      const files = filesOf(event.clipboardData);
      if (!receives(store) || files.length === 0) return; // pasted text is for the text fields
      claim(event);
      void send(files);
    },
    { signal },
  );

  let inside = 0; // dragenter and dragleave are sent for every child element too
  const setInside = (depth: number) => {
    inside = Math.max(0, depth);
    target.hidden = inside === 0;
  };
  const onDrag = (type: "dragenter" | "dragover" | "dragleave" | "drop", act: (event: DragEvent) => void) =>
    root.addEventListener(
      type,
      (event) => {
        if (!receives(store) || !event.dataTransfer?.types.includes("Files")) return;
        claim(event);
        act(event);
      },
      { signal },
    );
  onDrag("dragenter", () => setInside(inside + 1));
  onDrag("dragleave", () => setInside(inside - 1));
  onDrag("dragover", (event) => {
    event.dataTransfer!.dropEffect = "copy";
  });
  onDrag("drop", (event) => {
    setInside(0);
    void send(filesOf(event.dataTransfer));
  });

  draw(() => {
    element.hidden = !receives(store);
    add.disabled = !store.canCompute;
    element.classList.toggle("is-strip", hasStrip(store));
  });
  // After another explanation, the last upload matters no more.
  onChange(
    view,
    () => store.get("_payloads"),
    () => {
      store.view.uploadError = "";
    },
  );
  return element;
}

/** Whether pictures can be added. */
function receives(store: Store): boolean {
  return store.live && store.isControlVisible("picture");
}

/** Whether there are pictures to choose from. */
function hasStrip(store: Store): boolean {
  return receives(store) && store.get("_pictures").length > 1;
}

/** The thumbnails, as a radio group. */
function createStrip({ store, signal, draw }: View): HTMLElement {
  const group = createRadioGroup("Pictures", "gradeclip-strip", signal, (value) =>
    store.set({ picture: Number(value) }),
  );
  let urls: string[] = [];
  const revoke = () => {
    for (const url of urls) URL.revokeObjectURL(url);
  };
  signal.addEventListener("abort", revoke);
  const shown = derived({ pictures: () => (hasStrip(store) ? store.get("_pictures") : null) });
  draw(() => {
    const { pictures } = shown;
    group.element.hidden = pictures === null;
    if (!pictures) return;
    revoke();
    urls = pictures.map(({ thumbnail }) =>
      URL.createObjectURL(new Blob([toBytes(thumbnail) as BlobPart], { type: "image/webp" })),
    );
    group.setValues(Object.keys(pictures), (input, k) => {
      const { name } = pictures[k];
      input.setAttribute("aria-label", name || `Picture ${k + 1}`);
      return h(
        "label",
        { class: "gradeclip-thumb", "data-help": name || null },
        input,
        h("img", { src: urls[k], alt: "" }),
      );
    });
  });
  draw(() => {
    group.choose(String(store.get("picture")));
    group.setDisabled(!store.canCompute);
  });
  return group.element;
}

function filesOf(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])];
}

/** Keep an event from the notebook, which would open the file or paste a cell. */
function claim(event: Event): void {
  event.preventDefault();
  event.stopPropagation();
}
