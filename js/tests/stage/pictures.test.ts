// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { uploadErrorOf } from "../../src/stage/pictures";
import { payload } from "../fixtures";
import { change, fakeCanvas, frame, LiveModel, open } from "../page";

beforeEach(fakeCanvas);
afterEach(() => {
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

const cat = () => new File([new Uint8Array([1, 2, 3])], "cat.png", { type: "image/png" });
const notes = () => new File(["x"], "notes.pdf", { type: "application/pdf" });
const thumbnail = new Uint8Array([1]);
const TWO = [
  { name: "street.jpg", thumbnail },
  { name: "cat.png", thumbnail },
];

function transfer(type: string, field: "dataTransfer" | "clipboardData", files: File[]): Event {
  const data = { files, types: files.length > 0 ? ["Files"] : ["text/plain"], dropEffect: "none" };
  return Object.assign(new Event(type, { bubbles: true, cancelable: true }), { [field]: data });
}

describe("a picture", () => {
  test.each(["drop", "paste"])("by %s goes to Python with its bytes", async (type) => {
    const { model, one } = open({}, new LiveModel());
    const event = transfer(type, type === "drop" ? "dataTransfer" : "clipboardData", [cat()]);
    one(".gradeclip").dispatchEvent(event);
    expect(event.defaultPrevented).toBe(true);
    const { sent } = model as LiveModel;
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    expect(sent[0].content).toEqual({ type: "picture", name: "cat.png" });
    expect([...new Uint8Array(sent[0].buffers[0])]).toEqual([1, 2, 3]);
  });

  test("is chosen from a folder with a button", async () => {
    const { model, one } = open({}, new LiveModel());
    const file = one("input[type=file]") as HTMLInputElement;
    const pick = vi.spyOn(file, "click").mockImplementation(() => {});
    one(".gradeclip-add").click();
    expect(pick).toHaveBeenCalled();
    Object.defineProperty(file, "files", { value: [cat(), cat()] });
    change(file);
    await vi.waitFor(() => expect((model as LiveModel).sent).toHaveLength(2));
  });

  test("that cannot be read is an error, until the next one is explained", async () => {
    const { model, one } = open({}, new LiveModel());
    one(".gradeclip").dispatchEvent(transfer("drop", "dataTransfer", [notes()]));
    await frame();
    expect(one(".gradeclip-error").textContent).toMatch(
      /^“notes.pdf” is not a picture that can be read here: PNG/,
    );
    expect((model as LiveModel).sent).toEqual([]);
    model.set("_payloads", [payload()]);
    await vi.waitFor(() => expect(one(".gradeclip-error").hidden).toBe(true));
  });

  test("is checked for type and size", () => {
    expect(uploadErrorOf(cat())).toBe("");
    expect(uploadErrorOf({ name: "a.svg", type: "image/svg+xml", size: 10 })).toMatch(/not a picture/);
    expect(uploadErrorOf({ name: "", type: "text/plain", size: 10 })).toMatch(/^What was pasted is not/);
    expect(uploadErrorOf({ name: "a.png", type: "image/png", size: 0 })).toBe("“a.png” is empty.");
    expect(uploadErrorOf({ name: "a.png", type: "image/png", size: 10_000_000 })).toBe("");
    expect(uploadErrorOf({ name: "a.png", type: "image/png", size: 14_200_000 })).toMatch(
      /has 14 MB, and at most 10 MB/,
    );
  });

  test("dragged over the widget has a drop target", () => {
    const { one } = open({}, new LiveModel());
    const root = one(".gradeclip");
    const target = one(".gradeclip-drop");
    root.dispatchEvent(transfer("dragenter", "dataTransfer", [cat()]));
    one(".gradeclip-stage").dispatchEvent(transfer("dragenter", "dataTransfer", [cat()]));
    root.dispatchEvent(transfer("dragleave", "dataTransfer", [cat()]));
    expect(target.hidden).toBe(false);
    one(".gradeclip-stage").dispatchEvent(transfer("dragleave", "dataTransfer", [cat()]));
    expect(target.hidden).toBe(true);
  });

  test.each([
    ["text", new LiveModel(), []],
    ["a widget without a kernel", new LiveModel({ live: false }), [cat()]],
    ["a widget that does not offer it", new LiveModel({ controls: [] }), [cat()]],
  ])("is all that is taken: not from %s", (_, model, files) => {
    const { one } = open({}, model);
    const event = transfer("paste", "clipboardData", files);
    one(".gradeclip").dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
  });
});

describe("the strip", () => {
  test("has a named radio for each picture, and choosing one requests it", async () => {
    const { all, model, one } = open({}, new LiveModel({ _pictures: TWO }));
    const inputs = all(".gradeclip-strip input") as HTMLInputElement[];
    expect(inputs.map((input) => [input.getAttribute("aria-label"), input.checked])).toEqual([
      ["street.jpg", true],
      ["cat.png", false],
    ]);
    expect(one(".gradeclip-strip").getAttribute("role")).toBe("radiogroup");
    inputs[1].checked = true;
    change(inputs[1]);
    expect(model.get("picture")).toBe(1);
  });

  test("keeps its focus when a picture is added, and is hidden for a single picture", async () => {
    const { all, model, one } = open({}, new LiveModel({ _pictures: TWO.slice(0, 1) }));
    expect(one(".gradeclip-strip").hidden).toBe(true);
    model.set("_pictures", TWO);
    await frame();
    all(".gradeclip-strip input")[1].focus();
    model.set("_pictures", [...TWO, { name: "third", thumbnail }]);
    await frame();
    expect(document.activeElement).toBe(all(".gradeclip-strip input")[1]);
  });

  test("frees its thumbnails", async () => {
    const made = vi.spyOn(URL, "createObjectURL");
    const revoked = vi.spyOn(URL, "revokeObjectURL");
    const { close } = open({}, new LiveModel({ _pictures: TWO }));
    close();
    for (const { value } of made.mock.results) expect(revoked).toHaveBeenCalledWith(value);
  });
});
