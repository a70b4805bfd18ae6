// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { payload } from "../fixtures";
import { click, fakeCanvas, frame, LiveModel, open, press } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const measured = payload({ importance: [0.1, -0.05, 0, 0.2], shares: [0, 0.1, 0.04, 0.2] });
const many = payload({
  words: ["a", "dog", "and", "a", "cat", "in", "a", "garden"],
  grid: [2, 4],
  importance: [0.001, 0.2, -0.002, 0.003, 0.1, 0.002, 0, 0.05],
  flags: [0, 1, 0, 0, 1, 0, 0, 1].map((noun) => ({ small: noun === 0 })),
});
const region = { kind: "box", box: [20, 0, 40, 20] } as const; // the patch of "dog"

describe("the bars", () => {
  test("have a description, and the second measure beside them in the same units", () => {
    const { bars, one, all } = open({ _payloads: [measured] });
    expect(one(".gradeclip-heading").textContent).toBe("Word importance");
    expect(all(".gradeclip-ranking .gradeclip-key > span").map((line) => line.textContent)).toEqual([
      "Bars: what the score loses without the word.",
      "Thin line: the word’s share of the score by Grad-ECLIP, never negative.",
    ]);
    expect(bars().map((row) => row.textContent)).toEqual([
      "snow0.2000.200",
      "a0.1000.000",
      "in0.0000.040",
      "dog−0.0500.100",
    ]);
    const thin = (k: number) => bars()[k].querySelector<HTMLElement>(".gradeclip-second")!;
    expect(thin(0).style.width).toBe(bars()[0].querySelector("i")!.style.width); // both 0.200
    expect(thin(3).style.width).toBe(bars()[1].querySelector("i")!.style.width); // both 0.100
  });

  test("show another measure from a menu, with the default one beside it", async () => {
    const { all, bars, model, one, host } = open({ _payloads: [measured] });
    click(one(".gradeclip-measure button"));
    const choices = all("[role=menuitemradio]");
    expect(choices.map((choice) => [choice.textContent, choice.getAttribute("aria-checked")])).toEqual([
      ["What the score loses without the word", "true"],
      ["Grad-ECLIP share (never negative)", "false"],
    ]);
    click(choices[1]);
    await frame();
    expect(model.get("importance")).toBe("grad-eclip");
    expect(bars().map((row) => row.textContent)[1]).toBe("dog0.100−0.050");
    expect(one(".gradeclip-ranking .gradeclip-key").textContent).toMatch(/^Bars: the word’s share/);
    expect(host.contains(document.activeElement)).toBe(true);
  });

  test("offer a kernel's integrated gradients before they are computed", async () => {
    const { all, model, one } = open({}, new LiveModel({ _payloads: [measured] }));
    click(one(".gradeclip-measure button"));
    const last = all("[role=menuitemradio]").at(-1)!;
    expect(last.textContent).toBe("Integrated gradients (takes a moment)");
    click(last);
    await frame();
    expect(model.get("importance")).toBe("integrated-gradients");
    expect(one(".gradeclip-key").textContent).toMatch(/^Bars: what the score loses/); // until they arrive
  });

  test("offer no other measure if there is only one, or if the control is hidden", () => {
    expect(open().one(".gradeclip-measure button").hidden).toBe(true);
    document.body.replaceChildren();
    const { one } = open({ _payloads: [measured], controls: ["reading"] });
    expect(one(".gradeclip-measure button").hidden).toBe(true);
  });

  test("have a help text for the pointer, the keyboard and a screen reader", async () => {
    const { bars, model, one } = open({ _payloads: [measured] });
    const snow = bars()[0].querySelector("button")!;
    const said = () => [bars()[0].dataset.help, snow.getAttribute("aria-description")];
    const whole =
      "0.200 of the score 0.342: what the score loses without “snow”. Grad-ECLIP share (never negative): 0.200.";
    expect(said()).toEqual([whole, whole]);
    snow.focus();
    expect(one(".gradeclip-help").textContent).toBe(whole);
    model.set("region", { kind: "box", box: [0, 20, 20, 40] });
    await frame();
    const part = "0.200 of the 0.200 that the score loses without “snow” lies in this region.";
    expect(said()).toEqual([part, part]);
    expect(one(".gradeclip-help").textContent).toBe(part);
  });

  test("of a region have no second measure beside them", () => {
    const { one, all } = open({ _payloads: [measured], region });
    expect(all(".gradeclip-ranking .gradeclip-key > span")[1].hidden).toBe(true);
    expect(one(".gradeclip-bars").className).not.toContain("has-second");
  });

  test("are walked by arrow keys, with one tab stop for all, and pinned by a click", async () => {
    const { bars, model } = open({ _payloads: [measured] });
    const words = () => bars().map((row) => row.querySelector("button")!);
    expect(words().map(({ tabIndex }) => tabIndex)).toEqual([0, -1, -1, -1]);
    words()[0].focus();
    press(words()[0], "ArrowDown");
    expect(document.activeElement).toBe(words()[1]);
    expect(words().map(({ tabIndex }) => tabIndex)).toEqual([-1, 0, -1, -1]);
    await frame();
    expect(model.get("hovered_word")).toBe(0); // "a"
    click(words()[1]);
    await frame();
    expect(model.get("selected_words")).toEqual([0]);
    expect(words()[1].getAttribute("aria-pressed")).toBe("true");
  });
});

