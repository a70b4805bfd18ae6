// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { mount as mountGallery } from "../../src/gallery";
import { payload } from "../fixtures";
import { FakeModel } from "../gallery/pairs";
import { click, fakeCanvas, frame, LiveModel, open, press } from "../page";

const FOCUSABLE = "button, input, select, textarea, [tabindex]";
const MOVES = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageDown", "Home", "End"];
const COMMANDS = ["a", "b", "x", "Delete", "Enter", " "]; // a notebook inserts, cuts, deletes, edits cells on these
const FOR_THE_HOST: [string, KeyboardEventInit][] = [
  ["s", { ctrlKey: true }],
  ["s", { metaKey: true }],
  ["Enter", { ctrlKey: true }],
  ["ArrowDown", { ctrlKey: true }],
  ["Tab", {}],
  ["F5", {}],
];

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

/** Press a key on an element: whether the window receives it, where VS Code listens, and whether it was handled. */
function pressed(target: Element, key: string, more: KeyboardEventInit = {}) {
  let received = false;
  let handled = false;
  const atFirst = (event: Event) => {
    const prevent = event.preventDefault.bind(event);
    event.preventDefault = () => {
      handled = true;
      prevent();
    };
  };
  const atLast = () => {
    received = true;
  };
  window.addEventListener("keydown", atFirst, { capture: true });
  window.addEventListener("keydown", atLast);
  press(target, key, more);
  window.removeEventListener("keydown", atFirst, { capture: true });
  window.removeEventListener("keydown", atLast);
  return { received, handled };
}

/** A live view with two prompts, a region, a pinned word and an open menu. */
async function openView() {
  const model = new LiveModel({
    _payloads: [payload(), payload({ words: ["red", "car"] })],
    _methods: ["grad-eclip", "rise"].map((name) => ({ name, label: name })),
    _vocabularies: ["animals"],
    prompts: ["a dog in snow.", "red car."],
    region: { kind: "box", box: [20, 0, 40, 20] },
    selected_words: [1],
  });
  const { host, all } = open({}, model);
  await frame();
  click(all("[aria-haspopup=menu]").at(-1)!);
  return host;
}

async function openGallery() {
  const host = document.createElement("div");
  document.body.append(host);
  onTestFinished(mountGallery(new FakeModel(), host));
  await frame();
  return host;
}

describe.each([
  ["view", openView],
  ["gallery", openGallery],
])("a key in the %s", (_, show) => {
  test("does not reach the host if an element handles it, or if it would change the notebook", async () => {
    const host = await show();
    const kinds = new Set<string>();
    let count = 0;
    for (const element of host.querySelectorAll(FOCUSABLE)) {
      for (const key of [...MOVES, ...COMMANDS, "F2", "Escape"]) {
        for (const shiftKey of [false, true]) {
          const { received, handled } = pressed(element, key, { shiftKey });
          const native = MOVES.includes(key) && element.matches("input, select, textarea");
          if (handled || native || COMMANDS.includes(key)) {
            expect(received, `${key} on ${element.className || element.textContent}`).toBe(false);
            count += 1;
            if (handled) kinds.add(key);
          }
        }
      }
    }
    expect(count).toBeGreaterThan(100);
    expect([...kinds]).toEqual(expect.arrayContaining(["ArrowUp", "ArrowRight", "Enter"]));
  });

  test("reaches the host if nothing in it handles the key", async () => {
    const host = await show();
    const others = [...host.querySelectorAll(FOCUSABLE)].filter((e) => !e.closest("[role=menu], textarea"));
    for (const element of others)
      for (const [key, more] of FOR_THE_HOST)
        expect(pressed(element, key, more), `${key} on ${element.className || element.textContent}`).toEqual({
          received: true,
          handled: false,
        });
  });
});

test("Escape ends in the view while there is something to clear", async () => {
  const { word, model } = open({ selected_words: [2] });
  await frame();
  expect(pressed(word(0), "Escape")).toEqual({ received: false, handled: true });
  expect(model.get("selected_words")).toEqual([]);
  expect(pressed(word(0), "Escape")).toEqual({ received: true, handled: false });
});

test("JupyterLab receives Ctrl+S from the view, and no other key", async () => {
  const { word } = open();
  const suppresses = () => word(0).hasAttribute("data-lm-suppress-shortcuts");
  const seen: boolean[] = [];
  const lab = () => seen.push(suppresses());
  document.addEventListener("keydown", lab);
  press(word(0), "s", { ctrlKey: true });
  press(word(0), "x");
  document.removeEventListener("keydown", lab);
  expect(seen).toEqual([false]);
  await vi.waitFor(() => expect(suppresses()).toBe(true)); // JupyterLab before 4.1 looks before the view receives the key
});
