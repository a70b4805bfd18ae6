// Icon buttons. The label is both the accessible name and the help text.

import { h, s } from "./dom";
import { setHelp } from "./help";

export const CROSS = "M4.5 4.5l7 7M11.5 4.5l-7 7";
export const PENCIL = "M3 13l.7-3L10.4 3.3a1 1 0 0 1 1.4 0l.9.9a1 1 0 0 1 0 1.4L6 12.3 3 13zM9.3 4.4l2.3 2.3";
export const BACK = "M10 3.5L5.5 8l4.5 4.5";
export const FORWARD = "M6 3.5L10.5 8 6 12.5";
export const DOWN = "M4.5 6.5L8 10l3.5-3.5";
export const MINUS = "M4 8h8";

/** Create a button from an SVG path on a 16 x 16 grid. */
export function iconButton(label: string, path: string, className = "gradeclip-icon"): HTMLButtonElement {
  const icon = s("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" });
  icon.append(s("path", { d: path }));
  const button = h("button", { type: "button", class: className, "aria-label": label });
  setHelp(button, label);
  button.append(icon);
  return button;
}
