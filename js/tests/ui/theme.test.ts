// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import { Theme } from "../../src/ui/theme";

let teardown = new AbortController();
afterEach(() => {
  teardown.abort();
  teardown = new AbortController();
  document.body.replaceChildren();
  document.body.removeAttribute("style");
  document.body.removeAttribute("class");
});

/** A root within these elements, from the outside in, that follows the page. */
function themed(...styles: string[]) {
  let around: HTMLElement = document.body;
  for (const style of styles) {
    const element = document.createElement("div");
    element.setAttribute("style", style);
    around.append(element);
    around = element;
  }
  const root = document.createElement("div");
  around.append(root);
  new Theme(root, teardown.signal).choose("auto");
  return { root, around };
}

describe("the host's theme", () => {
  test("is dark if the nearest background is dark", () => {
    document.body.style.backgroundColor = "rgb(255, 255, 255)";
    expect(themed().root.dataset.theme).toBe("light");
    expect(themed("background-color: rgb(20, 20, 20)", "").root.dataset.theme).toBe("dark");
    expect(
      themed("background-color: rgb(20, 20, 20)", "background-color: rgb(240, 240, 240)").root.dataset.theme,
    ).toBe("light");
  });

  test("is detected from the elements around a shadow root", () => {
    document.body.style.backgroundColor = "rgb(20, 20, 20)";
    const { around, root } = themed("");
    around.attachShadow({ mode: "open" }).append(root);
    new Theme(root, teardown.signal).choose("auto");
    expect(root.dataset.theme).toBe("dark");
  });

  test("is followed when an element around it changes", async () => {
    document.body.style.backgroundColor = "rgb(255, 255, 255)";
    const { around, root } = themed("");
    around.className = "dark";
    await vi.waitFor(() => expect(root.dataset.theme).toBe("dark"));
    around.className = "";
    await vi.waitFor(() => expect(root.dataset.theme).toBe("light"));
  });

  test("follows JupyterLab's colors if a host has them, since they are the view's background", () => {
    document.body.style.backgroundColor = "rgb(255, 255, 255)";
    const { root } = themed();
    root.setAttribute("style", "--jp-layout-color1: #222; background-color: rgb(34, 34, 34)"); // as the styles do
    new Theme(root, teardown.signal).choose("auto");
    expect(root.dataset.theme).toBe("dark");
  });

  test("is that of VS Code's ground, whatever the classes and the style sheet of ipywidgets say", () => {
    for (const [ground, theme] of [
      ["rgb(0, 0, 0)", "dark"],
      ["rgb(255, 255, 255)", "light"],
    ]) {
      document.body.className = "vscode-high-contrast-light vscode-high-contrast"; // VS Code sets both
      const { root } = themed();
      const variables = `--jp-layout-color1: white; --vscode-editor-background: ${ground}`;
      root.setAttribute("style", `${variables}; background-color: ${ground}`); // as the styles do
      new Theme(root, teardown.signal).choose("auto");
      expect([root.dataset.theme, root.className]).toEqual([theme, "follows-vscode"]);
    }
  });

  test("is dark on a dark page, without the white ground that ipywidgets' style sheet would give", () => {
    const { root, around } = themed("");
    around.className = "dark";
    root.setAttribute("style", "--jp-layout-color1: white; background-color: rgb(255, 255, 255)");
    new Theme(root, teardown.signal).choose("auto");
    expect([root.dataset.theme, root.className]).toEqual(["dark", ""]);
  });
});