describe("a region with", () => {
  const FIRST = { kind: "box", box: [0, 0, 20, 20] } as const;
  const LAST = { kind: "box", box: [40, 20, 60, 40] } as const;
  // All of "dog" and "snow" lies in the last patch but for a little, which is all that the first patch has.
  const giving = (share: number) => {
    const rows = [0, 1, 0, 1].map((strength) => [strength * share, 0, 0, 0, 0, strength * (1 - share)]);
    return open({ _payloads: [payload({ rows, importance: [0, 0.1, 0, 0.2] })], region: FIRST });
  };

  test("values that all round to zero has no bars, but a message", async () => {
    const { bars, one, all, model, word } = giving(0.002);
    const list = one(".gradeclip-bars");
    const said = all(".gradeclip-ranking > p").filter((line) => !line.hidden);
    expect(said.map((line) => line.textContent)).toEqual(["This region supports no word."]);
    expect(list.hidden).toBe(true);
    expect(Number(word(3).style.getPropertyValue("--share"))).toBeLessThan(0.05); // next to no tint
    model.set("region", LAST);
    await frame();
    expect([list.hidden, said[0].hidden]).toEqual([false, true]);
    expect(bars()[0].textContent).toBe("snow0.200");
    model.set("region", FIRST);
    await frame();
    expect(one(".gradeclip-spoken").textContent).toBe("Region selected. This region supports no word.");
  });

  test("small values has short bars", () => {
    const { bars, all } = giving(0.01);
    expect(bars().map((row) => row.textContent)).toEqual(["snow0.002", "dog0.001"]);
    const width = (k: number) => bars()[k].querySelector<HTMLElement>("i")!.style.width;
    expect([width(0), width(1)]).toEqual(["20.00%", "10.00%"]);
    expect(all(".gradeclip-ranking > p").every((line) => line.hidden)).toBe(true);
  });

  test("large values has a full bar for the largest", () => {
    expect(giving(0.5).one(".is-word i").style.width).toBe("100.00%");
  });

  test("equal values in both prompts has the message of no difference", () => {
    const both = payload({ importance: [0.1, 0.2, 0.1, 0.2] });
    const { all } = open({ _payloads: [both, both], prompts: ["a dog", "a dog"], versus: 1, region });
    const said = all(".gradeclip-ranking > p").filter((line) => !line.hidden);
    expect(said.map((line) => line.textContent)).toEqual(["The two prompts do not differ in this region."]);
  });
});

describe("words with almost no importance", () => {
  test("are folded into one line with their sum", () => {
    const { bars, one, sums } = open({ _payloads: [many] });
    expect(bars().map((row) => row.querySelector("bdi")!.textContent)).toEqual(["dog", "cat", "garden"]);
    expect(sums()).toEqual([["5 small words", "0.004"]]);
    const fold = one(".gradeclip-fold");
    expect(fold.getAttribute("aria-description")).toBe("a (cat), in, a (dog), a (garden), and");
    expect(fold.getAttribute("aria-expanded")).toBe("false");
  });

  test("unfold by a click, with equal ones distinguished, and fold again", async () => {
    const { bars, one } = open({ _payloads: [many] });
    click(one(".gradeclip-fold"));
    await frame();
    expect(bars().map((row) => row.querySelector("button")!.textContent)).toEqual([
      "dog",
      "cat",
      "garden",
      "a (cat)",
      "in",
      "a (dog)",
      "a (garden)",
      "and",
    ]);
    expect(one(".gradeclip-fold").getAttribute("aria-expanded")).toBe("true");
    expect(one(".gradeclip-fold").textContent).toBe("Show fewer");
    click(one(".gradeclip-fold"));
    await frame();
    expect(bars()).toHaveLength(3);
  });

  test("are called other words if not all of them are small", () => {
    const words = Array.from({ length: 14 }, (_, k) => `w${k}`);
    const importance = words.map((_, k) => (k === 0 ? 1 : 0.001));
    const { sums } = open({ _payloads: [payload({ words, grid: [4, 4], importance })] });
    expect(sums()).toEqual([["13 other words", "0.013"]]);
  });

  test("have no row if every word counts", () => {
    expect(open().sums()).toEqual([]);
  });
});

describe("equal words", () => {
  test("are distinguished in the caption's labels, the legend and announcements", async () => {
    const { word, one, model } = open({}, new LiveModel({ _payloads: [many] }));
    expect([0, 1, 3].map((k) => word(k).getAttribute("aria-label"))).toEqual(["a (dog)", null, "a (cat)"]);
    expect(word(3).textContent).toBe("a");
    model.set("hovered_word", 3);
    await frame();
    expect(one(".gradeclip-who").textContent).toBe("a (cat)");
    model.set("selected_words", [3]);
    await frame();
    expect(one(".gradeclip-spoken").textContent).toMatch(/^a \(cat\) pinned/);
  });
});
