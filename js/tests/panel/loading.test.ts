// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Progress } from "../../src/state/entries";
import type { Synced } from "../../src/state/synced";
import { payload } from "../fixtures";
import { click, fakeCanvas, frame, LiveModel, open, press } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const CAPTION = "a dog in snow.";
const step = (stage: string, more: Partial<Progress> = {}): Progress => ({
  stage,
  done: 0,
  total: null,
  unit: "steps",
  ...more,
});

function openLoading(state: Partial<Synced> = {}, host?: HTMLDivElement) {
  const model = new LiveModel({
    _payloads: [],
    _preview: { image: new Uint8Array([7]), width: 60, height: 40 },
    _models: ["ViT-B-16/openai", "demo"].map((name) => ({ name, loaded: false, bytes: 0 })),
    model: "ViT-B-16/openai",
    prompt: CAPTION,
    prompts: [CAPTION],
    status: "computing",
    ...state,
  });
  const page = open({}, model, host);
  return { ...page, model, stages: () => page.all(".gradeclip-stages li") };
}

describe("until there is an explanation", () => {
  test("picture, prompts and the current stage are shown", async () => {
    const { model, one, all, stages } = openLoading({ prompts: [CAPTION, "a cat"] });
    expect(one(".gradeclip-image").getAttribute("src")).toMatch(/^blob:/);
    expect(one(".gradeclip-caption").textContent).toBe(CAPTION);
    expect(all(".gradeclip-others li").map((row) => row.textContent)).toEqual(["a cat"]);
    const current = () => all("[aria-current]").map((stage) => stage.textContent);
    expect(current()).toEqual(["Loading PyTorch"]);
    model.set("progress", step("loading weights", { done: 120e6, total: 350e6, unit: "bytes" }));
    await frame();
    expect(current()).toEqual(["Loading the model: ViT-B-16/openai, 120 of 350 MB"]);
    expect(stages()[0].className).toBe("is-done");
    model.set("progress", step("maps"));
    await frame();
    expect(current()).toEqual(["Explaining"]);
  });

  test("it is replaced by the explanation", async () => {
    const { model, all } = openLoading();
    model.set("_payloads", [payload()]);
    model.set("_preview", null);
    model.set("status", "ready");
    await frame();
    expect(all(".gradeclip-loading")).toEqual([]);
    expect(all(".gradeclip-caption .gradeclip-word")).toHaveLength(4);
  });

  test("the prompt can be edited, and stays on the screen until the field is closed", async () => {
    const { model, one, all } = openLoading();
    press(one(".gradeclip-loading .gradeclip-icon"), "F2");
    const field = one(".gradeclip-loading textarea") as HTMLTextAreaElement;
    expect(field.value).toBe(CAPTION);
    model.set("_payloads", [payload()]);
    await frame();
    field.value = "a wolf";
    press(field, "Enter");
    expect(model.get("prompt")).toBe("a wolf");
    await frame();
    expect(all(".gradeclip-loading")).toEqual([]);
  });

  test("the work can be canceled", () => {
    const { model, all } = openLoading();
    click(all(".gradeclip-loading button").find((button) => button.textContent === "Cancel")!);
    expect(model.sent.map(({ content }) => content.type)).toEqual(["cancel"]);
  });

  test("after an error one can try again, or choose another model", async () => {
    const { model, one, all, control } = openLoading();
    model.set("status", "error");
    model.set("error", "The weights could not be downloaded.");
    await frame();
    expect(one(".gradeclip-error").textContent).toBe("The weights could not be downloaded.");
    expect(one(".gradeclip-stages").hidden).toBe(true);
    click(all(".gradeclip-loading button").find((button) => button.textContent === "Try again")!);
    expect(model.sent.map(({ content }) => content.type)).toEqual(["retry"]);
    click(control("Model"));
    click(all("[role^=menuitem]").find((item) => item.textContent?.includes("embedded"))!);
    expect(model.get("model")).toBe("demo");
  });

  test("without a kernel nothing is promised", () => {
    const host = document.createElement("div");
    host.className = "jupyter-widgets-disconnected"; // a notebook that was saved at this moment
    const { one, all } = openLoading({}, host);
    expect(one(".gradeclip-loading").textContent).toMatch(/run the cell/);
    expect(one(".gradeclip-stages").hidden).toBe(true);
    expect(all(".gradeclip-loading button").every((button) => button.hidden)).toBe(true);
  });
});
