// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { formatScoreChange } from "../../src/panel/erase";
import { change, fakeCanvas, frame, LiveModel, open, point, press } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const region = { kind: "box", box: [0, 0, 20, 20] } as const;
const erased = { how: "blur", image: new Uint8Array([7, 7]), scores: [0.412] };

describe("erasing a region", () => {
  test("shows the picture without it, hides the heat map, and shows the change of the score", async () => {
    const made = vi.spyOn(URL, "createObjectURL");
    const { all, model, one } = open({}, new LiveModel({ region }));
    const [, blur] = all(".gradeclip-erase input") as HTMLInputElement[];
    blur.checked = true;
    change(blur);
    await frame();
    expect(model.get("erase")).toBe("blur");
    expect(one(".gradeclip-fall").textContent).toBe("Scoring the picture …");
    model.set("erased", erased);
    await frame();
    expect(one(".gradeclip-fall").textContent).toBe("Score without it: 0.412 (+0.070)");
    expect((made.mock.calls.at(-1)![0] as Blob).size).toBe(2);
    expect(one(".gradeclip-heat").hidden).toBe(true);
    expect(one(".gradeclip-contour").getAttribute("d")).toBe("");
    expect(one(".gradeclip-outlines").hasAttribute("hidden")).toBe(true);
    expect(one(".gradeclip-chips").hidden).toBe(true);
    expect(one(".gradeclip-what").textContent).toBe("Heat map hidden while the region is removed");
  });

  test("is undone by one click, and by clearing the region", async () => {
    const { all, model, one, stage } = open({}, new LiveModel({ region, erase: "blur", erased }));
    expect(one(".gradeclip-heat").hidden).toBe(true);
    const [back] = all(".gradeclip-erase input") as HTMLInputElement[];
    back.checked = true;
    change(back);
    await frame();
    expect(one(".gradeclip-heat").hidden).toBe(false);
    expect(one(".gradeclip-outlines").hasAttribute("hidden")).toBe(false);
    model.set("erase", "blur");
    await frame();
    expect(one(".gradeclip-heat").hidden).toBe(true);
    back.focus();
    press(back, "Escape"); // puts the help on the button away
    press(back, "Escape");
    await frame();
    expect(document.activeElement).toBe(stage); // where it was is gone
    expect(one(".gradeclip-heat").hidden).toBe(false);
    expect(one(".gradeclip-erase").hidden).toBe(true);
    expect(model.get("erase")).toBe("");
  });

  test("ends with another region", () => {
    const { model, stage } = open({}, new LiveModel({ region, erase: "blur", erased }));
    point(stage, "pointerdown", 300, 100);
    point(stage, "pointerup", 300, 100);
    expect(model.get("region")).not.toEqual(region);
    expect(model.get("erase")).toBe("");
  });

  test("in another way than requested is not shown", async () => {
    const { one } = open({}, new LiveModel({ region, erase: "mean", erased }));
    expect(one(".gradeclip-heat").hidden).toBe(false);
  });

  test("in a page without a kernel offers only the way that was computed, if any", () => {
    const { all } = open({ region, erase: "blur", erased });
    expect(all(".gradeclip-erase label").map((label) => label.textContent)).toEqual(["As it is", "Blurred"]);
    document.body.replaceChildren();
    expect(open({ region }).one(".gradeclip-erase").hidden).toBe(true);
  });

  test("shows a fall with a real minus, in the decimals of the score", () => {
    expect(formatScoreChange(0.735, 0.412)).toBe("Score without it: 0.412 (−0.323)");
    expect(formatScoreChange(0.05, 0.062)).toBe("Score without it: 0.062 (+0.012)");
  });
});
