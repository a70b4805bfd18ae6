// The type of a control. `settings.ts` and `panel/details.ts` list the controls.

import type { View } from "../state/scene";
import type { ControlName } from "../state/synced";
import type { Menu } from "../ui/menu";

export interface Control {
  /** The trait that it sets; `controls` shows or hides it by that name. */
  key: ControlName;
  create(view: View, menu: Menu): HTMLElement;
  /** Whether there is something to choose; always when omitted. */
  shown?(view: View): boolean;
}
