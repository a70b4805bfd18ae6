// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { mount } from "../../src/gallery";
import type { GallerySynced } from "../../src/gallery/synced";
import { change, click, frame, point, press } from "../page";
import { FakeModel, message, rawTile } from "./pairs";

const [WIDTH, HEIGHT] = [1110, 700]; // of the grid: six columns, three lines and a part of one

/** What was drawn on canvases: pictures, and maps from other canvases. */
let drawn: unknown[];

beforeEach(() => {
  drawn = [];
  const context = {
    clearRect: () => {},
    fillRect: () => {},
    save: () => {},
    restore: () => {},
    beginPath: () => {},
    rect: () => {},
    fill: () => {},
    putImageData: () => {},
    getImageData: () => ({ data: new Uint8ClampedArray(64) }),
    createImageData: (width: number, height: number) => ({
      width,
      height,
      data: new Uint8ClampedArray(4 * width * height),
    }),
    drawImage: (what: unknown) => drawn.push(what),
  };
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(
    (() => context) as unknown as HTMLCanvasElement["getContext"],
  );
  vi.stubGlobal("createImageBitmap", async () => ({ close: () => {}, bitmap: true }));
  vi.stubGlobal(
    "ResizeObserver",
    class {
      constructor(readonly tell: () => void) {}
      observe() {
        queueMicrotask(() => this.tell());
      }
      disconnect() {}
    },
  );
  const size = (name: string, value: number) =>
    vi.spyOn(HTMLElement.prototype, name as "clientWidth", "get").mockImplementation(function (
      this: HTMLElement,
    ) {
      return this.classList.contains("gallery-grid") && !this.closest("[hidden]") ? value : 0;
    });
  size("clientWidth", WIDTH);
  size("clientHeight", HEIGHT);
});
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function settle(): Promise<void> {
  for (let k = 0; k < 6; k++) await frame();
}

async function open(values: Partial<GallerySynced> = {}, model = new FakeModel(values)) {
  const host = document.createElement("div");
  document.body.append(host);
  const close = mount(model, host);
  onTestFinished(close); // else its timers fire after the page is gone
  await settle();
  const all = (selector: string) =>
    [...host.querySelectorAll<HTMLElement>(selector)].filter((element) => !element.closest("[hidden]"));
  const one = (selector: string) => all(selector)[0];
  return {
    model,
    host,
    close,
    all,
    one,
    grid: host.querySelector<HTMLElement>(".gallery-grid")!,
    button: (name: string) =>
      all("button").find((b) => [b.textContent, b.getAttribute("aria-label")].includes(name))!,
    captions: () => all(".gallery-tile .gallery-caption").map((e) => e.textContent),
    set: async (changes: Partial<GallerySynced>) => {
      for (const [key, value] of Object.entries(changes)) model.set(key as "text", value as string);
      await settle();
    },
  };
}

async function scrollTo(grid: HTMLElement, top: number): Promise<void> {
  grid.scrollTop = top;
  grid.dispatchEvent(new Event("scroll"));
  await settle();
}

