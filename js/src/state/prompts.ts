// The list of prompts: which are requested, which are explained, which one is shown, and what an edit of the list sets.

import { decodePayload, PayloadError, type RawPayload } from "../core/decode";
import { memoize } from "../core/memo";
import type { Explanation } from "../core/types";
import { derived } from "./signals";
import type { Store } from "./store";
import type { Synced } from "./synced";

/** A prompt and its explanation. */
export interface PromptRow {
  text: string;
  explanation: Explanation | null; // null: not explained yet, or cannot be shown
}

/** The prompts, and the explanation that is prompts. */
export interface Prompts {
  rows: readonly PromptRow[];
  explanation: Explanation | null; // the last one that could be shown; null before the first
  failure: string; // why the current one cannot be shown
}

export function derivePrompts(store: Store): Prompts {
  let latest: Explanation | null = null;
  const prompts: Prompts & { current: Explanation | Error | undefined } = derived({
    rows: () =>
      promptRows(
        store,
        store
          .get("_payloads")
          .map((raw) => decode(raw))
          .map((e) => (e instanceof Error ? null : e)),
      ),
    current: () => {
      const payloads = store.get("_payloads");
      const active = Math.max(0, Math.min(store.get("active"), payloads.length - 1));
      return prompts.rows[active]?.explanation ?? (payloads[active] && decode(payloads[active]));
    },
    explanation: () => {
      if (prompts.current && !(prompts.current instanceof Error)) latest = prompts.current;
      return latest;
    },
    failure: () => (prompts.current instanceof Error ? prompts.current.message : ""),
  });
  return prompts;
}

/** Decode a payload, once; a failure becomes an error whose message is prompts. */
const decode = memoize((raw: RawPayload): Explanation | Error => {
  try {
    return decodePayload(raw);
  } catch (failure) {
    if (failure instanceof PayloadError) return failure;
    return new Error(`This explanation cannot be read (${String(failure)}). Compute it again.`);
  }
});

/** One row per requested prompt; without a kernel, one per explanation. */
export function promptRows(store: Store, shown: readonly (Explanation | null)[]): PromptRow[] {
  if (!store.canCompute) {
    return shown.map((explanation) => ({ text: captionOf(explanation) ?? "cannot be shown", explanation }));
  }
  return requestedPrompts(store, shown).map((text, k) => {
    const here = captionOf(shown[k]) === text ? shown[k] : undefined;
    return { text, explanation: here ?? shown.find((e) => captionOf(e) === text) ?? null };
  });
}

/** `prompt` has the newest text of the active prompt, `prompts` that of the others. */
function requestedPrompts(store: Store, shown: readonly (Explanation | null)[]): string[] {
  const prompts = store.get("prompts");
  const requested = prompts.length > 0 ? [...prompts] : shown.map((e) => captionOf(e) ?? "");
  const active = store.get("active");
  if (active < requested.length && store.get("prompt")) requested[active] = store.get("prompt");
  return requested;
}

function captionOf(explanation: Explanation | null | undefined): string | undefined {
  return explanation?.header.caption;
}

type PromptState = Pick<Synced, "prompts" | "active" | "versus">;

/** Activate a prompt. If it was the subtracted one, the two change places. */
export function choosePrompt({ prompts, active, versus }: PromptState, to: number): Partial<Synced> {
  return {
    active: to,
    ...(prompts[to] === undefined ? {} : { prompt: prompts[to] }),
    versus: versus === to ? active : versus,
    selected_words: [],
    hovered_word: null,
  };
}

/** Change the text of a prompt. */
export function rewritePrompt({ prompts, active }: PromptState, row: number, text: string): Partial<Synced> {
  if (row === active) return { prompt: text };
  return { prompts: prompts.map((prompt, k) => (k === row ? text : prompt)) };
}

/** Remove a prompt. The active one stays active; if it is the one removed, its successor becomes active. */
export function dropPrompt({ prompts, active, versus }: PromptState, row: number): Partial<Synced> {
  const left = prompts.filter((_, k) => k !== row);
  const to = Math.min(row < active ? active - 1 : active, left.length - 1);
  const other = versus === null || versus === row ? null : versus > row ? versus - 1 : versus;
  return {
    prompts: left,
    active: to,
    prompt: left[to],
    versus: other === to ? null : other,
    ...(row === active ? { selected_words: [], hovered_word: null } : {}),
  };
}
