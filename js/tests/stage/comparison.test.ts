// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Header } from "../../src/core/types";
import type { MethodCell } from "../../src/state/entries";
import type { Synced } from "../../src/state/synced";
import { payload } from "../fixtures";
import { change, click, fakeCanvas, frame, LiveModel, open, painted, point, samePixels } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

/** A method's maps: those of the fixture, of which a word's strongest patch is moved on by `shift`. */
function cell(name: string, shift: number, header = {}): MethodCell {
  const rows = [0, 1, 2, 3].map((w) =>
    Array.from({ length: 6 }, (_, i) => (i === (w + shift) % 6 ? 1 : -0.2)),
  );
  const raw = payload({
    rows,
    header: { method: name.toUpperCase(), seconds: 0.125 * (1 + shift), ...header },
  });
  return { name, label: name.toUpperCase(), header: raw.header, maps: raw.maps };
}

const BOTH: Partial<Synced> = { compare: ["one", "two"], _comparison: [cell("one", 1), cell("two", 2)] };
const CURVE = [0, 0.25, 0.5].map((altered) => [altered, 1 - altered] as const);
const cells = (view: ReturnType<typeof open>) => view.all(".gradeclip-cell");
const labels = (view: ReturnType<typeof open>) =>
  cells(view).map((e) => e.querySelector(".gradeclip-cell-head")!.textContent);
const notes = (view: ReturnType<typeof open>) =>
  cells(view).map((e) => e.querySelector(".gradeclip-cell-note")!.textContent);

describe("methods side by side", () => {
  test("replace the one picture, each with its name and its time", () => {
    const view = open(BOTH);
    expect(labels(view)).toEqual(["ONE0.25 s", "TWO0.38 s"]);
    expect(view.one(".gradeclip-picture").hidden).toBe(true);
    const names = cells(view).map((e) =>
      [...e.querySelectorAll(".gradeclip-chip")].map((c) => c.textContent),
    );
    expect(names).toEqual(Array(2).fill(["snow", "in", "dog", "a"])); // each in the word's color
    expect(view.one(".gradeclip-ranking .gradeclip-heading").textContent).toBe(
      "Word importance (Grad-ECLIP)",
    );
    expect(open().one(".gradeclip-comparison").hidden).toBe(true);
  });

  test("hovering a word once repaints all", async () => {
    const view = open(BOTH);
    const before = painted.slice(-2);
    painted.length = 0;
    point(view.word(1), "pointerover");
    await frame();
    expect(painted).toHaveLength(2); // not the hidden picture
    const after = painted.slice(-2);
    expect(after.map((pixels, k) => samePixels(pixels, before[k]))).toEqual([false, false]);
    expect(samePixels(after[0], after[1])).toBe(false);
  });

  test("a region, a pinned word, colors and outlines are the same in all", async () => {
    const view = open(BOTH);
    const stage = cells(view)[1].querySelector<HTMLElement>(".gradeclip-stage")!;
    stage.getBoundingClientRect = () => new DOMRect(100, 50, 600, 400);
    point(stage, "pointerdown", 250, 50);
    point(stage, "pointerup", 250, 50);
    click(view.word(2));
    const strength = view.control("Heat opacity");
    strength.value = "30";
    change(strength, "input");
    await frame();
    expect(view.model.get("region")).toEqual({ kind: "box", box: [20, 0, 40, 20] });
    const regions = cells(view).map((e) => e.querySelector(".gradeclip-region")!.getAttribute("d"));
    expect(regions).toEqual(Array(2).fill("M20 0H40V20H20Z"));
    const opacities = cells(view).map((e) =>
      e.querySelector<HTMLElement>(".gradeclip-picture")!.style.getPropertyValue("--opacity"),
    );
    expect(opacities).toEqual(["0.3", "0.3"]);
    view.model.set("contour", false);
    await frame();
    expect(cells(view).map((e) => e.querySelector(".gradeclip-contour")!.getAttribute("d"))).toEqual([
      "",
      "",
    ]);
  });

  test("appear one after the other; one that failed shows why", async () => {
    const waiting = BOTH._comparison!.map(({ name, label }) => ({ name, label }));
    const view = open({}, new LiveModel({ ...BOTH, status: "computing", _comparison: waiting }));
    expect(labels(view)).toEqual(["ONE", "TWO"]);
    expect(notes(view)).toEqual(["Computing …", "Computing …"]);
    view.model.set("_comparison", [cell("one", 1), { ...waiting[1], error: "It ran out of memory." }]);
    await frame();
    expect(labels(view)).toEqual(["ONE0.25 s", "TWO"]);
    expect(notes(view)).toEqual(["", "It ran out of memory."]);
    expect(cells(view).map((e) => e.classList.contains("is-empty"))).toEqual([false, true]);
  });

  test("show no map of another sentence", () => {
    const other = cell("two", 2, { caption: "another" });
    const view = open({ ...BOTH, _comparison: [cell("one", 1), other] });
    expect(notes(view)).toEqual(["", "Not computed for this sentence."]);
  });

  test("have a note if a method has no map of the word in the chosen reading", async () => {
    const bare = cell("two", 2);
    bare.header = { ...bare.header!, maps: bare.header!.maps.slice(0, 2) } as Header;
    bare.maps = new Float32Array(bare.maps as ArrayBuffer).slice(0, 5 * 6).buffer;
    const view = open({
      ...BOTH,
      _comparison: [cell("one", 1), bare],
      reading: "alone",
      selected_words: [1],
    });
    expect(notes(view)).toEqual(["", "Words read in the sentence: this method cannot read them alone."]);
  });

  test("a click on a name shows its numbers; only a kernel can", async () => {
    const view = open({}, new LiveModel(BOTH));
    click(cells(view)[1].querySelector("button")!);
    expect(view.model.get("method")).toBe("two");
    document.body.replaceChildren();
    expect(cells(open(BOTH))[1].querySelector("button")!.disabled).toBe(true);
  });

  test("are removed with their listeners and pictures when the comparison ends", async () => {
    const revoke = vi.spyOn(URL, "revokeObjectURL");
    const view = open(BOTH);
    click(view.word(1));
    await frame();
    revoke.mockClear();
    click(view.control("Stop comparing"));
    await frame();
    expect(view.stage.querySelector(".gradeclip-contour")!.getAttribute("d")).not.toBe("");
    expect(view.model.get("compare")).toEqual([]);
    expect([cells(view).length, view.one(".gradeclip-picture").hidden]).toEqual([0, false]);
    expect(revoke).toHaveBeenCalled();
  });

  test("the words on the progress move to the visible pictures", async () => {
    const view = open({}, new LiveModel({ ...BOTH, status: "computing" }));
    expect(view.one(".gradeclip-stage-words").closest(".gradeclip-comparison")).not.toBeNull();
    view.model.set("compare", []);
    await frame();
    expect(view.one(".gradeclip-stage-words").closest(".gradeclip-comparison")).toBeNull();
  });
});

