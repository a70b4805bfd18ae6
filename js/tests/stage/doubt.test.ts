// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { payload } from "../fixtures";
import { click, fakeCanvas, frame, LiveModel, open, painted, point } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const ascending = (from: number, to: number) =>
  Array.from({ length: 200 }, (_, k) => from + ((to - from) * k) / 199);
const foreign = payload({ header: { foreign: { model: "ViT-B-16/openai", megabytes: 599 } } });

describe("whether picture and sentence match", () => {
  const match = (unrelated: number[] | null) => open({ _payloads: [payload({ header: { unrelated } })] });

  test("is described below the score, and shown as a mark on a scale", () => {
    const { one } = match(ascending(-0.1, 0.1));
    expect(one(".gradeclip-match p").textContent).toBe(
      "higher than all 200 unrelated sentences (gray: nine in ten of them)",
    );
    const numbers = [...one(".gradeclip-match-numbers").children].map((number) => number.textContent);
    expect(numbers).toEqual(["−0.090", "0.090", "0.342"]); // the ends of the gray, and this score
    const right = (part: HTMLElement) =>
      Number.parseFloat(part.style.left) + Number.parseFloat(part.style.width || "0");
    expect(right(one(".gradeclip-mark:not(.is-other)"))).toBeGreaterThan(right(one(".gradeclip-unrelated")));
    expect(one(".gradeclip").className).not.toMatch(/is-weak/);
    expect(one(".gradeclip-badge").hidden).toBe(true);
  });

  test("without a match the whole picture is pale, with a message", () => {
    const { one } = match(ascending(0.2, 0.5));
    expect(one(".gradeclip-match").textContent).toContain("no better than an unrelated sentence");
    expect(one(".gradeclip").className).toMatch(/is-weak/);
    expect(one(".gradeclip-badge").textContent).toBe("The picture does not support this sentence");
  });

  test("above only nine in ten of them, the picture hardly supports it", () => {
    const { one } = match([...ascending(-0.1, 0.1), 0.9, 0.9, 0.9, 0.9, 0.9, 0.9]);
    expect(one(".gradeclip-match").textContent).toContain("little better than an unrelated sentence");
    expect(one(".gradeclip-badge").textContent).toBe("The picture hardly supports this sentence");
  });

  test("may be known later than the explanation; its place is kept until then", async () => {
    const { one, model } = open({}, new LiveModel());
    expect([one(".gradeclip-match").hidden, one(".gradeclip-match").className]).toEqual([
      false,
      expect.stringMatching(/is-unknown/),
    ]);
    model.set("unrelated", [ascending(0.2, 0.5)]);
    await frame();
    expect(one(".gradeclip-match").className).not.toMatch(/is-unknown/);
    expect(one(".gradeclip-badge").textContent).toBe("The picture does not support this sentence");
  });

  test("is not described if it will not be computed", () => {
    expect(match(null).one(".gradeclip-match").hidden).toBe(true);
    document.body.replaceChildren();
    const { one } = open({}, new LiveModel({ match_scale: false }));
    expect(one(".gradeclip-match").hidden).toBe(true);
  });

  test("is described for both sentences of a difference", () => {
    const raw = (cosine: number) =>
      payload({
        header: {
          unrelated: ascending(0, 0.3),
          score: { cosine, logit: null, scale: null, bias: null, probability: null },
        },
      });
    const { all } = open({ _payloads: [raw(0.4), raw(0.1)], versus: 1 });
    expect(all(".gradeclip-match p").map((line) => line.textContent)).toEqual([
      expect.stringMatching(/^this: higher than all 200 unrelated sentences/),
      expect.stringContaining("no better than an unrelated sentence"),
    ]);
    expect(all(".gradeclip-mark").every((mark) => !mark.hidden)).toBe(true);
  });
});

