// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MemoryModel } from "../../src/state/memory-model";
import { choosePrompt, dropPrompt, promptRows, rewritePrompt } from "../../src/state/prompts";
import { Store } from "../../src/state/store";
import type { Synced } from "../../src/state/synced";
import { explanation, payload } from "../fixtures";
import { click, fakeCanvas, frame, open, press } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const answer = (words: string[], cosine: number, logit: number | null = 100 * cosine) =>
  payload({
    words,
    gaps: ["", ...words.slice(1).map(() => " "), ""],
    header: { score: { cosine, logit, scale: 100, bias: null, probability: null } },
  });
const RED = answer(["a", "red", "car"], 0.31);
const BLUE = answer(["a", "blue", "car"], 0.3);
const TWO: Partial<Synced> = {
  live: true,
  _payloads: [RED, BLUE],
  prompts: ["a red car", "a blue car"],
  prompt: "a red car",
};

function compare(state: Partial<Synced> = {}) {
  const page = open({ ...TWO, ...state });
  const rows = () => page.all(".gradeclip-prompt").filter((row) => !row.hidden);
  const button = (name: string) => page.one(`[aria-label="${name}"]`);
  const field = page.one(".gradeclip-compare textarea") as HTMLTextAreaElement;
  const enter = (text: string) => {
    field.value = text;
    press(field, "Enter");
  };
  return { ...page, rows, button, field, enter };
}

describe("prompts side by side", () => {
  test("have score, logit and their share by softmax", () => {
    const { rows } = compare();
    expect(rows().map((row) => [...row.querySelectorAll("em")].map((em) => em.textContent))).toEqual([
      ["0.310", "31.0", "73 %"],
      ["0.300", "30.0", "27 %"],
    ]);
  });

  test("are chosen by a click anywhere in their row", async () => {
    const { model, rows, one } = compare({ selected_words: [1] });
    click(rows()[1].querySelector("em")!);
    await frame();
    expect(one(".gradeclip-change").hidden).toBe(true); // another prompt's score is no change of this one's
    expect(model.get("active")).toBe(1);
    expect(model.get("prompt")).toBe("a blue car");
    expect(model.get("selected_words")).toEqual([]);
  });

  test("have no share where one has no logit", () => {
    const { rows } = compare({ _payloads: [RED, answer(["a", "blue", "car"], 0.3, null)] });
    expect(rows()[0].querySelectorAll("em")[2].textContent).toBe("");
  });

  test("one more is asked for in a field that begins with the chosen one", () => {
    const { model, button, field, enter } = compare();
    click(button("Compare with another prompt"));
    expect(field.value).toBe("a red car");
    expect([field.selectionStart, field.selectionEnd]).toEqual([0, 9]);
    enter("a green car");
    expect(model.get("prompts")).toEqual(["a red car", "a blue car", "a green car"]);
    expect(document.activeElement).toBe(button("Compare with another prompt"));
  });

  test("one that is not explained yet waits in its row", async () => {
    const { model, rows } = compare();
    model.set("prompts", ["a red car", "a blue car", "a green car"]);
    await frame();
    expect(rows()[2].textContent).toBe("a green car…");
    expect(rows()[2].className).toContain("is-pending");
    expect(rows()[0].querySelector("em")!.textContent).toBe("0.310");
    model.set("status", "error"); // it was refused
    await frame();
    expect(rows()[2].textContent).toBe("a green car–");
  });

  test("a row is edited in place, and Esc leaves it", () => {
    const { model, rows, field, enter, button } = compare();
    click(button("Edit “a blue car”"));
    expect(rows()[1].contains(field)).toBe(true);
    press(field, "Escape");
    expect(model.get("prompts")).toEqual(["a red car", "a blue car"]);
    expect(document.activeElement).toBe(button("Edit “a blue car”"));
    press(rows()[1].querySelector("input")!, "F2");
    enter("a blue bus");
    expect(model.get("prompts")).toEqual(["a red car", "a blue bus"]);
  });

  test("a row is removed, and the focus stays in the view", async () => {
    const { model, button, rows } = compare();
    click(button("Remove “a red car”"));
    await frame();
    expect(model.get("prompts")).toEqual(["a blue car"]);
    expect(model.get("prompt")).toBe("a blue car");
    expect(rows().map((row) => row.parentElement!.hidden)).toEqual([true]); // one prompt is no comparison
    expect(document.activeElement).toBe(button("Compare with another prompt"));
  });

  test("without a model there is nothing to add, edit or remove, but much to subtract", () => {
    const { button } = compare({ live: false });
    for (const name of ["Compare with another prompt", "Edit “a red car”", "Remove “a red car”"]) {
      expect(button(name).hidden).toBe(true);
    }
    expect(button("Subtract “a blue car”").hidden).toBe(false);
  });

  test("a lesson may leave them out", () => {
    const { one, button } = compare({ controls: ["prompt"] });
    expect(one(".gradeclip-compare").hidden).toBe(true);
    expect(button("Compare with another prompt").hidden).toBe(true);
  });
});

