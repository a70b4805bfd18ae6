// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { payload } from "../fixtures";
import { click, fakeCanvas, frame, open, painted, point, press, samePixels } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

describe("words", () => {
  test("hovering a word paints its map, and leaving it the words together again", async () => {
    const { word, one, model } = open();
    const whole = painted.at(-1);
    point(word(1), "pointerover");
    await frame();
    expect(model.get("hovered_word")).toBe(1);
    expect(samePixels(painted.at(-1), whole)).toBe(false);
    expect(one(".gradeclip-legend").textContent).toContain("dog");
    point(one(".gradeclip-caption"), "pointerleave");
    await vi.waitFor(() => expect(samePixels(painted.at(-1), whole)).toBe(true));
    expect(one(".gradeclip-together").hidden).toBe(false);
  });

  test("focusing a word by keyboard previews it as hovering does", async () => {
    const { word, model } = open();
    press(document.body, "Tab");
    word(0).focus();
    press(word(0), "ArrowRight");
    expect(document.activeElement).toBe(word(1));
    await frame();
    expect(model.get("hovered_word")).toBe(1);
  });

  test("a click pins a word, a second click unpins it", async () => {
    const { word, model } = open();
    click(word(3));
    await frame();
    expect(model.get("selected_words")).toEqual([3]);
    expect(word(3).getAttribute("aria-pressed")).toBe("true");
    click(word(3));
    await frame();
    expect(model.get("selected_words")).toEqual([]);
    expect(word(3).getAttribute("aria-pressed")).toBe("false");
  });

  test("shift-click adds to the phrase", async () => {
    const { word, model, one } = open();
    click(word(3));
    point(word(1), "pointerover");
    click(word(1), { shiftKey: true });
    await frame();
    expect(model.get("selected_words")).toEqual([1, 3]);
    expect(one(".gradeclip-who").textContent).toBe("dog + snow"); // though the pointer still lies on a word
  });

  test("Esc clears words and region", async () => {
    const { word, model } = open({ region: { kind: "box", box: [0, 0, 20, 20] }, selected_words: [1] });
    press(word(1), "Escape");
    await frame();
    expect(model.get("selected_words")).toEqual([]);
    expect(model.get("region")).toBeNull();
  });

  test("hovering never rebuilds the caption or the bars", async () => {
    const { word, all } = open();
    const before = [...all(".gradeclip-word"), ...all(".gradeclip-bar")];
    for (const k of [0, 1, 2, 3]) {
      point(word(k), "pointerover");
      await frame();
    }
    expect([...all(".gradeclip-word"), ...all(".gradeclip-bar")]).toEqual(before);
  });

  test("hovers are sent to Python once per frame, however fast the pointer moves", async () => {
    const { word, model } = open();
    const save = vi.spyOn(model, "save_changes");
    for (const k of [0, 1, 2, 3]) point(word(k), "pointerover");
    await frame();
    expect(save).toHaveBeenCalledTimes(1);
    expect(model.get("hovered_word")).toBe(3);
  });

  test("truncated and unknown words are marked", () => {
    const notes = ["“snow” lies past the 77 tokens this model reads."];
    const raw = payload({ flags: [{}, { known: false }, {}, { truncated: true }], header: { notes } });
    const { word, one } = open({ _payloads: [raw] });
    expect(word(1).className).toContain("is-unknown");
    expect(word(1).getAttribute("aria-description")).toBe(
      "not in this model’s vocabulary; its map means nothing",
    );
    expect(word(3).className).toContain("is-truncated");
    expect(word(3).getAttribute("aria-description")).toBe(notes[0]);
    expect(one(".gradeclip-notes").textContent).toBe(notes[0]);
  });

  test("right-to-left neighbors share a run of their own", () => {
    const raw = payload({ words: ["see", "عين", "الأسد", "here"] });
    const { one } = open({ _payloads: [raw] });
    expect(one(".gradeclip-caption [dir=rtl]").textContent).toBe("عين الأسد");
    expect(one(".gradeclip-caption").textContent).toBe("see عين الأسد here.");
  });

  test("captions are never parsed as HTML", async () => {
    const evil = "</script><img src=x onerror=alert(1)>";
    const raw = payload({
      words: ["a", evil, "in", "snow"],
      header: { notes: [evil], model: evil, method: evil },
    });
    const { word, host, all } = open({ _payloads: [raw, raw], error: evil, status: "error" });
    point(word(1), "pointerover");
    click(word(1));
    await frame();
    expect(word(1).textContent).toBe(evil);
    expect(all("img")).toHaveLength(1); // the picture
    expect(host.querySelector("script, [onerror]")).toBeNull();
  });
});
