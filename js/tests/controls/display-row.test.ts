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
const live = (more = {}) => open({}, new LiveModel({ ...SWITCHES, ...more }));
type View = ReturnType<typeof open>;
const shown = (view: View) =>
  [
    ".gradeclip-models",
    "Method",
    "Compare methods",
    "Detail",
    "Word’s map",
    "Show what",
    "Color strength",
    "Color scale",
    "Outline",
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
    choose(control("Detail"), "448");
    await frame();
    expect([model.get("method"), model.get("resolution")]).toEqual(["gradcam", 448]);
    choose(control("Detail"), "");
    expect(model.get("resolution")).toBeNull();
  });

  test("are shown only if there is something to choose, and a kernel if one is needed", () => {
    expect(shown(live({ _models: [SWITCHES._models[0]], _resolutions: [224], _methods: [] }))).toEqual([
      "Word’s map",
      "Show what",
      "Color strength",
      "Color scale",
      "Outline",
    ]);
    document.body.replaceChildren();
    expect(shown(open(SWITCHES))).not.toContain("Method");
  });

  test("put rare ones behind “More settings”, by keyboard too", async () => {
    const view = live();
    const more = view.one(".gradeclip-controls > .gradeclip-more");
    expect(shown(view)).toEqual([
      ".gradeclip-models",
      "Method",
      "Compare methods",
      "Word’s map",
      "Show what",
    ]);
    expect([more.textContent, more.getAttribute("aria-expanded")]).toEqual(["More settings", "false"]);
    more.focus();
    click(more);
    await frame();
    expect(more.getAttribute("aria-expanded")).toBe("true");
    expect(shown(view)).toEqual(
      expect.arrayContaining(["Color strength", "Color scale", "Outline", "Detail"]),
    );
    expect(document.activeElement).toBe(more);
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
  test("are those in the list", () => {
    expect(shown(live({ controls: ["method", "reading"] }))).toEqual(["Method", "Word’s map"]);
    document.body.replaceChildren();
    const none = live({ controls: [] });
    expect(none.one(".gradeclip-controls").hidden).toBe(true);
    expect(none.one(".gradeclip-details").hidden).toBe(true);
    expect(none.one(".gradeclip-pictures").hidden).toBe(true);
  });

  test("leave the layers without the details", () => {
    const { one, all } = live({ controls: ["depth"] });
    expect(all(".gradeclip-details button")[0].hidden).toBe(false);
    expect(one(".gradeclip-identity").hidden).toBe(true);
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
      "demo (drawings only)28 MB",
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
