// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Synced } from "../../src/state/synced";
import { payload } from "../fixtures";
import { click, fakeCanvas, frame, open, painted, point, press } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const CAPTION = "a dog in snow.";
const live = (state: Partial<Synced> = {}) => {
  const page = open({ live: true, prompt: CAPTION, prompts: [CAPTION], ...state });
  const field = page.one(".gradeclip-line textarea") as HTMLTextAreaElement;
  const pencil = page.one('[aria-label^="Edit the prompt"]');
  const type = (text: string) => {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const choices = () => page.all(".gradeclip-menu button");
  const choose = (label: string) => click(choices().find((item) => item.textContent === label)!);
  const menuOf = (k: number) =>
    page.word(k).dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
  return { ...page, field, pencil, type, choices, choose, menuOf };
};
const answer = (words: string[], cosine = 0.5) =>
  payload({ words, header: { score: { ...payload().header.score, cosine } } });

describe("editing the caption", () => {
  test("the pencil turns it into a field with its text; Enter submits at once and shows words again", async () => {
    const { model, field, pencil, type, one } = live();
    expect(field.hidden).toBe(true);
    click(pencil);
    expect(document.activeElement).toBe(field);
    expect(field.value).toBe(CAPTION);
    type("a cat in snow.");
    press(field, "Enter");
    expect(model.get("prompt")).toBe("a cat in snow.");
    expect(field.hidden).toBe(true);
    expect(document.activeElement).toBe(pencil);
    await frame();
    expect(one(".gradeclip-caption").textContent).toBe("a cat in snow.");
  });

  test("a pause of 250 ms submits, each key restarts it, and blank text is not submitted", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { model, pencil, type, field } = live();
    click(pencil);
    type("a cat");
    vi.advanceTimersByTime(249);
    type("a cat in");
    vi.advanceTimersByTime(249);
    expect(model.get("prompt")).toBe(CAPTION);
    vi.advanceTimersByTime(1);
    expect(model.get("prompt")).toBe("a cat in");
    type("  ");
    vi.advanceTimersByTime(300);
    expect(model.get("prompt")).toBe("a cat in");
    expect(field.hidden).toBe(false);
  });

  test("Esc undoes the request and keeps the selected words and region", () => {
    const { model, pencil, type, field } = live({ selected_words: [1] });
    click(pencil);
    type("a cat");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    model.set("prompt", "a cat"); // as after a pause
    press(field, "Escape");
    expect(model.get("prompt")).toBe(CAPTION);
    expect(model.get("selected_words")).toEqual([1]);
    expect(field.hidden).toBe(true);
  });

  test("leaving the field submits its text", () => {
    const { model, pencil, type, field } = live();
    click(pencil);
    type("a bird\nin snow");
    field.dispatchEvent(new FocusEvent("blur"));
    expect(model.get("prompt")).toBe("a bird in snow");
  });

  test("Enter that ends an input method's word does not end the edit", () => {
    const { model, pencil, type, field } = live();
    click(pencil);
    type("猫");
    press(field, "Enter", { isComposing: true });
    expect(field.hidden).toBe(false);
    expect(model.get("prompt")).toBe(CAPTION);
  });

  test("a result that arrives during typing leaves text, caret and focus unchanged", async () => {
    const { model, pencil, type, field } = live();
    click(pencil);
    type("a cat in the snow");
    field.setSelectionRange(3, 5);
    model.set("_payloads", [answer(["a", "bird"])]);
    await frame();
    expect(field.value).toBe("a cat in the snow");
    expect([field.selectionStart, field.selectionEnd]).toEqual([3, 5]);
    expect(document.activeElement).toBe(field);
  });

  test("F2 anywhere and a double click on free space start it too", () => {
    const { word, field, one, stage } = live();
    for (const at of [word(1), stage, one(".gradeclip-settings-button")]) {
      press(at, "F2");
      expect(field.hidden).toBe(false);
      press(field, "Escape");
    }
    one(".gradeclip-caption").dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    expect(field.hidden).toBe(false);
  });

  test.each<Partial<Synced>>([{ live: false }, { controls: ["versus"] }])(
    "is not offered with %o",
    async (state) => {
      const { pencil, word, field, menuOf, choices, one } = live({ selected_words: [1], ...state });
      expect(pencil.hidden).toBe(true);
      press(word(1), "F2");
      expect(field.hidden).toBe(true);
      menuOf(1);
      expect(choices()).toHaveLength(0);
      expect(one(".gradeclip-handle")).toBeUndefined();
    },
  );
});

