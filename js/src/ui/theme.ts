// Light or dark theme. Ground and ink come from the host's CSS variables; this selects the accents that match them.

import type { Synced } from "../state/synced";

const WATCHED = [
  "class",
  "style",
  "data-theme",
  "data-mode",
  "theme",
  "data-jp-theme-light",
  "data-vscode-theme-kind",
];

/** Sets `data-theme` on the root from the `theme` trait and, if that is "auto", from the page. */
export class Theme {
  #root: HTMLElement;
  #choice: Synced["theme"] = "auto";
  #media = window.matchMedia("(prefers-color-scheme: dark)");
  #observer = new MutationObserver(() => this.#apply());
  // A host may put the view into the page after it was rendered. The view then gets a size.
  #placed = new ResizeObserver(() => {
    this.#watchAround();
    this.#apply();
  });

  constructor(root: HTMLElement, signal: AbortSignal) {
    this.#root = root;
    this.#media.addEventListener("change", () => this.#apply(), { signal });
    this.#watchAround();
    this.#placed.observe(root);
    signal.addEventListener("abort", () => {
      this.#observer.disconnect();
      this.#placed.disconnect();
    });
  }

  choose(choice: Synced["theme"]): void {
    this.#choice = choice;
    this.#apply();
  }

  #watchAround(): void {
    const around = new Set([document.documentElement, document.body, ...ancestors(this.#root)]);
    for (const element of around) {
      this.#observer.observe(element, { attributes: true, attributeFilter: WATCHED });
    }
  }

  #apply(): void {
    const root = this.#root;
    const auto = this.#choice === "auto";
    const inVSCode = auto && isDefined(root, "--vscode-editor-background");
    root.classList.toggle("follows-vscode", inVSCode);
    root.classList.toggle("follows-host", auto && !inVSCode);
    const dark = inVSCode
      ? groundOf(root) === "dark"
      : auto
        ? hostIsDark(root, this.#media.matches)
        : this.#choice === "dark";
    const theme = dark ? "dark" : "light";
    if (root.dataset.theme !== theme) root.dataset.theme = theme;
    // The style sheet of ipywidgets makes the ground white on dark pages too. Then the view has a ground without the
    // host's variables.
    if (auto && !inVSCode && labTheme() === undefined && (groundOf(root) ?? theme) !== theme)
      root.classList.remove("follows-host");
  }
}

/** The elements around one, from the inside out, those around its shadow root included. */
function* ancestors(element: Element): Generator<HTMLElement> {
  let node: Node | null = element;
  while (node) {
    node = node instanceof ShadowRoot ? node.host : node.parentNode;
    if (node instanceof HTMLElement) yield node;
  }
}

/** Detect the host's theme: by attributes and classes, else by the ground, else by the system's preference. */
function hostIsDark(root: HTMLElement, prefersDark: boolean): boolean {
  const { documentElement: html, body } = document;
  const lab = labTheme();
  if (lab) return lab === "false";
  const around = [...ancestors(root)];
  if (around.some((element) => element.classList.contains("dark"))) return true;
  const named = [html.dataset.theme, body.dataset.theme, html.dataset.mode, html.getAttribute("theme")];
  for (const name of named) if (name === "dark" || name === "light") return name === "dark";
  // A host with JupyterLab's colors sets the background of the view, against which the accents must be visible.
  const grounds = isDefined(root, "--jp-layout-color1") ? [root, ...around] : around;
  for (const element of grounds) {
    const ground = groundOf(element);
    if (ground) return ground === "dark";
  }
  return prefersDark;
}

/** JupyterLab's name of its theme: "true" if it is light, "false" if it is dark; undefined elsewhere. */
function labTheme(): string | undefined {
  return document.body.dataset.jpThemeLight ?? document.documentElement.dataset.jpThemeLight;
}

function isDefined(element: Element, variable: string): boolean {
  return getComputedStyle(element).getPropertyValue(variable) !== "";
}

/** Whether an element's background is light or dark; null if it is transparent. */
function groundOf(element: Element): "light" | "dark" | null {
  const css = getComputedStyle(element).backgroundColor;
  const [r, g, b, alpha = 1] = (css.match(/[\d.]+/g) ?? []).map(Number);
  if (!css.startsWith("rgb") || alpha < 0.5 || b === undefined) return null;
  const luminance = (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
  return luminance < 0.4 ? "dark" : "light";
}
