// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ANSWER_TIMEOUT, type Manager } from "../../src/state/kernel";
import { click, fakeCanvas, frame, LiveModel, open, point } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const METHODS = ["Grad-ECLIP", "Grad-CAM"].map((label) => ({ name: label.toLowerCase(), label }));

/** One of Lumino's signals. */
function signal() {
  const slots = new Set<() => void>();
  return {
    connect: (slot: () => void) => slots.add(slot),
    disconnect: (slot: () => void) => slots.delete(slot),
    emit: () => {
      for (const slot of slots) slot();
    },
    slots,
  };
}

/** As JupyterLab's manager of a notebook's widgets. */
function lab(kernel = { status: "idle", connectionStatus: "connected" }) {
  const [statusChanged, connectionStatusChanged, kernelChanged] = [signal(), signal(), signal()];
  const session: { kernel: typeof kernel | null } = { kernel };
  const widget_manager = {
    context: { sessionContext: { session, statusChanged, connectionStatusChanged, kernelChanged } },
  } satisfies Manager;
  const model = Object.assign(new LiveModel({ _methods: METHODS, method: METHODS[0].name }), {
    widget_manager,
  });
  return { kernel, session, statusChanged, connectionStatusChanged, kernelChanged, model };
}

const says = (view: ReturnType<typeof open>) => view.one(".gradeclip-notice").textContent;

test("a page that marimo has exported offers no editing", () => {
  const methods = { _methods: METHODS, method: METHODS[0].name };
  const offered = () => !open({}, new LiveModel(methods)).control("Method").closest("[hidden]");
  expect(offered()).toBe(true);
  vi.stubGlobal("__MARIMO_STATIC__", {});
  expect(offered()).toBe(false);
});

describe("a kernel that ends", () => {
  test.each(["restarting", "autorestarting", "dead"])(
    "is told by its status “%s”, and is not back when idle again",
    async (status) => {
      const { kernel, statusChanged, model } = lab();
      const view = open({}, model);
      expect(says(view)).toBe("");
      for (kernel.status of [status, "starting", "idle"]) statusChanged.emit();
      await frame();
      expect(says(view)).toMatch(/^The kernel is gone.*editing needs a kernel/);
      expect(view.control("Method").disabled).toBe(true);
    },
  );

  test("is detected by the class that ipywidgets sets on a view without a comm", async () => {
    const view = open({}, new LiveModel());
    view.host.classList.add("jupyter-widgets-disconnected");
    await vi.waitFor(() => expect(says(view)).toMatch(/gone/));
    view.host.classList.remove("jupyter-widgets-disconnected");
    await vi.waitFor(() => expect(says(view)).toBe(""));
  });

  test("is detected when it is shut down or replaced", async () => {
    const { session, kernelChanged, model } = lab();
    const view = open({}, model);
    session.kernel = null;
    kernelChanged.emit();
    await frame();
    expect(says(view)).toMatch(/gone/);
  });

  test("leaves a picture that can be hovered and clicked", async () => {
    const view = open({}, new LiveModel());
    view.host.classList.add("jupyter-widgets-disconnected");
    await vi.waitFor(() => expect(says(view)).toMatch(/gone/));
    point(view.word(1), "pointerover");
    await frame();
    expect(view.one(".gradeclip-who").textContent).toBe("dog");
  });

  test("is back when only its connection was lost and returns", async () => {
    const { kernel, connectionStatusChanged, model } = lab();
    const view = open({}, model);
    kernel.connectionStatus = "disconnected";
    connectionStatusChanged.emit();
    await frame();
    expect(says(view)).toMatch(/gone/);
    kernel.connectionStatus = "connected";
    connectionStatusChanged.emit();
    await frame();
    expect(says(view)).toBe("");
  });

  test("does not lose the focus", async () => {
    const { kernel, statusChanged, model } = lab();
    const view = open({}, model);
    view.control("Method").focus();
    kernel.status = "dead";
    statusChanged.emit();
    await frame();
    expect(document.activeElement).toBe(view.stage);
  });
});

test("without a kernel from the start, controls that need one are hidden", async () => {
  const host = document.createElement("div");
  host.classList.add("jupyter-widgets-disconnected");
  const view = open({}, new LiveModel({ _methods: METHODS, method: METHODS[0].name }), host);
  expect(says(view)).toBe("");
  expect(view.control("Method").hidden).toBe(true);
});

describe("a request", () => {
  const ask = (view: ReturnType<typeof open>) => {
    click(view.control("Method"));
    click(view.all(".gradeclip-menu button")[1]);
  };
  const model = () => new LiveModel({ _methods: METHODS, method: METHODS[0].name });
  const wait = (ms: number) => vi.advanceTimersByTime(ms);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });

  test("without an answer has a notice that is also true of a busy kernel", async () => {
    const view = open({}, model());
    ask(view);
    wait(ANSWER_TIMEOUT - 1);
    await frame();
    expect(says(view)).toBe("");
    wait(1);
    await frame();
    expect(says(view)).toMatch(/busy with something else, or gone/);
    expect(view.control("Method").disabled).toBe(false);
    view.model.set("status", "computing");
    await frame();
    expect(says(view)).toBe("");
  });

  test("that is answered in time has none", async () => {
    const view = open({}, model());
    ask(view);
    view.model.set("status", "computing");
    wait(2 * ANSWER_TIMEOUT);
    await frame();
    expect(says(view)).toBe("");
  });

  test("to a kernel that its host reports as idle has none", async () => {
    const view = open({}, lab().model);
    ask(view);
    wait(2 * ANSWER_TIMEOUT);
    await frame();
    expect(says(view)).toBe("");
  });
});

test("a view that is closed listens to no signal of its host", () => {
  const { statusChanged, connectionStatusChanged, kernelChanged, model } = lab();
  const { close } = open({}, model);
  close();
  expect(statusChanged.slots.size + connectionStatusChanged.slots.size + kernelChanged.slots.size).toBe(0);
  expect(model.listeners).toBe(0);
});
