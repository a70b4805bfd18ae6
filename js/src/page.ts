// The entry of a page with no kernel: payloads from the page itself, state in memory.

import type { RawPayload } from "./core/decode";
import { MemoryModel } from "./state/memory-model";
import type { Synced } from "./state/synced";
import { mount } from "./view";

function readJson<T>(id: string): T | null {
  const text = document.getElementById(id)?.textContent;
  return text ? (JSON.parse(text) as T) : null;
}

const host = document.getElementById("gradeclip");
if (host) {
  // Optional: how the widget stood when the page was saved (opacity, reading, selected_words, ...).
  const state = readJson<Partial<Synced>>("gradeclip-state") ?? {};
  const payloads = readJson<RawPayload[]>("gradeclip-payloads") ?? [];
  mount(new MemoryModel({ ...state, _payloads: payloads }), host);
}