describe("the grid", () => {
  test("shows the pairs in view and requests few others", async () => {
    const { captions, model, all, grid } = await open();
    expect(captions().slice(0, 2)).toEqual(["a dog number 0", "a dog number 1"]);
    expect(all(".is-skeleton").length).toBeLessThan(all(".gallery-tile").length);
    expect(grid.getAttribute("aria-busy")).toBe("false");
    expect(all(".gallery-tile").length).toBeLessThan(60);
    const asked = model.sent.filter(({ kind }) => kind === "rows");
    expect(asked[0]).toMatchObject({ start: 0, generation: 1 });
    expect(asked.length).toBeLessThan(6);
    expect([grid.getAttribute("aria-rowcount"), grid.getAttribute("aria-colcount")]).toEqual(["167", "6"]);
  });

  test("has few elements at every scroll position, with the right pairs", async () => {
    const { grid, captions, all, one } = await open();
    for (const line of [100, 3, 160, 0]) {
      await scrollTo(grid, 14 + line * 252);
      await settle();
      expect(captions()).toContain(`a dog number ${6 * line}`);
      expect(grid.querySelectorAll("*").length).toBeLessThan(1000);
    }
    expect(all(".gallery-line").length).toBeLessThan(12);
    expect(one(".gallery-tile").getAttribute("aria-label")).toMatch(/^a dog number \d+\. Score 0\.2/);
  });

  test("keeps the old rows in view while new ones are loaded, but not for long", async () => {
    const { grid, captions, model, host } = await open();
    model.answers = false;
    const lines = host.querySelector(".gallery-lines")!;
    grid.scrollTop = 14 + 100 * 252;
    grid.dispatchEvent(new Event("scroll"));
    await frame();
    expect(captions()).toContain("a dog number 0");
    expect([grid.getAttribute("aria-busy"), lines.classList.contains("is-held")]).toEqual(["true", true]);
    await new Promise((resolve) => setTimeout(resolve, 450));
    expect(lines.classList.contains("is-held")).toBe(false);
    expect(captions().every((caption) => caption === "")).toBe(true); // blank tiles, of pairs to come
    model.answer(model.sent.at(-1)!);
    await settle();
    expect(captions()).toContain("a dog number 600");
  });

  test("paints the map over the picture, and the picture alone without heat", async () => {
    const { set } = await open();
    const isPicture = (what: unknown) => (what as { bitmap?: boolean }).bitmap === true;
    const maps = () => drawn.filter((what) => !isPicture(what)).length;
    expect(maps()).toBeGreaterThanOrEqual(18); // three lines of six
    expect(drawn.filter(isPicture).length).toBeGreaterThanOrEqual(maps());
    const painted = maps();
    drawn.length = 0;
    await set({ heat: false });
    expect([maps(), drawn.length]).toEqual([0, painted]);
  });

  test("paints a pair without thumbnail as its map alone", async () => {
    const model = new FakeModel({ order: { generation: 1, count: 1 } });
    model.answers = false;
    const { one, grid } = await open({}, model);
    const { content, buffers } = message(0, 1, 1);
    model.receive({ ...content, tiles: [{ ...content.tiles[0], thumbnail: null }] }, buffers);
    await settle();
    expect(one(".gallery-tile").classList.contains("is-skeleton")).toBe(false);
    expect([drawn.length, grid.getAttribute("aria-busy")]).toEqual([1, "false"]);
  });

  test("of another order begins at its first pair and ignores late answers", async () => {
    const { grid, model, set, captions } = await open();
    await scrollTo(grid, 14 + 100 * 252);
    model.answers = false;
    await set({ order: { generation: 2, count: 30 } });
    expect(grid.scrollTop).toBe(0);
    const late = message(0, 24, 1);
    model.receive(late.content, late.buffers);
    await settle();
    expect(captions()).not.toContain("a dog number 0");
    model.answer({ kind: "rows", generation: 2, start: 0, stop: 24 });
    await settle();
    expect(captions()).toContain("a dog number 0");
  });
});

describe("by keyboard", () => {
  test("arrows, Home and End move among the pairs, Enter opens one", async () => {
    const { grid, model, host } = await open();
    const active = () => host.querySelector(`#${grid.getAttribute("aria-activedescendant")}`)!;
    grid.dispatchEvent(new Event("focus"));
    press(grid, "ArrowRight");
    press(grid, "ArrowDown");
    expect(active().textContent).toContain("a dog number 7");
    press(grid, "End");
    await settle();
    expect(active().textContent).toContain("a dog number 999");
    press(grid, "ArrowDown");
    expect(active().textContent).toContain("a dog number 999");
    press(grid, "Home");
    await settle();
    press(grid, "PageDown");
    await settle();
    expect(active().textContent).toContain("a dog number 12");
    press(grid, "Enter");
    await frame();
    expect([model.get("selected"), model.saved]).toEqual(["pair-12", 1]);
  });
});

