// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MemoryModel } from "../src/state/model";
import { payload } from "./fixtures";
import { change, click, fakeCanvas, frame, open, painted, point } from "./page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

describe("the view", () => {
  test("two views of one model follow each other", async () => {
    const model = new MemoryModel({ _payloads: [payload()] });
    const [a, b] = [open({}, model), open({}, model)];
    click(a.word(2));
    point(a.word(1), "pointerover");
    await frame();
    expect(b.one(".gradeclip-who").textContent).toBe("dog");
    expect(b.word(2).getAttribute("aria-pressed")).toBe("true");
    expect(b.word(1).className).toContain("is-shown");
  });

  test("teardown leaves no listener, no element and no pending work", async () => {
    const { close, host, word, model, stage } = open();
    const revoke = vi.spyOn(URL, "revokeObjectURL");
    const paints = painted.length;
    point(word(1), "pointerover");
    close();
    expect(model.listeners).toBe(0);
    expect(host.childElementCount).toBe(0);
    expect(revoke).toHaveBeenCalled();
    point(word(2) ?? stage, "pointerover");
    model.set("hovered_word", 0);
    await frame();
    expect(painted).toHaveLength(paints);
  });

  test("an error is announced and the last picture stays", async () => {
    const { model, one } = open();
    model.set("status", "error");
    model.set("error", "The caption has no words.");
    await frame();
    expect(one(".gradeclip-error").getAttribute("role")).toBe("alert");
    expect(one(".gradeclip-error").textContent).toBe("The caption has no words.");
    expect(one(".gradeclip-error").hidden).toBe(false);
    expect(one(".gradeclip-body").hidden).toBe(false);
  });

  test("a payload of another version is an error, and the last picture stays", async () => {
    const { model, one, word } = open();
    model.set("_payloads", [payload({ header: { version: 9 } })]);
    await frame();
    expect(one(".gradeclip-error").textContent).toMatch(/version 9/);
    expect(word(1).textContent).toBe("dog");
  });

  test("a payload from another program is an error with an explanation", () => {
    const { one } = open({ _payloads: [{ header: { version: 1 } } as never] });
    expect(one(".gradeclip-error").textContent).toMatch(/^This explanation .* Compute it again\.$/);
  });

  test("computing shows progress", async () => {
    const { model, one } = open({ status: "computing" });
    expect(one(".gradeclip").getAttribute("aria-busy")).toBe("true");
    model.set("status", "ready");
    await frame();
    expect(one(".gradeclip").getAttribute("aria-busy")).toBe("false");
  });

  test("starts without a payload and shows the first that arrives", async () => {
    const { model, one, all } = open({ _payloads: [], status: "computing" });
    expect(one(".gradeclip-empty").textContent).toBe("Explaining …");
    model.set("_payloads", [payload()]);
    await frame();
    expect(all(".gradeclip-word")).toHaveLength(4);
    expect(one(".gradeclip-empty").hidden).toBe(true);
    expect(one(".gradeclip-ramp").style.backgroundImage).toContain("gradient");
  });

  test("several prompts are rows to choose from; another prompt starts with no word pinned", async () => {
    const other = payload({
      words: ["red", "car"],
      header: { score: { ...payload().header.score, cosine: 0.12 } },
    });
    const { model, all, one } = open({ _payloads: [payload(), other], selected_words: [3] });
    const rows = all(".gradeclip-prompt");
    expect(rows.map((row) => row.textContent)).toEqual(["a dog in snow.0.34250 %", "red car.0.12050 %"]);
    const input = rows[1].querySelector("input")!;
    input.checked = true;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    await frame();
    expect(model.get("active")).toBe(1);
    expect(model.get("selected_words")).toEqual([]);
    expect(one(".gradeclip-caption").textContent).toBe("red car.");
    expect(one(".gradeclip-score b").textContent).toBe("0.120");
  });

  test("score and probability are side by side, and the logit is in the help", () => {
    const score = { cosine: 0.0812, logit: -1.3, scale: 100, bias: -10, probability: 0.214 };
    const { one } = open({ _payloads: [payload({ header: { score } })] });
    expect(one(".gradeclip-score").textContent).toBe("0.081score (cosine) · probability 21 %");
    expect(one(".gradeclip-score").dataset.help).toMatch(/its logit\): −1.3\.$/);
  });

  test("the controls write their traits", async () => {
    const { model, one, control, radio } = open();
    change(radio("alone"));
    change(radio("both"));
    const heat = control("Heat opacity");
    heat.value = "30";
    change(heat, "input");
    const contour = one("input[type=checkbox]") as HTMLInputElement;
    contour.checked = false;
    change(contour);
    await frame();
    expect(model.get("reading")).toBe("alone");
    expect(model.get("sign")).toBe("both");
    expect(model.get("opacity")).toBe(0.3);
    expect(model.get("contour")).toBe(false);
    expect(one(".gradeclip-picture").style.getPropertyValue("--opacity")).toBe("0.3");
    expect(one(".gradeclip-contour").getAttribute("d")).toBe("");
    expect(control("Heat colors").disabled).toBe(true);
    expect(one(".gradeclip-legend").textContent).toContain("what supports and what opposes it");
  });

  test("the requested theme is used; otherwise that of the page", async () => {
    document.body.dataset.jpThemeLight = "false";
    const { one, model } = open();
    expect(one(".gradeclip").dataset.theme).toBe("dark");
    model.set("theme", "light");
    await frame();
    expect(one(".gradeclip").dataset.theme).toBe("light");
    expect(one(".gradeclip").className).not.toContain("follows-host");
    delete document.body.dataset.jpThemeLight;
  });
});
