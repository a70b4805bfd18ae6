// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { blockExplanation, phraseMap } from "../../src/core/arithmetic";
import { decodeDepth, decodePayload } from "../../src/core/decode";
import { importanceOf, regionWords } from "../../src/core/evidence";
import { formatValue } from "../../src/core/format";
import { barsOf, formatBlock, formatExplained } from "../../src/panel/blocks";
import { depth, payload } from "../fixtures";
import { change, click, fakeCanvas, frame, LiveModel, open, point } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const e = decodePayload(payload());
const maps = decodeDepth(depth(), e)!;
const sum = (arrays: Float32Array[]) =>
  [...arrays[0]].map((_, i) => arrays.reduce((total, array) => total + array[i], 0));

describe("maps of single blocks", () => {
  test("add up to the explanation's map, over either tower", () => {
    const words = [...e.readings.get("in caption")!];
    for (const [k, v] of sum(maps.image.map((block) => block.words)).entries())
      expect(v).toBeCloseTo(words[k], 5);
    for (const [k, v] of sum(maps.text.map((block) => block.words)).entries())
      expect(v).toBeCloseTo(words[k], 5);
    const captions = sum(maps.image.map((block) => block.caption));
    for (const [k, v] of captions.entries()) expect(v).toBeCloseTo(e.captionMap[k], 5);
  });

  test("of another caption, grid or length are not used", () => {
    expect(decodeDepth({ ...depth(), caption: "a cat" }, e)).toBeNull();
    expect(decodeDepth(depth(payload({ grid: [4, 4] })), e)).toBeNull();
    expect(decodeDepth({ ...depth(), image_blocks: 4 }, e)).toBeNull();
  });

  test("of an image block work like those of any explanation: words, phrases, regions", () => {
    const block = blockExplanation(e, maps, { tower: "image", index: 2 });
    expect([...block.captionMap]).toEqual([...maps.image[2].caption]);
    const whole = phraseMap(e, "in caption", [1, 3]);
    phraseMap(block, "in caption", [1, 3]).forEach((v, i) => {
      expect(v).toBeCloseTo(whole[i] / 2, 5);
    });
    const part = new Float64Array(6).fill(1);
    expect(regionWords(block, "in caption", "", part)[0].word).toBe(
      regionWords(e, "in caption", "", part)[0].word,
    );
  });

  test("of a text block sum over words to the caption's, and have the words' importances", () => {
    const block = blockExplanation(e, maps, { tower: "text", index: 1 });
    const all = phraseMap(block, "in caption", [0, 1, 2, 3]);
    block.captionMap.forEach((v, i) => {
      expect(v).toBeCloseTo(all[i], 5);
    });
    const shares = importanceOf(block).values.map((value) => value / 0.3421); // of the score
    expect(shares.map((share) => Number(share.toFixed(3)))).toEqual([1, 1.1, 1.2, 1.3]);
    expect(importanceOf(e).values[0]).toBe(0.1);
  });
});

/** The number at the strong end of the legend's scale. */
const strongest = (one: (selector: string) => HTMLElement) =>
  [...one(".gradeclip-scale").querySelectorAll(".gradeclip-number")].at(-1)!.textContent;

/** A map's largest value where its positive values sum to a part of the score. */
const inParts = (map: ArrayLike<number>, part: number) => {
  const positive = Array.from(map, (value) => Math.max(value, 0));
  const sum = positive.reduce((a, b) => a + b, 0);
  return formatValue((part * Math.max(...positive)) / sum);
};

