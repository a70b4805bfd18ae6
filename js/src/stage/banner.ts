// The warning over a picture that is unlike what the model was trained on, with the model to use instead.

import type { Foreign } from "../core/types";
import type { Frame } from "../state/scene";
import type { Store } from "../state/store";
import { type Component, h, setText } from "../ui/dom";

const WARNING = "This model knows drawings only, and this picture is unlike them: the map means nothing.";

/** The live region always exists, so that screen readers announce the text. */
export function createBanner(store: Store, signal: AbortSignal): Component<Frame> {
  const warning = h("strong");
  const use = h("button", { type: "button", class: "gradeclip-use" });
  const line = h("span");
  const element = h("div", { class: "gradeclip-banner", role: "status" }, warning, h("span", {}, use, line));
  let foreign: Foreign | null = null;
  use.addEventListener("click", () => foreign && store.set({ model: foreign.model }), { signal });
  return {
    element,
    update({ scene }) {
      foreign = scene.explanation.header.foreign ?? null; // older pages lack it
      element.classList.toggle("is-empty", foreign === null);
      setText(warning, foreign ? WARNING : "");
      const offered = foreign !== null && store.canCompute && store.isControlVisible("model");
      use.hidden = !offered;
      use.disabled = store.get("status") === "computing";
      setText(use, foreign ? `Use ${foreign.model} (download of ${foreign.megabytes} MB)` : "");
      setText(
        line,
        foreign && !offered
          ? `For photographs: model="${foreign.model}" (download of ${foreign.megabytes} MB)`
          : "",
      );
    },
  };
}
