// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Synced } from "../../src/state/synced";
import { payload } from "../fixtures";
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
  const button = (name: string) =>
    page.all("button").find((e) => [e.textContent, e.getAttribute("aria-label")].includes(name))!;
  const field = page.one(".gradeclip-compare textarea") as HTMLTextAreaElement;
  const enter = (text: string) => {
    field.value = text;
    press(field, "Enter");
  };
  return { ...page, rows, button, field, enter };
}

describe("prompts side by side", () => {
  test("have score and probability", () => {
    const { rows } = compare();
    expect(rows().map((row) => [...row.querySelectorAll("em")].map((em) => em.textContent))).toEqual([
      ["0.310", "73 %"],
      ["0.300", "27 %"],
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

  test("have no probability if one has no logit", () => {
    const { rows } = compare({ _payloads: [RED, answer(["a", "blue", "car"], 0.3, null)] });
    expect(rows()[0].querySelectorAll("em")[1].textContent).toBe("");
  });

  test("another one is entered in a field that begins with the chosen one", () => {
    const { model, button, field, enter } = compare();
    click(button("Compare with another prompt"));
    expect(field.value).toBe("a red car");
    expect([field.selectionStart, field.selectionEnd]).toEqual([0, 9]);
    enter("a green car");
    expect(model.get("prompts")).toEqual(["a red car", "a blue car", "a green car"]);
    expect(document.activeElement).toBe(button("Compare with another prompt"));
  });

  test("one that is not explained yet has a row without numbers", async () => {
    const { model, rows } = compare();
    model.set("prompts", ["a red car", "a blue car", "a green car"]);
    await frame();
    expect(rows()[2].textContent).toBe("a green car…");
    expect(rows()[2].className).toContain("is-pending");
    expect(rows()[0].querySelector("em")!.textContent).toBe("0.310");
    model.set("status", "error"); // it could not be explained
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

  test("without a kernel prompts cannot be added, edited or removed, but subtracted", () => {
    const { button } = compare({ live: false });
    for (const name of ["Compare with another prompt", "Edit “a red car”", "Remove “a red car”"]) {
      expect(button(name).hidden).toBe(true);
    }
    expect(button("Subtract “a blue car”").hidden).toBe(false);
  });

  test("the controls trait can hide them", () => {
    const { one, button } = compare({ controls: ["prompt"] });
    expect(one(".gradeclip-compare").hidden).toBe(true);
    expect(button("Compare with another prompt").hidden).toBe(true);
  });
});

describe("the difference view", () => {
  test("shows both signs, the difference of the scores and the words of both, until it is ended", async () => {
    const { model, one, button, bars } = compare({ live: false, sign: "negative" });
    click(button("Subtract “a blue car”"));
    await frame();
    expect(model.get("versus")).toBe(1);
    expect(model.get("sign")).toBe("both");
    expect(button("Subtract “a blue car”").getAttribute("aria-pressed")).toBe("true");
    expect(one(".gradeclip-what").textContent).toBe("orange: speaks for “red” · purple: for “blue”");
    expect(one(".gradeclip-score").textContent).toContain("difference +0.010");
    const fold = one(".gradeclip-fold");
    expect(fold.textContent).toBe("2 other words"); // what both have alike
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

  test("ends when its row is removed", async () => {
    const { model, button } = compare({ sign: "negative" });
    click(button("Subtract “a blue car”"));
    await frame();
    click(button("Remove “a blue car”"));
    await frame();
    expect(model.get("versus")).toBeNull();
    expect(model.get("sign")).toBe("negative");
  });
});
