// @vitest-environment happy-dom
// After a change of any input, the view looks like a new one that is made from the changed state.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { HistoryEntry, MethodCell, MethodEntry } from "../src/state/entries";
import { MemoryModel } from "../src/state/model";
import { Store, VIEW_DEFAULTS, type ViewState } from "../src/state/store";
import { DEFAULTS, type Synced } from "../src/state/synced";
import { mount } from "../src/view";
import { depth, payload, random } from "./fixtures";

const dog = payload({
  adding: { base: 0.05, values: [0.01, 0.2, -0.05, 0.1321] },
  shares: [0, 0.1, 0.04, 0.2],
  header: { notes: ["A note."] },
});
const cat = payload({
  words: ["two", "black", "cats", "sleep", "here"],
  gaps: ["", " ", " ", " ", " ", "!"],
  grid: [3, 2],
  size: [40, 60],
  cover: [0, 10, 40, 50],
  flags: [{}, { attribute: true }, {}, { known: false }, { truncated: true }],
  importance: [0.1, 0.2, -0.3, 0, 0],
  header: { method: "Another", seconds: null, score: { ...dog.header.score, cosine: 0.1 } },
});
const foreign = payload({ header: { foreign: { model: "ViT-B-32", megabytes: 600 }, notes: ["Foreign."] } });
const reference = payload({ header: { reference: true } });
const box = { kind: "box", box: [20, 0, 40, 20] } as const;
const lasso = {
  kind: "polygon",
  points: [
    [0, 0],
    [30, 0],
    [30, 30],
  ],
} as const;

const methods: MethodEntry[] = [
  { name: "grad-eclip", label: "Grad-ECLIP", purpose: "Fast.", limits: "Coarse." },
  { name: "rise", label: "RISE", blocks: false },
  { name: "chefer", label: "Chefer", refusal: "Not for this model." },
];
const cell = (name: string, raw: typeof dog): MethodCell => ({
  name,
  label: name,
  header: { ...raw.header, method: name },
  maps: raw.maps,
});
const moved = payload({
  rows: [0, 1, 2, 3].map((w) => Array.from({ length: 6 }, (_, i) => (i === 5 - w ? 2 : -0.1))),
});
const curve = [
  [0, 1],
  [0.25, 0.8],
  [0.5, 0.3],
] as const;
const step = (prompt: string): HistoryEntry => ({
  prompts: [prompt],
  active: 0,
  score: 0.2,
  model: "demo",
  method: "grad-eclip",
});

/** Values for every trait. A new switch, number or text needs no entry, since `guess` has values for it. */
const SYNCED = {
  _code: ["explain(...)"],
  _comparison: [[], [cell("grad-eclip", moved), { name: "rise", label: "RISE", error: "Out of memory." }]],
  _depth: [null, depth(dog), depth(cat)],
  _methods: [[], methods],
  _models: [[], ["demo", "ViT-B-32"].map((name, k) => ({ name, loaded: k === 0, bytes: 1e6 }))],
  _payloads: [[dog], [cat], [dog, cat], [cat, dog, moved], [foreign], [reference]],
  _pictures: [[], ["a", "b", "c"].map((name, k) => ({ name, thumbnail: new Uint8Array([k]) }))],
  _preview: [null, { image: new Uint8Array([7]), width: 60, height: 40 }],
  _resolutions: [[], [224, 448]],
  _vocabularies: [[], ["animals", "colors"]],
  active: [0, 1],
  color_scale: ["viridis", "unknown"],
  compare: [[], ["rise"], ["rise", "grad-eclip"]],
  contour: [true, false],
  controls: [null, [], ["prompt", "sign", "contour", "erase"]],
  curves: [true, false],
  depth: [true, false],
  details: [true, false],
  erase: ["", "blur", "mean"],
  erased: [null, { how: "blur", image: new Uint8Array([7]), scores: [0.1, 0.2] }],
  error: ["", "Something failed."],
  history: [[], [step("a dog"), step("two cats")]],
  history_index: [0, 1],
  hovered_word: [null, 0, 1, 99],
  image_block: [null, 1],
  importance: ["", "grad-eclip", "leave-one-out"],
  live: [true, false],
  match_scale: [true, false],
  method: ["rise", "chefer"],
  model: ["demo", "ViT-B-32"],
  opacity: [0.3],
  overview: ["words", "caption"],
  perturbation_curves: [{}, { rise: { source: "caption", deletion: curve, insertion: curve } }],
  picture: [0, 1],
  progress: [null, { stage: "maps", done: 3, total: 12, unit: "steps" }],
  prompt: ["", "a dog in deep snow."],
  prompts: [[], ["a dog in snow.", "two black cats sleep here!"]],
  reading: ["in caption", "alone"],
  region: [null, box, lasso],
  resolution: [null, 448],
  seen: [[], [{ word: "dog", value: 0.3 }], ["cat", "dog"].map((word, k) => ({ word, value: 0.3 - k / 10 }))],
  selected_words: [[], [1], [1, 3], [77]],
  sign: ["positive", "negative", "both"],
  status: ["ready", "computing", "error"],
  text_block: [null, 0],
  theme: ["auto", "light", "dark"],
  unrelated: [[], [[0.1, 0.2, 0.3, 0.4]], [[0.01, 0.02], [0.3]]],
  versus: [null, 0, 1],
  vocabulary: ["", "colors"],
} satisfies { readonly [K in keyof Synced]?: readonly Synced[K][] };
const VIEW: { readonly [K in keyof ViewState]: readonly ViewState[K][] } = {
  pointer: [null, [0.5, 0.2], [0.9, 0.9]],
  cursor: [null, 2, 5],
  draft: [null, lasso],
  tool: ["box", "lasso", null],
  touch: [true, false],
  unfolded: [true, false],
  settings: [true, false],
  kernel: ["there", "silent", "lost", "absent"],
  uploadError: ["", "Too large."],
};

