// What a control of the display row is: one file each, listed in registry.ts.

import type { Frame } from "../state/scene";
import type { Store } from "../state/store";
import type { ControlName } from "../state/synced";
import type { Component } from "../ui/dom";
import type { Menu } from "../ui/menu";

export interface Control {
  /** The trait that it sets; `controls` shows or hides it by that name. */
  key: ControlName;
  /** Whether it moves behind "More settings" when the row is long. */
  rare?: boolean;
  create(store: Store, signal: AbortSignal, menu: Menu): Component<Frame>;
  /** Whether there is something to choose; always when omitted. */
  shown?(frame: Frame): boolean;
}
