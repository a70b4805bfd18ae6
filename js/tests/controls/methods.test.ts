// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { click, fakeCanvas, frame, LiveModel, open, point, press } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const METHODS = [
  { name: "grad-eclip", label: "Grad-ECLIP", purpose: "Fast maps.", limits: "The last block only." },
  { name: "rise", label: "RISE", purpose: "Needs no gradients.", limits: "Small things." },
  { name: "rollout", label: "Rollout", purpose: "Attention.", limits: "Words.", refusal: "It has no query." },
  ...["a", "b", "c", "d", "e"].map((name) => ({ name, label: name.toUpperCase() })),
];

const opened = (name: string, state = {}) => {
  const view = open({}, new LiveModel({ _methods: METHODS, method: "grad-eclip", ...state }));
  click(view.control(name));
  const note = () => view.one(".gradeclip-menu-note").textContent;
  return { ...view, note, items: () => view.all(".gradeclip-menu button") };
};

describe("the menu of methods", () => {
  test("describes the purpose and the limits of each", () => {
    const { items, note } = opened("Method");
    expect(items()[1].textContent).toBe("RISE");
    expect(note()).toBe("Fast maps.\nCannot show: the last block only."); // of the current one, which has the focus
    point(items()[1], "pointerover");
    expect(note()).toBe("Needs no gradients.\nCannot show: small things.");
    expect(items()[1].getAttribute("aria-description")).toBe(note());
  });

  test("gives the reason why a method cannot explain this model, and does not choose it", () => {
    const { items, model, note } = opened("Method");
    point(items()[2], "pointerover");
    expect(note()).toBe("It has no query.");
    expect(items()[2].getAttribute("aria-disabled")).toBe("true");
    click(items()[2]);
    expect(model.get("method")).toBe("grad-eclip");
    click(items()[1]);
    expect(model.get("method")).toBe("rise");
  });

  test("moves by arrows to disabled choices too, so that their reasons can be read", () => {
    const { items } = opened("Method");
    press(document.activeElement!, "ArrowDown");
    press(document.activeElement!, "ArrowDown");
    expect(document.activeElement).toBe(items()[2]);
  });
});

describe("the menu of methods to compare", () => {
  test("stays open, and compares with the current method first", async () => {
    const { items, model, control } = opened("Compare methods");
    click(items()[1]);
    expect(model.get("compare")).toEqual(["grad-eclip", "rise"]);
    expect(items().map((item) => item.getAttribute("aria-checked"))).toEqual(
      METHODS.map(({ name }) => String(["grad-eclip", "rise"].includes(name))),
    );
    click(items()[0]);
    expect(model.get("compare")).toEqual(["rise"]);
    click(items()[3]);
    await frame();
    expect(model.get("compare")).toEqual(["rise", "a"]);
    expect(control("Compare methods").textContent).toBe("Compare methods 2");
    press(document.activeElement!, "Escape");
    expect(items()).toHaveLength(0);
    expect(document.activeElement).toBe(control("Compare methods"));
  });

  test("accepts at most six, and none that cannot explain this model", () => {
    const { items, model, note } = opened("Compare methods");
    click(items()[2]);
    expect(model.get("compare")).toEqual([]);
    for (const at of [1, 3, 4, 5, 6]) click(items()[at]);
    const six = model.get("compare");
    expect(six).toEqual(["grad-eclip", "rise", "a", "b", "c", "d"]);
    click(items()[7]);
    expect(model.get("compare")).toEqual(six);
    point(items()[7], "pointerover");
    expect(note()).toBe("At most 6 methods at a time.");
    click(items()[3]);
    expect(items()[7].getAttribute("aria-disabled")).toBe("false");
  });

  test("offers the computed methods without a kernel", () => {
    const cells = METHODS.slice(0, 2).map(({ name, label }) => ({ name, label }));
    const view = open({ compare: ["grad-eclip"], _comparison: cells, _methods: METHODS });
    click(view.control("Compare methods"));
    expect(view.all(".gradeclip-menu button").map((item) => item.textContent)).toEqual([
      "Grad-ECLIP",
      "RISE",
    ]);
    document.body.replaceChildren();
    expect(open({ _methods: METHODS }).control("Compare methods").hidden).toBe(true);
  });
});
