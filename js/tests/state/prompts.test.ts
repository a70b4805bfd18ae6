// @vitest-environment happy-dom
import { describe, expect, test } from "vitest";
import { MemoryModel } from "../../src/state/model";
import { choosePrompt, dropPrompt, promptRows, rewritePrompt } from "../../src/state/prompts";
import { Store } from "../../src/state/store";
import type { Synced } from "../../src/state/synced";
import { explanation } from "../fixtures";

describe("what choosing, rewriting and dropping a prompt sets", () => {
  const asked = (active: number, versus: number | null = null) => ({
    prompts: ["A", "B", "C"],
    active,
    versus,
  });

  test("the subtracted prompt, once chosen, is exchanged with the one it was subtracted from", () => {
    expect(choosePrompt(asked(0, 2), 2)).toMatchObject({ active: 2, prompt: "C", versus: 0 });
    expect(choosePrompt(asked(0, 2), 1)).toMatchObject({ active: 1, versus: 2 });
    expect(choosePrompt({ ...asked(0), prompts: [] }, 1)).not.toHaveProperty("prompt");
  });

  test("the active prompt is rewritten by the trait prompt, another one in the list", () => {
    expect(rewritePrompt(asked(1), 1, "X")).toEqual({ prompt: "X" });
    expect(rewritePrompt(asked(1), 2, "X")).toEqual({ prompts: ["A", "B", "X"] });
  });

  test("the active prompt stays active when another one is removed", () => {
    expect(dropPrompt(asked(2), 0)).toMatchObject({ prompts: ["B", "C"], active: 1, prompt: "C" });
    expect(dropPrompt(asked(0), 2)).toMatchObject({ prompts: ["A", "B"], active: 0, prompt: "A" });
    expect(dropPrompt(asked(2), 2)).toMatchObject({ active: 1, prompt: "B", selected_words: [] });
  });

  test("the subtracted prompt stays subtracted, unless it is removed or chosen", () => {
    expect(dropPrompt(asked(0, 2), 1).versus).toBe(1);
    expect(dropPrompt(asked(0, 2), 2).versus).toBeNull();
    expect(dropPrompt(asked(0, 1), 0).versus).toBeNull();
  });
});

describe("which explanation belongs to a prompt", () => {
  const named = (caption: string) => explanation({ header: { caption } });
  const [a, b] = [named("A"), named("B")];
  const rows = (state: Partial<Synced>) =>
    promptRows(new Store(new MemoryModel({ live: true, ...state })), [a, b]).map((row) => row.explanation);

  test("the one with its text, at any position", () => {
    expect(rows({ prompts: ["B"] })).toEqual([b]);
    expect(rows({ prompts: ["A", "X", "B"] })).toEqual([a, null, b]);
  });

  test("the newest text of the active prompt is used", () => {
    expect(rows({ prompts: ["A", "B"], active: 1, prompt: "X" })).toEqual([a, null]);
  });
});