describe("the difference view", () => {
  test("shows both signs, the difference of the scores and the words of both; and goes as it came", async () => {
    const { model, one, button, bars } = compare({ live: false, sign: "negative" });
    click(button("Subtract “a blue car”"));
    await frame();
    expect(model.get("versus")).toBe(1);
    expect(model.get("sign")).toBe("both");
    expect(button("Subtract “a blue car”").getAttribute("aria-pressed")).toBe("true");
    expect(one(".gradeclip-who").textContent).toBe("red − blue");
    expect(one(".gradeclip-score").textContent).toContain("difference +0.010");
    const fold = one(".gradeclip-fold");
    expect(fold.textContent).toBe("a, car: together 0.000"); // what both have alike
    click(fold);
    await frame();
    expect(bars().map((bar) => bar.querySelector("bdi")!.textContent)).toEqual(["red", "a", "car", "blue"]);
    expect(bars()[3].className).toContain("is-against");
    click(bars()[3]); // another prompt's word has no map here
    expect(model.get("selected_words")).toEqual([]);
    click(button("Subtract “a blue car”"));
    await frame();
    expect(model.get("versus")).toBeNull();
    expect(model.get("sign")).toBe("negative");
    expect(one(".gradeclip-who").textContent).toBe("whole sentence");
  });

  test("goes as it came when its row is removed", async () => {
    const { model, button } = compare({ sign: "negative" });
    click(button("Subtract “a blue car”"));
    await frame();
    click(button("Remove “a blue car”"));
    await frame();
    expect(model.get("versus")).toBeNull();
    expect(model.get("sign")).toBe("negative");
  });
});

describe("what choosing, rewriting and dropping a prompt sets", () => {
  const asked = (active: number, versus: number | null = null) => ({
    prompts: ["A", "B", "C"],
    active,
    versus,
  });

  test("the subtracted prompt, once chosen, changes places with the one it was subtracted from", () => {
    expect(choosePrompt(asked(0, 2), 2)).toMatchObject({ active: 2, prompt: "C", versus: 0 });
    expect(choosePrompt(asked(0, 2), 1)).toMatchObject({ active: 1, versus: 2 });
    expect(choosePrompt({ ...asked(0), prompts: [] }, 1)).not.toHaveProperty("prompt");
  });

  test("the active prompt is rewritten by its own trait, another one in the list", () => {
    expect(rewritePrompt(asked(1), 1, "X")).toEqual({ prompt: "X" });
    expect(rewritePrompt(asked(1), 2, "X")).toEqual({ prompts: ["A", "B", "X"] });
  });

  test("the active prompt stays active when another one goes", () => {
    expect(dropPrompt(asked(2), 0)).toMatchObject({ prompts: ["B", "C"], active: 1, prompt: "C" });
    expect(dropPrompt(asked(0), 2)).toMatchObject({ prompts: ["A", "B"], active: 0, prompt: "A" });
    expect(dropPrompt(asked(2), 2)).toMatchObject({ active: 1, prompt: "B", selected_words: [] });
  });

  test("the subtracted prompt goes on being subtracted, unless it is the one that goes or is chosen", () => {
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

  test("the one with its text, wherever it stands", () => {
    expect(rows({ prompts: ["B"] })).toEqual([b]);
    expect(rows({ prompts: ["A", "X", "B"] })).toEqual([a, null, b]);
  });

  test("the active prompt's newest text counts", () => {
    expect(rows({ prompts: ["A", "B"], active: 1, prompt: "X" })).toEqual([a, null]);
  });
});
