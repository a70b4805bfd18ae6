// Light or dark theme. Most colors come from the host's CSS variables; this selects the accents that match them.

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
    this.#root.classList.toggle("follows-host", choice === "auto");
    this.#apply();
  }

  #watchAround(): void {
    const around = new Set([document.documentElement, document.body, ...ancestors(this.#root)]);
    for (const element of around) {
      this.#observer.observe(element, { attributes: true, attributeFilter: WATCHED });
    }
  }

  #apply(): void {
    const dark =
      this.#choice === "auto" ? hostIsDark(this.#root, this.#media.matches) : this.#choice === "dark";
    const theme = dark ? "dark" : "light";
    if (this.#root.dataset.theme !== theme) this.#root.dataset.theme = theme;
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
  const lab = body.dataset.jpThemeLight ?? html.dataset.jpThemeLight;
  if (lab) return lab === "false";
  if (/vscode-(dark|high-contrast(?!-light))/.test(body.className)) return true;
  if (/vscode-(light|high-contrast-light)/.test(body.className)) return false;
  const around = [...ancestors(root)];
  if (around.some((element) => element.classList.contains("dark"))) return true;
  const named = [html.dataset.theme, body.dataset.theme, html.dataset.mode, html.getAttribute("theme")];
  for (const name of named) if (name === "dark" || name === "light") return name === "dark";
  // A host with JupyterLab's colors sets the background of the view, against which the accents must be visible.
  const colored = getComputedStyle(root).getPropertyValue("--jp-layout-color1") !== "";
  const grounds = colored ? [root, ...around] : around;
  for (const element of grounds) {
    const luminance = backgroundLuminance(getComputedStyle(element).backgroundColor);
    if (luminance !== null) return luminance < 0.4;
  }
  return prefersDark;
}

/** The relative luminance 0..1 of a computed color; null if it is transparent. */
function backgroundLuminance(css: string): number | null {
  const [r, g, b, alpha = 1] = (css.match(/[\d.]+/g) ?? []).map(Number);
  if (!css.startsWith("rgb") || alpha < 0.5 || b === undefined) return null;
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}
