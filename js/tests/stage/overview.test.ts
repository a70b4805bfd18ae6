// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { payload } from "../fixtures";
import { change, fakeCanvas, frame, open, painted, point, samePixels } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const HUES = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7"];
const some = payload({ importance: [0.01, 0.4, 0.02, 0.1] }); // "dog" and "snow" count
const hue = (element: HTMLElement) => element.style.getPropertyValue("--hue");

describe("while no word is hovered", () => {
  test("the words that count have colors: in the picture, in the caption, in the legend and in the bars", () => {
    const { all, word, bars } = open({ _payloads: [some] });
    expect(all(".gradeclip-outline").map((line) => line.style.stroke)).toEqual([HUES[1], HUES[0]]);
    const chips = all(".gradeclip-chip");
    expect(chips.map((chip) => [chip.textContent, hue(chip)])).toEqual([
      ["dog", HUES[0]],
      ["snow", HUES[1]],
    ]);
    expect([0, 1, 2, 3].map((k) => hue(word(k)))).toEqual(["", HUES[0], "", HUES[1]]);
    expect(word(0).style.getPropertyValue("--share")).toBe("0.000");
    expect(all(".gradeclip-hues i").map(hue)).toEqual(HUES.slice(0, 2));
    expect(bars().map(hue)).toEqual([HUES[0], HUES[1]]);
  });

  test("the legend explains the colors and has each word's contribution", () => {
    const { one, all } = open({ _payloads: [some] });
    expect(one(".gradeclip-together").textContent).toMatch(/^Color: where each word is seen/);
    expect(all(".gradeclip-hues > span").map((key) => key.textContent)).toEqual(["dog0.400", "snow0.100"]);
    expect(one(".gradeclip-one").hidden).toBe(true);
  });

  test("highlights without a color share one entry, and their outlines are faint", () => {
    const importance = [8, 7, 6, 5, 4, 3, 2.5, 2];
    const words = importance.map((_, k) => `w${k}`);
    const { all } = open({ _payloads: [payload({ words, grid: [2, 4], importance })] });
    const keys = all(".gradeclip-hues > span").map((key) => key.textContent);
    expect(keys.slice(-2)).toEqual(["w53.000", "2 more4.500"]);
    const faintest = all(".gradeclip-outlines > g")[0]; // the strongest on top
    expect(faintest.getAttribute("opacity")).toBe("0.50"); // the square root of 2 / 8
    expect(faintest.querySelector<SVGElement>(".gradeclip-outline")!.style.stroke).toBe("#bfc4cc");
  });

  test("each patch of the picture has the color of the word that it contributes most to", () => {
    open({ _payloads: [some] });
    const pixels = painted.at(-1)!;
    const [width, height] = [255, 170];
    const at = (patch: number) => {
      const x = Math.floor(((patch % 3) + 0.5) * (width / 3));
      const y = Math.floor((Math.floor(patch / 3) + 0.5) * (height / 2));
      const pixel = pixels[y * width + x];
      return { red: pixel & 255, green: (pixel >> 8) & 255, blue: (pixel >> 16) & 255, alpha: pixel >>> 24 };
    };
    const [dog, snow, none] = [1, 3, 5].map(at);
    expect(dog.red).toBeGreaterThan(dog.blue + 80); // orange
    expect(snow.blue).toBeGreaterThan(snow.red + 80); // sky blue
    expect(dog.alpha).toBeGreaterThan(snow.alpha); // which brings less
    expect([none.red, none.green, none.blue]).toEqual([0, 0, 0]); // dimmed alone
    expect(none.alpha).toBeLessThan(snow.alpha);
  });

  test("a hovered word is shown alone; leaving it restores all words without painting them again", async () => {
    const { word, one } = open({ _payloads: [some] });
    const together = painted.at(-1);
    point(word(1), "pointerover");
    await frame();
    expect(samePixels(painted.at(-1), together)).toBe(false);
    expect(one(".gradeclip-chips").hidden).toBe(true);
    expect(one(".gradeclip-outlines").hasAttribute("hidden")).toBe(true);
    expect(one(".gradeclip-contour").getAttribute("d")).not.toBe("");
    expect(hue(word(3))).toBe(HUES[1]); // its color stays its own
    point(one(".gradeclip-caption"), "pointerleave");
    await vi.waitFor(() => expect(one(".gradeclip-chips").hidden).toBe(false));
    expect(samePixels(painted.at(-1), together)).toBe(true);
  });

  test("there are no outlines without contours", () => {
    const { one } = open({ contour: false });
    expect(one(".gradeclip-outlines").hasAttribute("hidden")).toBe(true);
  });
});

