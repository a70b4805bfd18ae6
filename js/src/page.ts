// Entry point of exported pages, which have no kernel: payloads come from the page, state stays in memory.

import type { RawPayload } from "./core/decode";
import { MemoryModel } from "./state/model";
import type { Synced } from "./state/synced";
import { mount } from "./view";

function readJson<T>(id: string): T | null {
  const text = document.getElementById(id)?.textContent;
  return text ? (JSON.parse(text) as T) : null;
}

/** In a frame: send the height of the page to the page around it, and apply the theme that this page sends. */
function connectFrame(): void {
  const tell = () => parent.postMessage({ gradeclipHeight: document.documentElement.offsetHeight }, "*");
  document.body.style.margin = "0";
  new ResizeObserver(tell).observe(document.documentElement);
  addEventListener("message", ({ data }) => {
    if (!data?.gradeclipTheme) return;
    document.documentElement.style.colorScheme = data.gradeclipTheme;
    document.body.dataset.theme = data.gradeclipTheme;
    tell(); // the observer waits until the frame is scrolled to
  });
  parent.postMessage({ gradeclipReady: true }, "*");
}

const host = document.getElementById("gradeclip");
if (host) {
  // Optional: the widget's state when the page was saved (opacity, reading, selected_words, ...).
  const state = readJson<Partial<Synced>>("gradeclip-state") ?? {};
  const payloads = readJson<RawPayload[]>("gradeclip-payloads") ?? [];
  const still = host.firstElementChild; // the picture and numbers for readers without scripts
  mount(new MemoryModel({ ...state, _payloads: payloads }), host);
  still?.remove();
  if (parent !== window) connectFrame();
}
