// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { payload } from "../fixtures";
import { click, fakeCanvas, frame, open } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const score = (cosine: number) => ({ cosine, logit: null, scale: null, bias: null, probability: null });
/** "a green circle and a blue square" where the circle is red. */
const wrong = (header = {}) =>
  payload({
    words: ["a", "green", "circle", "and", "a", "square"],
    grid: [2, 3],
    adding: { base: 0.301, values: [0.002, -0.126, 0.138, 0.001, 0.001, 0.159] },
    importance: [0, -0.055, 0.1, 0, 0, 0.2],
    flags: [{ small: true }, {}, {}, { small: true }, { small: true }, {}],
    header: { score: score(0.476), ...header },
  });
const number = (text: string | null) => Number(text!.replace("−", "-"));
const at = (element: HTMLElement | null, side: "left" | "width") => Number.parseFloat(element!.style[side]);

describe("the bars of a measure that adds up", () => {
  test("lead from the empty sentence to this one, first words that raise the score, then those that lower it", () => {
    const { bars, sums, one } = open({ _payloads: [wrong()] });
    expect(one(".gradeclip-heading").textContent).toBe("What each word adds");
    expect(one(".gradeclip-key").textContent).toBe("from an empty sentence (0.301) to 0.476");
    expect(bars().map((row) => row.textContent)).toEqual(["square+0.159", "circle+0.138", "green−0.126"]);
    expect(sums()).toEqual([
      ["empty sentence", "0.301"],
      ["3 small words", "+0.004"],
      ["this sentence", "0.476"],
    ]);
  });

  test("show numbers that add up to the score", () => {
    const { all } = open({ _payloads: [wrong()] });
    const rows = all(".gradeclip-ranking .gradeclip-bar").filter((row) => !row.hidden);
    const values = rows.map((row) => number(row.querySelector("em")!.textContent));
    const total = values.pop()!;
    expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(total, 9);
  });

  test("begin where the one above ends, and end at the score", () => {
    const { all } = open({ _payloads: [wrong()] });
    const rows = all(".gradeclip-ranking .gradeclip-bar").filter((row) => !row.hidden);
    let end = 0;
    for (const row of rows.slice(0, -1)) {
      const bar = row.querySelector<HTMLElement>("i");
      const back = row.classList.contains("is-against");
      expect(at(bar, "left") + (back ? at(bar, "width") : 0)).toBeCloseTo(end, 1);
      end = at(bar, "left") + (back ? 0 : at(bar, "width"));
      expect(at(row.querySelector(".gradeclip-tick"), "left")).toBeCloseTo(end, 1);
    }
    const whole = rows.at(-1)!.querySelector<HTMLElement>("i");
    expect([at(whole, "left"), at(whole, "width")]).toEqual([0, expect.closeTo(end, 1)]);
  });

  test("are on an axis that reaches to the strongest unrelated sentence, so that a weak match looks weak", () => {
    const { one } = open({ _payloads: [wrong({ unrelated: [0.1, 0.952] })] });
    expect(one(".is-total i").style.width).toBe("50.00%");
  });

  test("have what a word adds, and the score without it, as help", () => {
    const { bars } = open({ _payloads: [wrong()] });
    expect(bars()[2].dataset.help).toBe(
      "“green” takes 0.126 from the score. Without “green” the score would be 0.531.",
    );
  });

  test("mark a word that lowers the score, in the list and in the caption, and show no place for it", () => {
    const { bars, word, all } = open({ _payloads: [wrong()] });
    expect(bars().map((row) => row.classList.contains("is-lowering"))).toEqual([false, false, true]);
    expect(word(1).className).toMatch(/is-lowering/);
    expect(word(1).className).not.toMatch(/is-hued/);
    expect(word(1).getAttribute("aria-description")).toBe("lowers the score: without it 0.531");
    expect(word(2).hasAttribute("aria-description")).toBe(false);
    expect(all(".gradeclip-chip").map((chip) => chip.textContent)).toEqual(["square", "circle"]);
  });

  test("put the sum of unknown words into one row, the last", () => {
    const raw = payload({
      words: ["velociraptor", "bicycle"],
      adding: { base: 0.3, values: [0, 0.2] },
      flags: [{ known: false }, {}],
      header: { score: score(0.4) },
    });
    const { bars, sums, word, all } = open({ _payloads: [raw] });
    expect(bars().map((row) => row.textContent)).toEqual(["bicycle+0.200"]);
    expect(sums().slice(1)).toEqual([
      ["unknown: velociraptor", "−0.100"],
      ["this sentence", "0.400"],
    ]);
    expect(word(0).className).not.toMatch(/is-hued|is-lowering/);
    expect(all(".gradeclip-chip").map((chip) => chip.textContent)).toEqual(["bicycle"]);
  });

  test("never count words that were not read as small ones", () => {
    const raw = payload({
      adding: { base: 0.1, values: [0.1, 0.1421, 0, 0] },
      flags: [{}, {}, { small: true, truncated: true }, { truncated: true }],
    });
    const { bars, sums, one } = open({ _payloads: [raw] });
    expect(bars()).toHaveLength(2);
    expect(sums().map(([label]) => label)).toEqual(["empty sentence", "this sentence"]);
    expect(one(".gradeclip-unread").textContent).toBe("2 words were not read.");
  });

  test("of a region begin at zero", async () => {
    const { model, sums, one } = open({ _payloads: [wrong()] });
    model.set("region", { kind: "box", box: [0, 0, 60, 40] });
    await frame();
    expect(sums().map(([label]) => label)).toEqual(["3 small words"]);
    expect(one(".gradeclip-heading").textContent).toBe("Words supported by this region");
    expect(one(".gradeclip-bars").className).not.toMatch(/is-adding/);
  });

  test("from zero have no row of the empty sentence", async () => {
    const raw = wrong();
    const parts = { name: "evidence", label: "share of the evidence (never negative)", base: 0 };
    raw.header.importance.push({ ...parts, values: [0, 0.1, 0.2, 0, 0, 0.176] });
    const { model, sums, one } = open({ _payloads: [raw] });
    model.set("importance", "evidence");
    await frame();
    expect(one(".gradeclip-key").textContent).toBe("parts of the score, never negative");
    expect(sums().map(([label]) => label)).toEqual(["3 small words", "this sentence"]);
  });
});

describe("of a difference", () => {
  test("bars, the score and the legend agree", async () => {
    const other = payload({
      words: ["a", "dog"],
      adding: { base: 0.301, values: [0.001, -0.102] },
      header: { score: score(0.2) },
    });
    const { bars, sums, one, all } = open({ _payloads: [wrong(), other], versus: 1 });
    expect(one(".gradeclip-score").textContent).toContain("difference +0.276");
    expect(sums().at(-1)).toEqual(["difference", "+0.276"]);
    click(one(".gradeclip-fold"));
    await frame();
    const values = bars().map((row) => number(row.querySelector("em")!.textContent));
    expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(0.276, 9);
    expect(bars().map((row) => row.textContent)).toContain("dog (in the other)+0.102");
    expect(one(".gradeclip-what").textContent).toBe(
      "orange: speaks for “green, circle, square” · purple: for “dog”",
    );
    expect(all(".gradeclip-notes li")).toEqual([]);
  });
});
