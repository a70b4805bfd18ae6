// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { formatAnswer } from "../../src/panel/region-vocabulary";
import { change, fakeCanvas, frame, LiveModel, open } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const region = { kind: "box", box: [0, 0, 20, 20] } as const;
const LISTS = { region, _vocabularies: ["demo", "objects"] };
const SEEN = [
  { word: "dog", value: 0.2 },
  { word: "<b>wolf</b>", value: 0.1 },
];

describe("what the model sees in a region", () => {
  test("is requested for a list of words and shown as ranked bars", async () => {
    const { all, control, model, one } = open({}, new LiveModel(LISTS));
    const list = control("What is in this region?");
    list.value = "objects";
    change(list);
    await frame();
    expect(model.get("vocabulary")).toBe("objects");
    expect(one(".gradeclip-vocabulary [role=status]").textContent).toBe(
      "Asking “80 everyday things (COCO)” …",
    );
    model.set("seen", SEEN);
    await frame();
    expect(all(".gradeclip-seen li").map((row) => row.textContent)).toEqual(["dog0.200", "<b>wolf</b>0.100"]);
    expect(all(".gradeclip-seen i").map((bar) => bar.style.width)).toEqual(["100.00%", "50.00%"]);
    expect(one(".gradeclip-vocabulary [role=status]").textContent).toBe("");
    expect(one(".gradeclip-answer").textContent).toBe("Best match: dog 0.200.");
    expect(one(".gradeclip-vocabulary .gradeclip-key").textContent).toMatch(
      /^Bars: the score of this region by itself/,
    );
  });

  test("is described in a sentence: the best word, then those near it", () => {
    const seen = (...values: number[]) => values.map((value, k) => ({ word: `w${k}`, value }));
    expect(formatAnswer(seen(0.2, 0.18, 0.15, 0.149), 2)).toBe("Best match: w0 0.20, w1 0.18, w2 0.15.");
    expect(formatAnswer(seen(0.2, 0.05), 2)).toBe("Best match: w0 0.20.");
    expect(formatAnswer(seen(-0.1, -0.2), 2)).toBe("No word of this list fits this region.");
  });

  test("can be requested only for a region, and only with a kernel", () => {
    for (const model of [
      new LiveModel({ ...LISTS, region: null }),
      new LiveModel({ ...LISTS, live: false }),
    ]) {
      expect(open({}, model).one(".gradeclip-vocabulary").hidden).toBe(true);
      document.body.replaceChildren();
    }
  });

  test("is shown in a page without a kernel that has an answer", () => {
    const { all, one } = open({ region, vocabulary: "demo", seen: SEEN });
    expect(one(".gradeclip-vocabulary").hidden).toBe(false);
    expect(all(".gradeclip-seen li")).toHaveLength(2);
  });
});
