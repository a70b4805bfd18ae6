// The type of a control in the display row. `display-row.ts` lists the controls.

import type { View } from "../state/scene";
import type { ControlName } from "../state/synced";
import type { Menu } from "../ui/menu";

export interface Control {
  /** The trait that it sets; `controls` shows or hides it by that name. */
  key: ControlName;
  /** Whether it moves behind "More settings" when the row is long. */
  rare?: boolean;
  create(view: View, menu: Menu): HTMLElement;
  /** Whether there is something to choose; always when omitted. */
  shown?(view: View): boolean;
}