describe("deletion and insertion", () => {
  const keys = (view: ReturnType<typeof open>) =>
    view.all(".gradeclip-curves-key").map((key) => (key.closest("[hidden]") ? "" : key.textContent));

  test("are requested by a button, and drawn while they are measured", async () => {
    const view = open({}, new LiveModel({ ...BOTH, _methods: [{ name: "one", label: "ONE" }] }));
    click(view.all(".gradeclip-comparison button").find((b) => b.textContent === "Deletion and insertion")!);
    view.model.set("status", "computing");
    await frame();
    expect(view.model.get("curves")).toBe(true);
    expect(notes(view)).toEqual(["Measuring …", "Measuring …"]);
    view.model.set("perturbation_curves", { one: { deletion: CURVE.slice(0, 2), insertion: [] } });
    await frame();
    expect(view.one(".gradeclip-curve").getAttribute("points")).toBe("0.00,0.00 50.00,12.50");
    expect(keys(view)).toEqual(["Deletion …Insertion …", ""]);
    view.model.set("perturbation_curves", { one: { deletion: CURVE, insertion: CURVE } });
    await frame();
    expect(keys(view)).toEqual(["Deletion 0.75Insertion 0.75", ""]);
  });

  test("the key names the map that is measured", async () => {
    const of = (source: "words" | "caption") => ({ one: { source, deletion: CURVE, insertion: CURVE } });
    const view = open({ ...BOTH, curves: true, perturbation_curves: of("words") });
    const key = () => view.all(".gradeclip-comparison > .gradeclip-cell-note").map((p) => p.textContent)[0];
    expect(key()).toContain("those first that the map of all words shows most");
    view.model.set("perturbation_curves", of("caption"));
    await frame();
    expect(key()).toContain("those first that the map of the whole sentence shows most");
  });

  test("a method without curves shows why", () => {
    const error = "The picture’s score is below 0.";
    const curves = { one: { deletion: [], insertion: [], error } };
    expect(notes(open({ ...BOTH, curves: true, perturbation_curves: curves }))[0]).toBe(error);
  });
});
