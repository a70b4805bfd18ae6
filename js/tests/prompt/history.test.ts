// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Synced } from "../../src/state/synced";
import { click, fakeCanvas, frame, open, press } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const entry = (prompt: string, score: number) => ({
  prompts: [prompt],
  active: 0,
  score,
  model: "demo",
  method: "grad-eclip",
});
const CODE = 'gw.explore("street.jpg", "a cat")';

function history(state: Partial<Synced> = {}) {
  const page = open({
    live: true,
    prompt: "a dog in snow.",
    history: [entry("a dog", 0.2), entry("a cat", 0.3), entry("a bird", 0.1)],
    history_index: 1,
    _code: CODE,
    ...state,
  });
  const button = (name: string) =>
    page
      .all(".gradeclip-history button")
      .find((e) => [e.textContent, e.getAttribute("aria-label")].includes(name))!;
  return { ...page, button, items: () => page.all(".gradeclip-menu button") };
}

describe("the history", () => {
  test("back and forward set the step, and stop at the ends without losing the focus", async () => {
    const { model, button } = history();
    button("Back").focus();
    click(button("Back"));
    expect(model.get("history_index")).toBe(0);
    await frame();
    expect(button("Back").getAttribute("aria-disabled")).toBe("true");
    click(button("Back"));
    expect(model.get("history_index")).toBe(0);
    expect(document.activeElement).toBe(button("Back"));
    model.set("history_index", 2);
    await frame();
    expect(button("Forward").getAttribute("aria-disabled")).toBe("true");
  });

  test("lists the prompts with their scores, newest first, and marks the current one", () => {
    const { model, button, items } = history();
    click(button("History"));
    expect(items().map((item) => item.textContent)).toEqual(["a bird0.100", "a cat0.300", "a dog0.200"]);
    expect(items().map((item) => item.getAttribute("aria-checked"))).toEqual(["false", "true", "false"]);
    expect(document.activeElement).toBe(items()[1]);
    click(items()[2]);
    expect(model.get("history_index")).toBe(0);
    expect(document.activeElement).toBe(button("History"));
  });

  test("the list closes with Esc, and with a click elsewhere", () => {
    const { button, items, word } = history();
    click(button("History"));
    press(items()[1], "Escape");
    expect(items()).toHaveLength(0);
    expect(document.activeElement).toBe(button("History"));
    click(button("History"));
    word(0).focus();
    expect(items()).toHaveLength(0);
    expect(document.activeElement).toBe(word(0));
  });

  test.each<Partial<Synced>>([{ live: false }, { controls: ["prompt"] }])(
    "is not offered with %o",
    (state) => {
      expect(history(state).one(".gradeclip-history").hidden).toBe(true);
    },
  );

  test("is shown from two steps on; the code always", () => {
    const { button } = history({ history: [entry("a dog", 0.2)], history_index: 0 });
    expect(button("Back").parentElement!.hidden).toBe(true);
    expect(button("Copy as Python").hidden).toBe(false);
  });
});

describe("copying as Python", () => {
  const clipboard = (writeText: (text: string) => Promise<void>) =>
    vi.spyOn(navigator, "clipboard", "get").mockReturnValue({ writeText } as Clipboard);

  test("writes the code to the clipboard and confirms it", async () => {
    const write = vi.fn(async () => {});
    clipboard(write);
    const { button, one } = history();
    click(button("Copy as Python"));
    await vi.waitFor(() => expect(one(".gradeclip-said").textContent).toBe("Copied"));
    expect(write).toHaveBeenCalledWith(CODE);
    expect(one(".gradeclip-said").getAttribute("role")).toBe("status");
  });

  test.each([
    [true, "Copied"],
    [false, "The browser did not let it be copied"],
  ])("falls back to a selection where there is no clipboard (%s)", async (allowed, said) => {
    clipboard(() => Promise.reject(new Error("insecure")));
    let copied = "";
    document.execCommand = () => {
      copied = (document.activeElement as HTMLTextAreaElement | null)?.value ?? "";
      return allowed;
    };
    const { button, one, all } = history();
    click(button("Copy as Python"));
    await vi.waitFor(() => expect(one(".gradeclip-said").textContent).toBe(said));
    expect(all(".gradeclip-history textarea")).toHaveLength(0);
    expect(document.activeElement).toBe(button("Copy as Python"));
    expect(copied).toBe(CODE);
  });
});
