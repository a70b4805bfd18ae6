// The list of prompts: which are requested, which are explained, and which traits an edit of the list sets.

import type { Explanation } from "../core/types";
import type { Store } from "./store";
import type { Synced } from "./synced";

/** A prompt and its explanation. */
export interface PromptRow {
  text: string;
  explanation: Explanation | null; // null: not explained yet, or cannot be shown
}

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
  const asked = prompts.length > 0 ? [...prompts] : shown.map((e) => captionOf(e) ?? "");
  const active = store.get("active");
  if (active < asked.length && store.get("prompt")) asked[active] = store.get("prompt");
  return asked;
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
