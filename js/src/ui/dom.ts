// DOM helpers. User text only ever enters the page as text nodes.

type Child = Node | string;
type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

// JupyterLab handles keys for the notebook ("x" cuts the cell) unless the focused element itself has this attribute:
// Lumino's CommandRegistry looks for it from the event's target upwards, and stops at the first element that one of its
// selectors matches. `keepKeys` is enough from JupyterLab 4.1 on; older ones see a key before the element does.
export const OWN_KEYS = "data-lm-suppress-shortcuts";
const TAKES_FOCUS: ReadonlySet<string> = new Set(["button", "input", "select", "textarea"]);

/** Create an element. Attributes that are null, undefined or false are omitted. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  assign(element, attributes);
  if (TAKES_FOCUS.has(tag) || "tabindex" in attributes) element.setAttribute(OWN_KEYS, "true");
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  assign(element, attributes);
  element.append(...children);
  return element;
}

/** Set an element's text if it differs. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute if it differs. */
export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
  width: number;
  height: number;
}

/** The box of an element within the view, in pixels of the layout: on a slide that is scaled, the screen's are others. */
export function boxWithin(element: Element, root: HTMLElement): Box {
  const [at, frame] = [element.getBoundingClientRect(), root.getBoundingClientRect()];
  const scale = frame.width / root.offsetWidth || 1;
  const [left, top] = [(at.left - frame.left) / scale, (at.top - frame.top) / scale];
  const [width, height] = [at.width / scale, at.height / scale];
  return { left, top, right: left + width, bottom: top + height, width, height };
}

/** An id that is unique on the page, for ids and radio groups. */
export function uniqueId(): string {
  return `gradeclip-${Math.random().toString(36).slice(2, 9)}`;
}

/** Show `count` rows. Existing rows are reused, so that focus and hover survive; surplus rows are hidden. */
export function reuseRows<R extends { readonly element: HTMLElement }>(
  rows: R[],
  count: number,
  create: (index: number) => R,
): R[] {
  while (rows.length < count) rows.push(create(rows.length));
  rows.forEach(({ element }, k) => {
    element.hidden = k >= count;
  });
  return rows.slice(0, count);
}

function assign(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
}
