// Entry point for anywidget.

import type { RenderProps } from "@anywidget/types";
import type { Synced } from "./state/synced";
import { mount } from "./view";

function render({ model, el }: Pick<RenderProps<Synced>, "model" | "el">): () => void {
  return mount(model, el);
}

export default { render };
