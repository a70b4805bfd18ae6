// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { formatBytes, formatBytesOf } from "../../src/core/format";
import { formatProgress, progressFraction } from "../../src/panel/progress";
import { click, fakeCanvas, frame, LiveModel, open, point } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const WEIGHTS = { stage: "loading weights", done: 120e6, total: 350e6, unit: "bytes" } as const;

describe("progress", () => {
  test("has its stage, and the part that is done in the unit of the whole", () => {
    expect(formatProgress(WEIGHTS)).toBe("loading weights 120 of 350 MB");
    expect(formatProgress({ ...WEIGHTS, total: null })).toBe("loading weights 120 MB");
    expect(formatProgress({ stage: "maps", done: 0, total: null, unit: "steps" })).toBe("maps");
    expect(formatProgress({ stage: "maps", done: 2, total: 3, unit: "steps" })).toBe("maps 2 of 3");
    expect(formatProgress(null)).toBe("Explaining");
    expect([
      progressFraction(WEIGHTS)!.toFixed(3),
      progressFraction(null),
      progressFraction({ ...WEIGHTS, total: null }),
    ]).toEqual(["0.343", null, null]);
  });

  test("counts memory in readable units", () => {
    expect([0, 999, 28_400_000, 1_710_000_000, 3e13].map(formatBytes)).toEqual([
      "0 bytes",
      "999 bytes",
      "28 MB",
      "1.7 GB",
      "30000 GB",
    ]);
    expect(formatBytesOf(90e6, 1.71e9)).toBe("0.1 of 1.7 GB");
  });

  test("is a bar at once and words after a while, and both are hidden at the end", async () => {
    const { model, one } = open({}, new LiveModel({ status: "computing", progress: WEIGHTS }));
    const bar = one("[role=progressbar]");
    expect([bar.getAttribute("aria-valuenow"), bar.getAttribute("aria-valuetext")]).toEqual([
      "34",
      "loading weights 120 of 350 MB",
    ]);
    expect(one(".gradeclip-progress i").style.width).toBe("34.3%");
    expect(one(".gradeclip-stage-words").hidden).toBe(true);
    await vi.waitFor(() => expect(one(".gradeclip-stage-words").hidden).toBe(false));
    model.set("progress", null);
    await frame();
    expect(bar.hasAttribute("aria-valuenow")).toBe(false);
    model.set("status", "ready");
    await frame();
    expect([bar.hidden, one(".gradeclip-stage-words").hidden]).toEqual([true, true]);
  });

  test("can be canceled, and the focus is then on the picture", async () => {
    const { model, one, stage } = open({}, new LiveModel({ status: "computing" }));
    await vi.waitFor(() => expect(one(".gradeclip-stage-words").hidden).toBe(false));
    const cancel = one(".gradeclip-cancel");
    cancel.focus();
    click(cancel);
    expect((model as LiveModel).sent.map(({ content }) => content)).toEqual([{ type: "cancel" }]);
    model.set("status", "ready");
    await frame();
    expect(document.activeElement).toBe(stage);
  });

  test("leaves the picture usable by pointer", async () => {
    const { one, word } = open({}, new LiveModel({ status: "computing" }));
    point(word(1), "pointerover");
    await frame();
    expect(one(".gradeclip-who").textContent).toBe("dog");
  });
});
