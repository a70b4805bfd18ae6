// Which prompts are asked for and which of them are explained; what choosing, adding or dropping one sets. No DOM here.

import type { Explanation } from "../core/types";
import type { Store } from "./store";
import type { Synced } from "./synced";

/** A prompt and what is known of it. */
export interface PromptRow {
  text: string;
  explanation: Explanation | null; // null: not explained yet, or not to be shown
}

/** One row per prompt asked for; without a model, per explanation there is. */
export function promptRows(store: Store, shown: readonly (Explanation | null)[]): PromptRow[] {
  if (!store.canCompute) {
    return shown.map((explanation) => ({ text: captionOf(explanation) ?? "cannot be shown", explanation }));
  }
  return requestedPrompts(store, shown).map((text, k) => {
    const here = captionOf(shown[k]) === text ? shown[k] : undefined;
    return { text, explanation: here ?? shown.find((e) => captionOf(e) === text) ?? null };
  });
}

/** `prompt` is the newest text of the active one; the others are in `prompts`. */
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

/** Show another prompt. Where it was the subtracted one, the two change places. */
export function choosePrompt({ prompts, active, versus }: PromptState, to: number): Partial<Synced> {
  return {
    active: to,
    ...(prompts[to] === undefined ? {} : { prompt: prompts[to] }),
    versus: versus === to ? active : versus,
    selected_words: [],
    hovered_word: null,
  };
}

/** Ask for another text in a row. */
export function rewritePrompt({ prompts, active }: PromptState, row: number, text: string): Partial<Synced> {
  if (row === active) return { prompt: text };
  return { prompts: prompts.map((prompt, k) => (k === row ? text : prompt)) };
}

/** Take a row away; the active one stays active, or its successor becomes so. */
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