test("a word keeps its color by every measure, reading, sign and method, and the legend has the order of the bars", async () => {
  const { bars, all, model, word } = open({
    _payloads: [payload({ importance: [0.3, 0.1, 0, 0.4], shares: [0, 0.5, 0.4, 0.2] })],
  });
  const colors = () => [0, 1, 2, 3].map((k) => hue(word(k)));
  const legend = () => all(".gradeclip-hues bdi").map((name) => name.textContent);
  expect(colors()).toEqual([HUES[0], HUES[1], "", HUES[2]]);
  expect(legend()).toEqual(["snow", "a", "dog"]);
  model.set("importance", "grad-eclip");
  await frame();
  expect(colors()).toEqual(["", HUES[1], HUES[3], HUES[2]]);
  expect(legend()).toEqual(["dog", "in", "snow"]);
  expect(bars().map(hue)).toEqual([HUES[1], HUES[3], HUES[2], ""]);
  model.set("importance", "");
  for (const state of [{ reading: "alone" }, { sign: "negative" }, { overview: "caption" }] as const) {
    for (const [key, value] of Object.entries(state)) model.set(key as "reading", value as string);
    await frame();
    expect(colors()).toEqual([HUES[0], HUES[1], "", HUES[2]]);
  }
});

describe("the map along the whole sentence", () => {
  test("is chosen by one click and named correctly", async () => {
    const { radio, model, one, word } = open({ _payloads: [some] });
    const together = painted.at(-1);
    change(radio("Whole sentence"));
    await frame();
    expect(model.get("overview")).toBe("caption");
    expect(samePixels(painted.at(-1), together)).toBe(false);
    expect(one(".gradeclip-what").textContent).toBe("whole sentencemap by Grad-ECLIP");
    expect(hue(word(1))).toBe(HUES[0]); // its color stays its own
    change(radio("All words"));
    await frame();
    expect(samePixels(painted.at(-1), together)).toBe(true);
  });

  test("is shown for evidence against, until the words are chosen again", async () => {
    const { radio, model } = open({ sign: "negative" });
    expect(radio("Whole sentence").checked).toBe(true);
    change(radio("All words"));
    await frame();
    expect([model.get("overview"), model.get("sign")]).toEqual(["words", "positive"]);
    expect(radio("All words").checked).toBe(true);
  });

  test("is the only choice in reference mode", () => {
    const { one } = open({ _payloads: [payload({ header: { reference: true } })] });
    expect(one(".gradeclip-overview").hidden).toBe(true);
    expect(one(".gradeclip-what").textContent).toBe("whole sentencemap by Grad-ECLIP");
  });

  test("while a word is pinned the choice is that word, and another choice unpins it", async () => {
    const { radio, model, all } = open({ _payloads: [some], selected_words: [1] });
    expect(radio("Only “dog”").checked).toBe(true);
    change(radio("All words"));
    await frame();
    expect(model.get("selected_words")).toEqual([]);
    expect(all(".gradeclip-overview label").map((label) => label.textContent)).toEqual([
      "All words",
      "Whole sentence",
    ]);
    expect(radio("All words").checked).toBe(true);
  });

  test("can be hidden by the controls trait", () => {
    expect(open({ controls: ["reading"] }).one(".gradeclip-overview").hidden).toBe(true);
  });
});
