// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fakeCanvas, frame, LiveModel, open, point, press } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const LOWERS = "Show what in the picture speaks against the words";

describe("the help on a control", () => {
  test("is shown at once by keyboard, is the control's description, and is hidden when the focus leaves", () => {
    const { radio, one, stage } = open();
    const lowers = radio("opposes");
    press(document.body, "Tab");
    lowers.focus();
    const help = one(".gradeclip-help");
    expect([help.hidden, help.textContent, help.getAttribute("role")]).toEqual([false, LOWERS, "tooltip"]);
    expect(lowers.getAttribute("aria-describedby")).toBe(help.id);
    stage.focus();
    expect(help.hidden).toBe(true);
    expect(lowers.hasAttribute("aria-describedby")).toBe(false);
    expect(lowers.getAttribute("aria-description")).toBe(LOWERS); // also while the help is hidden
  });

  test("is shown when the pointer rests, stays while the pointer is on it, and is hidden after that", async () => {
    const { radio, one } = open();
    const help = one(".gradeclip-help");
    point(radio("opposes").closest("label")!, "pointerover");
    expect(help.hidden).toBe(true);
    await vi.waitFor(() => expect(help.textContent).toBe(LOWERS));
    point(help, "pointerover");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(help.hidden).toBe(false);
    point(one(".gradeclip-score"), "pointerout");
    point(one(".gradeclip"), "pointerleave");
    await vi.waitFor(() => expect(help.hidden).toBe(true));
  });

  test("is hidden by Esc; the selection stays until the next Esc", async () => {
    const { radio, one, model } = open({ selected_words: [1] });
    const lowers = radio("opposes");
    lowers.focus();
    press(lowers, "Escape");
    expect(one(".gradeclip-help").hidden).toBe(true);
    expect(model.get("selected_words")).toEqual([1]);
    press(lowers, "Escape");
    expect(model.get("selected_words")).toEqual([]);
  });

  test("is not shown for focus by a press of the pointer", () => {
    const { radio, one } = open();
    const lowers = radio("opposes");
    point(lowers, "pointerdown");
    lowers.focus();
    expect(one(".gradeclip-help").hidden).toBe(true);
  });

  test("is not shown for focus that returns after an edit or a menu", () => {
    const { one } = open({}, new LiveModel());
    const pencil = one('[aria-label="Edit the prompt (F2)"]');
    pencil.click();
    press(one(".gradeclip-line textarea"), "Enter");
    expect(document.activeElement).toBe(pencil);
    expect(one(".gradeclip-help").hidden).toBe(true);
  });

  test("is hidden with its control", async () => {
    const { radio, one, model } = open();
    radio("opposes").focus();
    expect(one(".gradeclip-help").hidden).toBe(false);
    model.set("controls", []);
    await frame();
    expect(one(".gradeclip-help").hidden).toBe(true);
  });
});

test("every control has a name in plain words and a help", () => {
  const { all } = open(
    {},
    new LiveModel({
      _methods: [
        { name: "grad-eclip", label: "Grad-ECLIP" },
        { name: "gradcam", label: "Grad-CAM" },
      ],
      method: "grad-eclip",
      _models: [
        { name: "demo", loaded: true, bytes: 1 },
        { name: "other", loaded: false, bytes: 0 },
      ],
      _resolutions: [112, 224],
      region: { kind: "box", box: [0, 0, 20, 20] },
      _vocabularies: ["demo"],
    }),
  );
  const controls = all(
    ".gradeclip-settings :is(button, input, select), .gradeclip-overview input, .gradeclip-erase input, " +
      ".gradeclip-vocabulary select, .gradeclip-details button, .gradeclip-tools button, .gradeclip-pictures button",
  );
  const helpless = controls.filter((control) => !control.closest("[data-help]"));
  expect(controls.length).toBeGreaterThan(20);
  expect(helpless.map((control) => control.textContent)).toEqual([
    "Settings", // its text is enough
  ]);
});