/** The states that are changed: together they show every component. */
const kernel: Partial<Synced> = {
  _code: "code",
  _methods: methods,
  _models: SYNCED._models[1],
  _pictures: SYNCED._pictures[1],
  _resolutions: [224, 448],
  _vocabularies: ["animals"],
  history: SYNCED.history[1],
  live: true,
  method: "grad-eclip",
  model: "demo",
  prompt: "a dog in snow.",
  unrelated: [[0.1, 0.2, 0.3, 0.4], [0.3]],
};
const STATES: Record<string, readonly [Partial<Synced>, Partial<ViewState>]> = {
  "a page with the pointer on the picture": [{ _payloads: [dog] }, { pointer: [0.5, 0.2] }],
  "a region with its questions answered": [
    {
      ...kernel,
      _payloads: [dog],
      erase: "blur",
      erased: SYNCED.erased[1],
      region: box,
      seen: SYNCED.seen[2],
      selected_words: [1],
      vocabulary: "animals",
    },
    { cursor: 1, unfolded: true, settings: true },
  ],
  "two prompts, one subtracted": [
    {
      ...kernel,
      _payloads: [dog, moved, cat],
      prompts: ["a dog in snow.", "a dog in snow.", "two cats"],
      versus: 1,
    },
    { pointer: [0.1, 0.1] },
  ],
  "methods side by side": [
    {
      ...kernel,
      _comparison: [cell("grad-eclip", dog), cell("rise", moved)],
      _payloads: [dog],
      compare: ["grad-eclip", "rise"],
      curves: true,
      perturbation_curves: SYNCED.perturbation_curves[1],
    },
    {},
  ],
  "one step inside the model": [
    { ...kernel, _depth: depth(dog), _payloads: [dog], depth: true, image_block: 1, status: "computing" },
    {},
  ],
};

let frames: (() => void)[] = [];

/** Run the requested animation frames, and those that they request. */
function draw(): void {
  for (let k = 0; frames.length > 0; k++) {
    expect(k).toBeLessThan(5);
    const due = frames;
    frames = [];
    for (const run of due) run();
  }
}

function view(synced: Partial<Synced>, state: Partial<ViewState>) {
  const host = document.createElement("div");
  document.body.append(host);
  const model = new MemoryModel({ ...synced });
  const store = new Store(model);
  Object.assign(store.view, state);
  const close = mount(model, host, store);
  draw();
  return {
    model,
    store,
    look: () => normalForm(host.firstElementChild!),
    close: () => {
      close();
      host.remove();
    },
  };
}

/** What a new view looks like in a state. */
function lookOf(synced: Partial<Synced>, state: Partial<ViewState>): string {
  const { look, close } = view(synced, state);
  const text = look();
  close();
  return text;
}

const RANDOM = ["id", "name", "aria-controls"]; // attributes with a random id
/** What depends on the past: announcements, the change of the score, and words that appear after a delay. */
const PAST = ".gradeclip-spoken, .gradeclip-change, .gradeclip-stage-words";

/** The visible elements with their texts, attributes, properties and pixels, one a line. */
function normalForm(element: Element, indent = ""): string {
  if (element.hasAttribute("hidden") || element.matches(PAST)) return "";
  const attributes = [...element.attributes]
    .filter(({ name, value }) => !RANDOM.includes(name) && value.trim() !== "")
    .map(({ name, value }) => {
      const parts =
        name === "class" ? value.trim().split(/\s+/) : name === "style" ? value.split(";") : [value];
      return `${name}=${parts
        .map((part) => part.trim())
        .filter((part) => part && !part.endsWith(":"))
        .sort()
        .join(" ")}`;
    });
  const { checked, value, disabled, indeterminate } = element as HTMLInputElement;
  const isInput = element.matches("input, select, textarea");
  const properties = isInput
    ? [`${checked} ${element.matches("[type=file]") ? "" : value} ${disabled} ${indeterminate}`]
    : [];
  const line = `${indent}${[element.localName, ...attributes.sort(), ...properties].join(" | ")}\n`;
  const children = [...element.childNodes].map((child) =>
    child instanceof Element
      ? normalForm(child, `${indent}  `)
      : `${indent}  ${JSON.stringify(child.textContent)}\n`,
  );
  return line + children.join("");
}