describe("the layers", () => {
  const deep = (more = {}) => open({}, new LiveModel({ depth: true, _depth: depth(), ...more }));
  const slide = async (slider: HTMLInputElement, value: number) => {
    slider.value = String(value);
    change(slider, "input");
    await frame();
  };

  test("are requested by a button, with a message until they arrive", async () => {
    const { model, all, one } = open({}, new LiveModel());
    const button = all(".gradeclip-details button")[0];
    expect(one(".gradeclip-layers").hidden).toBe(true);
    click(button);
    await frame();
    expect(model.get("depth")).toBe(true);
    expect(button.getAttribute("aria-pressed")).toBe("true");
    expect(one(".gradeclip-waiting").textContent).toContain("Computing");
    expect(one(".gradeclip-tower").getAttribute("hidden")).toBe(""); // the bars went to the sliders
  });

  test("have a message if there are none, as for a method without blocks", async () => {
    const { model, one } = open({}, new LiveModel({ depth: true }));
    model.set("status", "error");
    await frame();
    expect(one(".gradeclip-waiting").textContent).toMatch(/^There are no maps of single steps/);
    model.set("_methods", [{ name: "grad-cam", label: "Grad-CAM", blocks: false }]);
    model.set("method", "grad-cam");
    model.set("status", "ready");
    await frame();
    expect(one(".gradeclip-waiting").textContent).toMatch(/^There are no maps of single steps/);
  });

  test("show a block's map for the caption and for a hovered word, and at the end of the slider all explained blocks", async () => {
    const { control, model, one, word } = deep();
    const slider = control("Step on the picture side");
    expect([slider.max, slider.value]).toEqual(["3", "3"]);
    expect(slider.getAttribute("aria-valuetext")).toBe("as explained: the last of 3 steps");
    await slide(slider, 0);
    expect([model.get("image_block"), model.get("text_block")]).toEqual([0, null]);
    expect(slider.getAttribute("aria-valuetext")).toBe("step 1 of 3, 0.100 of the score");
    expect(one(".gradeclip-what").textContent).toBe("whole sentencepicture step 1");
    const [caption, snow] = [maps.image[0].caption, maps.image[0].words.slice(18, 24)];
    expect(strongest(one)).toBe(inParts(caption, 0.1)); // of what the step brings to the score
    point(word(1), "pointerover");
    await frame();
    expect(one(".gradeclip-who").textContent).toBe("dog");
    expect(strongest(one)).toBe(inParts(snow, 0.4)); // the strongest word's, of what the score loses without it
    point(one(".gradeclip-caption"), "pointerleave");
    await slide(slider, 3);
    expect(model.get("image_block")).toBeNull();
    await vi.waitFor(() => expect(one(".gradeclip-together").hidden).toBe(false));
  });

  test("show one tower at a time: moving one slider resets the other", async () => {
    const { control, model } = deep({ image_block: 1 });
    await slide(control("Step on the text side"), 0);
    expect([model.get("image_block"), model.get("text_block")]).toEqual([null, 0]);
    expect(control("Step on the picture side").value).toBe("3");
  });

  test("of a text block tint and rank the words by it", async () => {
    const { bars, control, one } = deep();
    await slide(control("Step on the text side"), 1);
    expect(bars().map((row) => row.querySelector("em")!.textContent)).toEqual([
      "0.445",
      "0.411",
      "0.376",
      "0.342",
    ]);
    expect(one(".gradeclip-word").style.getPropertyValue("--share")).toBe("0.769");
  });

  test("keep the slider, and the focus on it, while it moves", async () => {
    const { control } = deep();
    const slider = control("Step on the picture side");
    slider.focus();
    await slide(slider, 1);
    expect(document.activeElement).toBe(slider);
  });

  test("another reading leaves the single block", async () => {
    const { radio, model } = deep({ image_block: 1 });
    change(radio("On its own"));
    await frame();
    expect([model.get("reading"), model.get("image_block")]).toEqual(["alone", null]);
  });

  test("work in a page without a kernel that has their maps, and are hidden in one that has not", () => {
    expect(open({ depth: true, _depth: depth() }).one(".gradeclip-layers").hidden).toBe(false);
    document.body.replaceChildren();
    expect(open().all(".gradeclip-details button")[0].hidden).toBe(true);
  });
});

describe("bars of blocks", () => {
  test("have a common zero", () => {
    expect(barsOf([2, -1], 31)).toEqual([
      { y: 0, height: 20 },
      { y: 20, height: 10 },
    ]);
  });

  test("name the explained blocks, and a block's share", () => {
    expect([
      formatExplained(12, 12),
      formatExplained(1, 12),
      formatExplained(3, 12),
      formatExplained(1, 1),
    ]).toEqual(["all 12 steps", "the last of 12 steps", "the last 3 of 12 steps", "its one step"]);
    expect(formatBlock(null, [0.1, 0.2], 1, 2)).toBe("as explained: the last of 2 steps");
    expect(formatBlock(1, [0.1, 0.2], 1, 2)).toBe("step 2 of 2, 0.200 of the score");
    expect(formatBlock(1, [], 1, 2)).toBe("step 2 of 2");
  });
});