describe("a caption that is being computed", () => {
  test("only changed words lose their maps", async () => {
    const { model, word } = live();
    model.set("prompt", "a small dog in snow.");
    await frame();
    expect(word(1).textContent).toBe("small");
    expect(word(1).className).toContain("is-pending");
    expect(word(2).className).not.toContain("is-pending");
    const paints = painted.length;
    point(word(1), "pointerover");
    click(word(1));
    await frame();
    expect(painted).toHaveLength(paints);
    point(word(2), "pointerover");
    await frame();
    expect(model.get("hovered_word")).toBe(1); // "dog" of the shown explanation
    expect(painted.length).toBeGreaterThan(paints);
  });

  test("keeps the focus", async () => {
    const { model, word } = live();
    word(3).focus();
    model.set("prompt", "a cat in snow.");
    await frame();
    expect(document.activeElement).toBe(word(3));
    model.set("_payloads", [answer(["a", "cat", "in", "snow"])]);
    await frame();
    expect(document.activeElement).toBe(word(3));
    expect(word(1).className).not.toContain("is-pending");
  });

  test("the score is marked as old, then its change is shown", async () => {
    const { model, one } = live();
    model.set("prompt", "a cat in snow.");
    await frame();
    expect(one(".gradeclip-score").className).toContain("is-stale");
    model.set("_payloads", [answer(["a", "cat", "in", "snow"], 0.2)]);
    await frame();
    expect(one(".gradeclip-score").className).not.toContain("is-stale");
    expect(one(".gradeclip-change").textContent).toBe("−0.142");
    expect(one(".gradeclip-spoken[role=status]").textContent).toBe("a cat in snow.: score 0.200.");
  });
});

describe("a word's menu", () => {
  test.each([
    ["Remove", "a in snow."],
    ["Negate", "no dog in snow."],
    ["Explain alone", "dog"],
  ])("%s asks for “%s”", (label, prompt) => {
    const { model, menuOf, choose } = live({ selected_words: [1] });
    menuOf(1);
    choose(label);
    expect(model.get("prompt")).toBe(prompt);
    expect(model.get("selected_words")).toEqual([]);
  });

  test("Replace edits the caption with the word selected", () => {
    const { menuOf, choose, field } = live();
    menuOf(1);
    choose("Replace …");
    expect(field.value.slice(field.selectionStart, field.selectionEnd)).toBe("dog");
    expect(document.activeElement).toBe(field);
  });

  test("opens from the handle of a single pinned word, and arrows move in it", async () => {
    const { word, one, all, choices } = live();
    click(word(1));
    await frame();
    click(one(".gradeclip-handle"));
    expect(document.activeElement).toBe(choices()[0]);
    press(choices()[0], "ArrowUp");
    expect(document.activeElement).toBe(choices()[3]);
    press(choices()[3], "Escape");
    expect(choices()).toHaveLength(0);
    expect(document.activeElement).toBe(one(".gradeclip-handle"));
    expect(word(1).getAttribute("aria-pressed")).toBe("true"); // Esc closed the menu and nothing else
    click(word(3), { shiftKey: true });
    await frame();
    expect(all(".gradeclip-handle")).toHaveLength(0);
  });

  test("returns the focus to a word, also when the caption is rebuilt", async () => {
    const { model, menuOf, choices, word } = live();
    menuOf(2);
    model.set("_payloads", [answer(["a", "dog", "in", "rain"])]);
    await frame();
    press(choices()[0], "Escape");
    expect(document.activeElement).toBe(word(2));
  });

  test("does not offer to remove the only word", () => {
    const { menuOf, choices } = live({ _payloads: [answer(["dog"])], prompt: "dog." });
    menuOf(0);
    expect(choices().map((item) => item.textContent)).toEqual(["Replace …", "Negate"]);
  });
});