beforeEach(() => {
  frames = [];
  vi.stubGlobal("requestAnimationFrame", (run: () => void) => frames.push(run));
  vi.stubGlobal("cancelAnimationFrame", () => {
    frames = [];
  });
  vi.stubGlobal(
    "Blob",
    class {
      constructor(readonly parts: readonly unknown[]) {}
    },
  );
  vi.spyOn(URL, "createObjectURL").mockImplementation(
    (blob) => `blob:${(blob as unknown as { parts: unknown[] }).parts}`,
  );
  vi.spyOn(URL, "revokeObjectURL").mockImplementation(() => {});
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(function (this: HTMLCanvasElement) {
    return {
      createImageData: (width: number, height: number) => ({
        width,
        height,
        data: new Uint8ClampedArray(4 * width * height),
      }),
      putImageData: (image: ImageData) => {
        let hash = 0;
        for (const value of new Uint32Array(image.data.buffer)) hash = (31 * hash + value) | 0;
        this.setAttribute("data-pixels", String(hash));
      },
    } as unknown as CanvasRenderingContext2D;
  } as unknown as HTMLCanvasElement["getContext"]);
});
afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Other values for a trait, by its first value. */
function guess(first: unknown): readonly unknown[] {
  if (typeof first === "boolean") return [true, false];
  if (typeof first === "number") return [first, first + 1];
  return typeof first === "string" ? [first, `${first} other`] : [];
}

type Change = readonly [key: string, value: unknown, isSynced: boolean];
const CHANGES: readonly Change[] = [
  ...Object.entries(DEFAULTS).flatMap(([key, value]) =>
    ((SYNCED as Record<string, readonly unknown[]>)[key] ?? guess(value)).map((v): Change => [key, v, true]),
  ),
  ...Object.entries(VIEW).flatMap(([key, values]) => values.map((value): Change => [key, value, false])),
];

describe.each(Object.entries(STATES))("%s", (_, [synced, state]) => {
  test("looks like a new view after each change, and as before after it is undone", async () => {
    const initial: Record<string, unknown> = { ...DEFAULTS, ...VIEW_DEFAULTS, ...synced, ...state };
    const { model, store, look, close } = view(synced, state);
    const before = look();
    const set = (key: string, value: unknown, isSynced: boolean) => {
      if (isSynced) model.set(key as keyof Synced, value as never);
      else Object.assign(store.view, { [key]: value });
      draw();
    };
    for (const [key, value, isSynced] of CHANGES) {
      if (JSON.stringify(value) === JSON.stringify(initial[key])) continue;
      set(key, value, isSynced);
      const change = { [key]: value };
      const expected = isSynced
        ? lookOf({ ...synced, ...change }, state)
        : lookOf(synced, { ...state, ...change });
      expect(look(), `${key}: ${JSON.stringify(value)}`).toBe(expected);
      set(key, initial[key], isSynced);
      expect(look(), `${key}, undone`).toBe(before);
      await new Promise(setImmediate); // happy-dom frees removed elements between tasks
    }
    close();
  }, 60_000);
});

test("a view without an explanation looks like a new one once it has one", () => {
  const { model, look, close } = view({ status: "computing" }, {});
  model.set("_payloads", [dog]);
  draw();
  expect(look()).toBe(lookOf({ status: "computing", _payloads: [dog] }, {}));
  close();
});

test("looks like a new view after many changes at once", async () => {
  const next = random(7);
  const synced: Partial<Synced> = { ...kernel, _payloads: [dog] };
  const state: Partial<ViewState> = {};
  const { model, store, look, close } = view(synced, state);
  for (let round = 0; round < 40; round++) {
    const { _payloads } = synced;
    for (let k = 0; k < 4; k++) {
      const [key, value, isSynced] = CHANGES[Math.floor(next() * CHANGES.length)];
      Object.assign(isSynced ? synced : state, { [key]: value });
      if (isSynced) model.set(key as keyof Synced, value as never);
      else Object.assign(store.view, { [key]: value });
    }
    draw();
    if (synced._payloads !== _payloads) state.uploadError = ""; // the new explanation has cleared it
    expect(look(), `round ${round}`).toBe(lookOf(synced, state));
    await new Promise(setImmediate);
  }
  close();
}, 60_000);
