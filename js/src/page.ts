// Entry point of exported pages, which have no kernel: payloads come from the page, state stays in memory.

import type { RawPayload } from "./core/decode";
import { MemoryModel } from "./state/model";
import type { Synced } from "./state/synced";
import { mount } from "./view";

function readJson<T>(id: string): T | null {
  const text = document.getElementById(id)?.textContent;
  return text ? (JSON.parse(text) as T) : null;
}

const host = document.getElementById("gradeclip");
if (host) {
  // Optional: the widget's state when the page was saved (opacity, reading, selected_words, ...).
  const state = readJson<Partial<Synced>>("gradeclip-state") ?? {};
  const payloads = readJson<RawPayload[]>("gradeclip-payloads") ?? [];
  mount(new MemoryModel({ ...state, _payloads: payloads }), host);
}