describe("the card", () => {
  test("shows the whole caption, its words tinted by importance, when the pointer rests on a pair", async () => {
    const { one } = await open();
    point(one(".gallery-tile"), "pointerover");
    await vi.waitFor(() => expect(one(".gallery-card")).toBeDefined());
    const marks = [...one(".gallery-card").querySelectorAll("mark")];
    expect(marks.map((mark) => [mark.textContent, mark.className])).toEqual([
      ["dog", ""],
      ["number", "is-against"],
    ]);
    expect(marks[1].style.getPropertyValue("--share")).toBe("0.500");
    expect(one(".gallery-card").textContent).toContain("No. 1 · pair-0");
    point(one(".gallery-grid"), "pointerleave");
    expect(one(".gallery-card")).toBeUndefined();
  });
});

describe("a pair that is open", () => {
  const opened = { id: "pair-2", index: 2, status: "loading" as const, sentence: "" };

  test("is shown large until its explanation replaces it", async () => {
    const { one, set, all, model } = await open();
    click(all(".gallery-tile")[2]);
    expect(model.get("selected")).toBe("pair-2");
    await set({ opened });
    expect(one(".gallery-preview").textContent).toContain("a dog number 2");
    expect([one(".gallery-where").textContent, one(".gallery-grid")]).toEqual(["3 of 1,000", undefined]);
    await set({ opened: { ...opened, status: "ready" } });
    expect([one(".gallery-preview"), one(".gallery-sentence")]).toEqual([undefined, undefined]);
  });

  test("shows why it cannot be explained, beside the picture", async () => {
    const { one, set } = await open();
    await set({ opened: { ...opened, status: "failed", sentence: "The picture is gone." } });
    expect(one(".gallery-sentence.is-failure").textContent).toBe("The picture is gone.");
    expect(one(".gallery-preview")).toBeDefined();
  });

  test("is requested if it is not among the loaded rows", async () => {
    const { one, set, model } = await open();
    await set({ opened: { ...opened, id: "pair-900", index: null } });
    expect(model.sent.at(-1)).toEqual({ kind: "pair", id: "pair-900" });
    const { buffers } = message(0, 1, 1);
    model.receive({ kind: "pair", tiles: [{ ...rawTile(0), id: "pair-900", caption: "far away" }] }, buffers);
    await settle();
    expect(one(".gallery-preview").textContent).toContain("far away");
    expect(one(".gallery-where").textContent).toBe("Not among the pairs on show");
  });

  test("moves to the next one and back to the grid by button and key", async () => {
    const { one, set, button, model, grid } = await open();
    model.set("selected", "pair-2");
    await set({ opened });
    expect(document.activeElement).toBe(button("All pairs"));
    click(button("Pair after"));
    expect(model.sent.at(-1)).toEqual({ kind: "step", by: 1 });
    press(button("All pairs"), "Escape");
    expect(model.get("selected")).toBeNull();
    await set({ opened: null });
    expect([one(".gallery-grid"), document.activeElement]).toEqual([grid, grid]);
  });
});

