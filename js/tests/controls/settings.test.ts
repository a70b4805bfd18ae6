// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { payload } from "../fixtures";
import { change, click, fakeCanvas, frame, LiveModel, open, press } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const SWITCHES = {
  method: "grad-eclip",
  _methods: [
    { name: "grad-eclip", label: "Grad-ECLIP" },
    { name: "gradcam", label: "Grad-CAM" },
  ],
  model: "demo",
  _models: [
    { name: "demo", loaded: true, bytes: 28_000_000 },
    { name: "ViT-B-16/openai", loaded: true, bytes: 604_000_000 },
    { name: "ViT-L-14/openai", loaded: false, bytes: 0 },
  ],
  _resolutions: [224, 336, 448],
};
/** A view with the settings opened. */
function live(more = {}) {
  const view = open({}, new LiveModel({ ...SWITCHES, ...more }));
  click(view.one(".gradeclip-settings-button"));
  return view;
}
type View = ReturnType<typeof open>;
const shown = (view: View) =>
  [
    ".gradeclip-models",
    "Method",
    "Compare methods",
    "Read each word",
    "Show",
    "Heat opacity",
    "Heat colors",
    "Outline",
    "Resolution",
  ].filter((name) => {
    const control = name.startsWith(".") ? view.one(name) : (view.control(name) as HTMLElement | undefined);
    return control && !control.closest("[hidden]");
  });
const choose = (select: HTMLInputElement, value: string) => {
  select.value = value;
  change(select);
};

describe("the switches", () => {
  test("write their traits", async () => {
    const { control, model, all } = live();
    click(control("Method"));
    click(all(".gradeclip-menu button")[1]);
    choose(control("Resolution"), "448");
    await frame();
    expect([model.get("method"), model.get("resolution")]).toEqual(["gradcam", 448]);
    choose(control("Resolution"), "");
    expect(model.get("resolution")).toBeNull();
  });

  test("are shown only if there is something to choose, and a kernel if one is needed", async () => {
    const view = live({ _models: [SWITCHES._models[0]], _resolutions: [224], _methods: [] });
    await frame();
    expect(shown(view)).toEqual(["Read each word", "Show", "Heat opacity", "Heat colors", "Outline"]);
    document.body.replaceChildren();
    expect(shown(open(SWITCHES))).not.toContain("Method");
  });

  test("model and methods are always in sight, the others behind “Settings”, by keyboard too", async () => {
    const view = open({}, new LiveModel(SWITCHES));
    const button = view.one(".gradeclip-settings-button");
    expect(shown(view)).toEqual([".gradeclip-models", "Method", "Compare methods"]);
    expect([button.textContent, button.getAttribute("aria-expanded")]).toEqual(["Settings", "false"]);
    button.focus();
    click(button);
    await frame();
    expect(button.getAttribute("aria-expanded")).toBe("true");
    expect(shown(view)).toHaveLength(9);
    expect(document.activeElement).toBe(button);
  });

  test("a resolution that is not in the list is shown too", () => {
    const { control } = live({ resolution: 280 });
    const select = control("Resolution") as unknown as HTMLSelectElement;
    expect([...select.options].map((option) => option.textContent)).toEqual([
      "224 px (native)",
      "280 px",
      "336 px",
      "448 px",
    ]);
    expect(select.value).toBe("280");
  });

  test("keep the focus when the requested explanation arrives", async () => {
    const { control, model, all } = live();
    const method = control<HTMLButtonElement>("Method");
    click(method);
    click(all(".gradeclip-menu button")[1]);
    model.set("_payloads", [payload({ header: { method: "Grad-CAM" } })]);
    await frame();
    expect(document.activeElement).toBe(method);
    expect(method.textContent).toBe("Method Grad-CAM");
  });
});

describe("the visible controls", () => {
  test("are those in the list", async () => {
    const view = live({ controls: ["method", "reading"] });
    await frame();
    expect(shown(view)).toEqual(["Method", "Read each word"]);
    document.body.replaceChildren();
    const none = live({ controls: [] });
    expect(none.one(".gradeclip-settings").hidden).toBe(true);
    expect(none.one(".gradeclip-details").hidden).toBe(true);
    expect(none.one(".gradeclip-pictures").hidden).toBe(true);
  });
});

describe("the menu of models", () => {
  const opened = (more = {}) => {
    const view = live(more);
    const button = view.one(".gradeclip-models");
    click(button);
    return { ...view, button, items: () => view.all(".gradeclip-menu button") };
  };

  test("shows which models are in memory and their sizes, and frees those that are not in use", async () => {
    const { button, items, model } = opened();
    expect(items().map((item) => item.textContent)).toEqual([
      "embedded model (drawings only)28 MB",
      "ViT-B-16/openai604 MB",
      "ViT-L-14/openainot loaded",
      "Free ViT-B-16/openai604 MB",
    ]);
    click(items()[3]);
    expect((model as LiveModel).sent.map(({ content }) => content)).toEqual([
      { type: "free", model: "ViT-B-16/openai" },
    ]);
    expect(document.activeElement).toBe(button);
    model.set(
      "_models",
      SWITCHES._models.map((m) => (m.name === "demo" ? m : { ...m, loaded: false, bytes: 0 })),
    );
    await frame();
    click(button);
    expect(items()).toHaveLength(3);
    expect(items()[1].textContent).toBe("ViT-B-16/openainot loaded");
  });

  test("opens at the current model, moves by arrows, chooses and closes", () => {
    const { items, button, model } = opened();
    expect(items()[0]).toBe(document.activeElement);
    expect(items().map((item) => item.getAttribute("aria-checked"))).toEqual([
      "true",
      "false",
      "false",
      null,
    ]);
    press(document.activeElement!, "ArrowDown");
    press(document.activeElement!, "ArrowDown");
    click(document.activeElement!);
    expect(model.get("model")).toBe("ViT-L-14/openai");
    expect(items()).toHaveLength(0);
    expect(document.activeElement).toBe(button);
  });

  test("closes on Esc, and the selection in the picture stays", async () => {
    const { items, button, model } = opened({ selected_words: [1] });
    press(document.activeElement!, "Escape");
    await frame();
    expect(items()).toHaveLength(0);
    expect(document.activeElement).toBe(button);
    expect(model.get("selected_words")).toEqual([1]);
  });

  test("names are never parsed as HTML", () => {
    const evil = "<img src=x onerror=alert(1)>";
    const { host, items } = opened({
      _models: [...SWITCHES._models, { name: evil, loaded: true, bytes: 1 }],
    });
    expect(items().map((item) => item.textContent)).toContain(`${evil}1 bytes`);
    expect(host.querySelector("[onerror]")).toBeNull();
  });
});
