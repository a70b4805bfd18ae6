// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { barsOf, formatLayer } from "../../src/controls/layers";
import { blockExplanation, phraseMap } from "../../src/core/arithmetic";
import { decodeDepth, decodePayload } from "../../src/core/decode";
import { importanceOf, regionWords } from "../../src/core/evidence";
import { formatValue } from "../../src/core/format";
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
    const { model, one } = open({}, new LiveModel());
    const button = one(".gradeclip-layers button");
    expect(one(".gradeclip-towers").hidden).toBe(true);
    click(button);
    await frame();
    expect(model.get("depth")).toBe(true);
    expect(button.getAttribute("aria-pressed")).toBe("true");
    expect(one(".gradeclip-waiting").textContent).toContain("Computing");
    expect(one(".gradeclip-tower").hidden).toBe(true);
  });

  test("have a message if there are none, as for a method without blocks", async () => {
    const { model, one } = open({}, new LiveModel({ depth: true }));
    model.set("status", "error");
    await frame();
    expect(one(".gradeclip-waiting").textContent).toMatch(/^There are no maps of single layers/);
    model.set("_methods", [{ name: "grad-cam", label: "Grad-CAM", blocks: false }]);
    model.set("method", "grad-cam");
    model.set("status", "ready");
    await frame();
    expect(one(".gradeclip-waiting").textContent).toMatch(/^There are no maps of single layers/);
  });

  test("show a block's map for the caption and for a hovered word, and at the end of the slider all explained blocks", async () => {
    const { control, model, one, word } = deep();
    const slider = control("Image layer");
    expect([slider.max, slider.value]).toEqual(["3", "3"]);
    expect(slider.getAttribute("aria-valuetext")).toBe("off: the maps are of the last of 3 layers");
    await slide(slider, 0);
    expect([model.get("image_block"), model.get("text_block")]).toEqual([0, null]);
    expect(slider.getAttribute("aria-valuetext")).toBe(
      "image layer 1 of 3: its attention adds 0.100 to the score",
    );
    expect(one(".gradeclip-what").textContent).toBe("whole sentenceimage layer 1");
    const [caption, snow] = [maps.image[0].caption, maps.image[0].words.slice(18, 24)];
    expect(strongest(one)).toBe(inParts(caption, 0.1)); // of what the layer brings to the score
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
    await slide(control("Text layer"), 0);
    expect([model.get("image_block"), model.get("text_block")]).toEqual([null, 0]);
    expect(control("Image layer").value).toBe("3");
  });

  test("of a text block tint and rank the words by it", async () => {
    const { bars, control, one } = deep();
    await slide(control("Text layer"), 1);
    expect(bars().map((row) => row.querySelector("em")!.textContent)).toEqual([
      "0.445",
      "0.411",
      "0.376",
      "0.342",
    ]);
    expect(one(".gradeclip-word").style.getPropertyValue("--share")).toBe("0.877"); // the square root of 1 / 1.3
  });

  test("keep the slider, and the focus on it, while it moves", async () => {
    const { control, one } = deep();
    click(one(".gradeclip-settings-button"));
    await frame();
    const slider = control("Image layer");
    slider.focus();
    await slide(slider, 1);
    expect(document.activeElement).toBe(slider);
  });

  test("another reading leaves the single block", async () => {
    const { radio, model } = deep({ image_block: 1 });
    change(radio("alone"));
    await frame();
    expect([model.get("reading"), model.get("image_block")]).toEqual(["alone", null]);
  });

  test("work in a page without a kernel that has their maps, and are hidden in one that has not", () => {
    expect(open({ depth: true, _depth: depth() }).one(".gradeclip-towers").hidden).toBe(false);
    document.body.replaceChildren();
    expect(open().one(".gradeclip-layers").hidden).toBe(true);
  });

  test("are not offered for a model whose image tower has one", () => {
    const blocks = { image: [0.1], text: [0.1, 0.2], image_layers: 1, text_layers: 2 };
    const model = new LiveModel({ _payloads: [payload({ header: { blocks } })] });
    expect(open({}, model).one(".gradeclip-layers").hidden).toBe(true);
  });
});

describe("bars of blocks", () => {
  test("have a common zero", () => {
    expect(barsOf([2, -1], 31)).toEqual([
      { y: 0, height: 20 },
      { y: 20, height: 10 },
    ]);
  });

  test("name the layers of the maps, and what the attention of one adds", () => {
    const name = (layer: number | null, explained = 1, shares = [0.1, -0.2]) =>
      formatLayer("text", layer, shares, explained, 2);
    expect(name(null)).toBe("off: the maps are of the last of 2 layers");
    expect(name(null, 2)).toBe("off: the maps are of all 2 layers");
    expect(formatLayer("image", null, [], 3, 12)).toBe("off: the maps are of the last 3 of 12 layers");
    expect(name(1)).toBe("text layer 2 of 2: its attention takes 0.200 from the score");
    expect(name(1, 1, [])).toBe("text layer 2 of 2");
  });
});
