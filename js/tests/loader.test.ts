// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const SCRIPT = `export default { render: ({ el }) => { el.textContent += "drawn"; } };`;

/** A widget's model in a host with a widget manager that knows some models. */
function widget(models: Record<string, { script: string; style: string }>) {
  const traits: Record<string, string> = { _anywidget_id: "Widget", _shared_code: "IPY_MODEL_code" };
  return {
    get: (name: string) => traits[name],
    send: vi.fn(),
    widget_manager: {
      get_model: vi.fn(async (id: string) => {
        const state = models[id];
        if (!state) throw new Error("widget model not found");
        return { get: (name: "script" | "style") => state[name] };
      }),
    },
  };
}

async function render(model: ReturnType<typeof widget>): Promise<HTMLElement> {
  const { default: loader } = await import("../src/loader");
  const el = document.createElement("div");
  await loader.render({ model, el } as never);
  return el;
}

beforeEach(() => {
  vi.resetModules();
  // Node cannot import blob URLs, but it imports data URLs.
  vi.spyOn(URL, "createObjectURL").mockImplementation(
    (blob) =>
      `data:text/javascript,${encodeURIComponent((blob as unknown as { text: string }).text)}#${Math.random()}`,
  );
  vi.stubGlobal(
    "Blob",
    class {
      readonly text: string;
      constructor(parts: string[]) {
        this.text = parts.join("");
      }
    },
  );
});
afterEach(() => {
  document.head.replaceChildren();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("widgets show the script of the shared model, which is imported once", async () => {
  const code = { script: SCRIPT, style: "p { color: red }" };
  const both = [await render(widget({ code })), await render(widget({ code }))];
  expect(both.map((el) => el.textContent)).toEqual(["drawn", "drawn"]);
  expect(URL.createObjectURL).toHaveBeenCalledTimes(1);
  expect([...document.querySelectorAll("style")].map((style) => style.textContent)).toEqual([code.style]);
});

test("widgets of two versions get their own script, and the latest style", async () => {
  await render(widget({ code: { script: SCRIPT, style: "old" } }));
  const el = await render(widget({ code: { script: SCRIPT.replace("drawn", "new"), style: "new" } }));
  expect(el.textContent).toBe("new");
  expect([...document.querySelectorAll("style")].map((style) => style.textContent)).toEqual(["new"]);
});

test("where the host does not know the shared model, Python is asked for the code", async () => {
  const model = widget({});
  expect((await render(model)).textContent).toBe("");
  expect(model.send).toHaveBeenCalledExactlyOnceWith({ type: "code" });
});