describe("the controls", () => {
  test("sort by a measure, the largest first, and in reverse", async () => {
    const { one, model, set, button } = await open();
    const select = one(".gallery-sort select") as HTMLSelectElement;
    expect([...select.options].map(({ value }) => value)).toEqual(["position", "score"]);
    select.value = "score";
    change(select);
    await frame();
    expect([model.get("sort"), model.get("descending"), model.saved]).toEqual(["score", true, 1]);
    await set({});
    click(button("Largest first"));
    expect(model.get("descending")).toBe(false);
  });

  test("search after a pause, and offer the roles of a word once there is a word", async () => {
    const { all, model, one, set } = await open();
    const [text, word] = all("input[type=search]") as HTMLInputElement[];
    text.value = "red";
    change(text, "input");
    expect(model.get("text")).toBe("");
    await vi.waitFor(() => expect(model.get("text")).toBe("red"));
    expect(one(".gallery-word select")).toBeUndefined();
    word.value = "dog";
    change(word);
    await set({});
    const role = one(".gallery-word select") as HTMLSelectElement;
    role.value = "ignored";
    change(role);
    expect([model.get("word"), model.get("word_role")]).toEqual(["dog", "ignored"]);
  });

  test("offer no roles of words in a run without importances", async () => {
    const about = { ...new FakeModel().get("about"), importances: false };
    const { one } = await open({ about, word: "dog" });
    expect(one(".gallery-word select")).toBeUndefined();
  });

  test("filter by score, and the full range filters nothing", async () => {
    const { all, model } = await open();
    const [low, high] = all("input[type=range]") as HTMLInputElement[];
    low.value = "100";
    change(low);
    expect(model.get("score_range")).toEqual([0.25, 0.4]);
    high.value = "50"; // not beyond the other handle
    change(high, "input");
    expect(high.value).toBe("100");
    low.value = "0";
    high.value = "200";
    change(low);
    expect(model.get("score_range")).toBeNull();
  });

  test("clear all filters at once", async () => {
    const { button, model, set, one } = await open({ text: "red", score_range: [0.2, 0.3] });
    expect(one(".gallery-count").textContent).toBe("1,000 pairs");
    await set({ order: { generation: 2, count: 0 } });
    expect(one(".gallery-empty").textContent).toContain("No pair passes these filters.");
    expect(one(".gallery-count").textContent).toBe("0 of 1,000 pairs");
    click(button("Clear filters"));
    await frame();
    expect([model.get("text"), model.get("score_range"), model.saved]).toEqual(["", null, 1]);
    await set({});
    expect(button("Clear filters")).toBeUndefined();
  });

  test("choose whose maps are shown when two runs are compared", async () => {
    const about = { ...new FakeModel().get("about"), other: "Grad-CAM · demo" };
    const { all, model, one, grid, set } = await open({ about });
    expect(one(".gallery-other").textContent).toBe("and Grad-CAM · demo");
    expect(grid.getAttribute("aria-colcount")).toBe("4");
    const radio = all("label")
      .find(({ textContent }) => textContent === "The other")!
      .querySelector("input")!;
    radio.checked = true;
    change(radio);
    expect(model.get("side")).toBe("other");
    await set({});
    expect(grid.getAttribute("aria-colcount")).toBe("6");
    await set({ progress: { done: 250, total: 1000 } });
    expect(one(".gallery-count").textContent).toBe("Comparing the runs … 25 %");
  });
});

describe("the account of the run", () => {
  const pair = {
    id: "bad",
    position: 7,
    caption: "<b>x</b>",
    image: "7.jpg",
    stage: "picture",
    error: "OSError",
    reason: "it is damaged",
  };

  test("counts pairs, and lists those that failed on request", async () => {
    const { button, model, one, host } = await open();
    click(button("2 failed, 3 left out"));
    await settle();
    expect(model.sent.at(-1)).toEqual({ kind: "errors", start: 0, stop: 100 });
    model.receive({ kind: "errors", start: 0, errors: [pair] });
    expect(one(".gallery-account").textContent).toContain("2 failed: reading the <picture>.");
    expect(one("tbody").textContent).toContain("it is damaged");
    expect(host.querySelector("tbody b")!.textContent).toBe("bad"); // text, never markup
    click(button("Show more"));
    expect(model.sent.at(-1)).toEqual({ kind: "errors", start: 1, stop: 101 });
    click(button("Back to the pairs"));
    await settle();
    expect(one(".gallery-grid")).toBeDefined();
  });

  test("has no table if none failed", async () => {
    const { button, model, one } = await open({ account: { failed: 0, left_out: 0, lines: ["All."] } });
    click(button("Account of the run"));
    await settle();
    expect(one(".gallery-account").textContent).toBe("All.");
    expect(one("table")).toBeUndefined();
    expect(model.sent.map(({ kind }) => kind)).not.toContain("errors");
  });
});

test("an error from Python is announced", async () => {
  const { one, set } = await open();
  expect(one(".gradeclip-error")).toBeUndefined();
  await set({ error: "The run cannot be read any more." });
  expect([one(".gradeclip-error").textContent, one(".gradeclip-error").getAttribute("role")]).toEqual([
    "The run cannot be read any more.",
    "alert",
  ]);
});

test("a run in which every pair failed has a message", async () => {
  const about = { ...new FakeModel().get("about"), total: 0 };
  const { one } = await open({ about, order: { generation: 1, count: 0 } });
  expect(one(".gallery-empty").textContent).toContain("No pair of this run could be explained.");
});

test("closing leaves nothing behind", async () => {
  const { close, model, host } = await open();
  close();
  expect([model.listeners, host.childElementCount]).toEqual([0, 0]);
});