describe("a picture unlike what the model was trained on", () => {
  test("has a warning over it, for screen readers too, with the line to type", () => {
    const { one } = open({ _payloads: [foreign] });
    const banner = one(".gradeclip-banner");
    expect(banner.getAttribute("role")).toBe("status");
    expect(banner.querySelector("strong")!.textContent).toBe(
      "This model knows drawings only, and this picture is unlike them: the map means nothing.",
    );
    expect(one(".gradeclip-use").hidden).toBe(true);
    expect(banner.textContent).toContain('For photographs: model="ViT-B-16/openai"');
    expect(one(".gradeclip").className).toMatch(/is-foreign/);
  });

  test("offers the model for photographs if there is a kernel", async () => {
    const { one, model } = open({}, new LiveModel({ _payloads: [foreign] }));
    expect(one(".gradeclip-use").textContent).toBe("Use ViT-B-16/openai (download of 599 MB)");
    click(one(".gradeclip-use"));
    await frame();
    expect(model.get("model")).toBe("ViT-B-16/openai");
  });

  test("offers no model if its control is hidden", () => {
    const { one } = open({}, new LiveModel({ _payloads: [foreign], controls: ["reading"] }));
    expect(one(".gradeclip-use").hidden).toBe(true);
  });

  test("has no warning otherwise", () => {
    const { one } = open();
    expect([one(".gradeclip-banner").textContent, one(".gradeclip-use").hidden]).toEqual(["", true]);
  });
});

describe("a word that matters little", () => {
  const alpha = () => Math.max(...Array.from(painted.at(-1)!, (pixel) => pixel >>> 24));

  test("is painted faintly, and the legend compares it with the strongest word", async () => {
    const { word, one } = open({ _payloads: [payload({ importance: [0.012, 0.4, 0.2, 0.1] })] });
    point(word(1), "pointerover");
    await frame();
    const strong = alpha();
    point(word(0), "pointerover");
    await frame();
    expect(strong).toBe(255);
    expect(alpha()).toBeLessThan(40); // little more than what lies over a picture without evidence
    expect(one(".gradeclip-what").textContent).toBe("aalmost nothing here (3 % of “dog”)");
  });

  test("that lowers the score shows the evidence against it", async () => {
    const { word, one } = open({ _payloads: [payload({ importance: [0.1, -0.3, 0.2, 0.1] })] });
    point(word(1), "pointerover");
    await frame();
    expect(one(".gradeclip-who").textContent).toBe("against “dog”");
    const [pixel] = painted.at(-1)!; // a corner, which is against it
    expect((pixel >> 16) & 255).toBeGreaterThan((pixel >> 8) & 255); // purple: more blue than green
  });

  test("and is unknown shows nothing but a badge", async () => {
    const raw = payload({ importance: [0, 0.3, 0.2, 0.1], flags: [{ known: false }] });
    const { word, one } = open({ _payloads: [raw] });
    point(word(0), "pointerover");
    await frame();
    expect(new Set(painted.at(-1)!).size).toBe(1);
    expect(one(".gradeclip-badge").textContent).toBe(
      "Not in this model’s vocabulary: “a”. Its map means nothing.",
    );
    expect(one(".gradeclip-contour").getAttribute("d")).toBe("");
  });
});

describe("an attribute", () => {
  const rows = [-1, 2, 3, -1].map((v, k) => (k === 1 || k === 2 ? [0, v, 0, 0, 0, 0] : Array(6).fill(v)));
  const raw = payload({ words: ["a", "red", "circle", "here"], rows, importance: [0, 0.2, 0.3, 0] });

  test("is shown and pinned with its thing, and unpinned by the same click", async () => {
    const { word, one, model } = open({ _payloads: [raw] });
    point(word(1), "pointerover");
    await frame();
    expect(one(".gradeclip-who").textContent).toBe("red circle");
    click(word(1));
    await frame();
    expect(model.get("selected_words")).toEqual([1, 2]);
    click(word(1));
    await frame();
    expect(model.get("selected_words")).toEqual([]);
    click(word(2)); // the thing by itself
    await frame();
    expect(model.get("selected_words")).toEqual([2]);
  });
});
