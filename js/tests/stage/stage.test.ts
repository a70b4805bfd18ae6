// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { payload } from "../fixtures";
import { click, fakeCanvas, frame, open, painted, point, press } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

describe("the picture", () => {
  test("a click selects the patch, and its strongest word leads the bars", async () => {
    const raw = payload({ importance: [-0.4, 0.2, 0.3, 0.4] }); // "a" hurts, also there
    const { stage, model, one, bars } = open({ _payloads: [raw] });
    point(stage, "pointerdown", 300, 100);
    point(stage, "pointerup", 300, 100);
    await frame();
    expect(model.get("region")).toEqual({ kind: "box", box: [20, 0, 40, 20] });
    expect(one(".gradeclip-heading").textContent).toBe("Words supported by this region");
    expect(bars()[0].dataset.index).toBe("1");
    expect(bars()[0].className).toContain("is-leading");
    expect(bars().map((row) => row.textContent)).toEqual(["dog0.200", "a−0.080"]);
    expect(bars()[1].className).toContain("is-against");
  });

  test("a second click on the patch clears it", async () => {
    const { stage, model } = open({ region: { kind: "box", box: [20, 0, 40, 20] } });
    point(stage, "pointerdown", 300, 100);
    point(stage, "pointerup", 300, 100);
    expect(model.get("region")).toBeNull();
  });

  describe("with things", () => {
    const whole = 0b11111100; // the six patches
    const column = 0b10010000; // the two on the left
    const pictured = payload({
      things: [column, whole, whole, column, whole, whole],
      importance: [0, 0.2, 0, 0], // the places of several words would divide them
    });
    const thing = {
      kind: "thing",
      points: [
        [0, 0],
        [20, 0],
        [20, 40],
        [0, 40],
      ],
      holes: [],
    };
    const patch = { kind: "box", box: [0, 0, 20, 20] };

    test("a click selects the thing, a second click there the patch, a third nothing", async () => {
      const { stage, model, all } = open({ _payloads: [pictured] });
      const tap = (y: number) => {
        point(stage, "pointerdown", 100, y);
        point(stage, "pointerup", 100, y);
      };
      tap(100);
      expect(model.get("region")).toEqual(thing);
      await frame();
      expect(all(".gradeclip-hint").at(-1)!.textContent).toContain("single patch");
      tap(100);
      expect(model.get("region")).toEqual(patch);
      tap(100);
      expect(model.get("region")).toBeNull();
      tap(100);
      tap(300); // another patch of the selected thing
      expect(model.get("region")).toEqual({ kind: "box", box: [0, 20, 20, 40] });
      tap(100); // the thing again, not its selected patch
      expect(model.get("region")).toEqual(thing);
    });

    test("Alt selects the patch at once", () => {
      const { stage, model } = open({ _payloads: [pictured] });
      point(stage, "pointerdown", 100, 100, { altKey: true });
      point(stage, "pointerup", 100, 100, { altKey: true });
      expect(model.get("region")).toEqual(patch);
    });

    test("Enter selects the thing, Enter again or with Alt the patch", () => {
      const { stage, model } = open({ _payloads: [pictured] });
      stage.focus();
      for (const key of ["ArrowLeft", "ArrowLeft", "ArrowUp", "Enter"]) press(stage, key);
      expect(model.get("region")).toEqual(thing);
      press(stage, "Enter");
      expect(model.get("region")).toEqual(patch);
      press(stage, "Escape");
      for (const key of ["ArrowLeft", "ArrowLeft", "ArrowUp"]) press(stage, key);
      press(stage, "Enter", { altKey: true });
      expect(model.get("region")).toEqual(patch);
    });

    test("pointing outlines what a click would select", async () => {
      const { stage, one } = open({ _payloads: [pictured] });
      point(stage, "pointermove", 100, 100);
      await frame();
      expect(one(".gradeclip-thing").getAttribute("d")).toBe(
        "M0 10Q0 0 10 0L10 0Q20 0 20 10L20 30Q20 40 10 40L10 40Q0 40 0 30Z",
      );
    });
  });

  test("a drag draws a box in picture pixels, in any direction; it is sent to Python at the end", async () => {
    const { stage, model, one } = open();
    point(stage, "pointerdown", 400, 300);
    point(stage, "pointermove", 300, 200);
    point(stage, "pointermove", 100, 150);
    await frame();
    expect(model.get("region")).toBeNull();
    expect(one(".gradeclip-heading").textContent).toBe("Words supported by this region"); // already here
    point(stage, "pointerup", 100, 150);
    expect(model.get("region")).toEqual({ kind: "box", box: [10, 15, 40, 30] });
  });

  test("a drag that leaves the picture ends at its border", () => {
    const { stage, model } = open();
    point(stage, "pointerdown", 300, 200);
    point(stage, "pointermove", 900, 900);
    point(stage, "pointerup", 900, 900);
    expect(model.get("region")).toEqual({ kind: "box", box: [30, 20, 60, 40] });
  });

  test("Alt-drag draws a lasso, and so does a drag with the lasso tool", () => {
    const { stage, model, all } = open();
    const loop: [number, number][] = [
      [100, 100],
      [300, 100],
      [300, 300],
      [100, 300],
    ];
    const draw = (more: PointerEventInit) => {
      point(stage, "pointerdown", ...loop[0], more);
      for (const [x, y] of loop.slice(1)) point(stage, "pointermove", x, y, more);
      point(stage, "pointerup", 100, 200, more);
      return model.get("region");
    };
    const expected = {
      kind: "polygon",
      points: [
        [10, 10],
        [30, 10],
        [30, 30],
        [10, 30],
      ],
    };
    expect(draw({ altKey: true })).toEqual(expected);
    click(all(".gradeclip-tool")[1]);
    model.set("region", null);
    expect(draw({})).toEqual(expected);
  });

  test("a cancelled drag leaves the region as it was", () => {
    const { stage, model } = open();
    point(stage, "pointerdown", 100, 100);
    point(stage, "pointermove", 300, 300);
    point(stage, "pointercancel", 300, 300);
    point(stage, "pointerup", 300, 300);
    expect(model.get("region")).toBeNull();
  });

  test("the pointer's patch names its three strongest words, and only words it supports", async () => {
    const { stage, one } = open();
    point(stage, "pointermove", 300, 100);
    await frame();
    const tip = one(".gradeclip-tip");
    expect(tip.hidden).toBe(false);
    const shown = [...tip.children].filter((row) => !(row as HTMLElement).hidden);
    expect(shown.map((row) => row.textContent)).toEqual(["dog0.200", "of the score, from here"]);
    stage.dispatchEvent(new FocusEvent("blur"));
    await frame();
    expect(tip.textContent).toContain("dog"); // the pointer is still there
    point(stage, "pointerleave");
    await frame();
    expect(tip.hidden).toBe(true);
  });

  test("outside of what the model sees, a click selects what it did not see there, and the panel names it", async () => {
    const { stage, one, model } = open({ _payloads: [payload({ cover: [20, 0, 60, 40] })] });
    point(stage, "pointermove", 50, 50);
    await frame();
    expect(one(".gradeclip-tip").textContent).toContain("Not seen by the model");
    const tap = () => {
      point(stage, "pointerdown", 50, 50);
      point(stage, "pointerup", 50, 50);
      return frame();
    };
    await tap();
    expect(model.get("region")).toEqual({ kind: "box", box: [0, 0, 20, 40] });
    expect(one(".gradeclip-bars").hidden).toBe(true);
    expect(one(".gradeclip-silence").textContent).toContain("The model did not see this place");
    expect(one(".gradeclip-spoken").textContent).toContain("The model did not see this place");
    model.set("region", { kind: "box", box: [10, 0, 30, 40] });
    await frame();
    expect(one(".gradeclip-silence").textContent).toBe("The model saw 50 % of this region.");
    expect(one(".gradeclip-bars").hidden).toBe(false);
    await tap();
    await tap();
    expect(model.get("region")).toBeNull();
  });

  test("arrows move a cursor, Enter selects its patch, Shift extends a box, Esc clears", async () => {
    const { stage, model, one } = open();
    stage.focus();
    press(stage, "ArrowLeft"); // shows the cursor in the middle
    press(stage, "ArrowLeft");
    await frame();
    expect(one(".gradeclip-spoken").textContent).toBe("Row 2, column 1: snow");
    press(stage, "Enter");
    expect(model.get("region")).toEqual({ kind: "box", box: [0, 20, 20, 40] });
    press(stage, "ArrowRight", { shiftKey: true });
    press(stage, "ArrowUp", { shiftKey: true });
    expect(model.get("region")).toEqual({ kind: "box", box: [0, 0, 40, 40] });
    press(stage, "Escape");
    expect(model.get("region")).toBeNull();
  });

  test("a word and a region together have a share", async () => {
    const { one, model } = open({ region: { kind: "box", box: [20, 0, 40, 20] }, selected_words: [1] });
    expect(one(".gradeclip-share").textContent).toBe("100 % of dog’s evidence lies in this region.");
    model.set("selected_words", [0]);
    await frame();
    expect(one(".gradeclip-share").textContent).toBe("0 % of a’s evidence lies in this region.");
  });

  test("a message replaces a map without positive evidence", () => {
    const rows = [[-1, -1, -1, -1, -1, -1]];
    const { one } = open({ _payloads: [payload({ words: ["no"], rows })] });
    expect(one(".gradeclip-badge").textContent).toBe("No word adds to this score");
    expect(new Set(painted.at(-1))).toHaveProperty("size", 1);
  });
});
