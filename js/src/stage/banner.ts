// The warning over a picture that is unlike what the model was trained on, with the model to use instead.

import type { View } from "../state/scene";
import { h, setText } from "../ui/dom";

const WARNING = "This model knows drawings only, and this picture is unlike them: the map means nothing.";

/** The live region always exists, so that screen readers announce the text. */
export function createBanner({ store, scene, signal, draw }: View): HTMLElement {
  const warning = h("strong");
  const use = h("button", { type: "button", class: "gradeclip-use" });
  const line = h("span");
  const element = h("div", { class: "gradeclip-banner", role: "status" }, warning, h("span", {}, use, line));
  const foreign = () => scene.explanation.header.foreign;
  use.addEventListener("click", () => store.set({ model: foreign()!.model }), { signal });
  draw(() => {
    const other = foreign();
    element.classList.toggle("is-empty", other === null);
    setText(warning, other ? WARNING : "");
    const offered = other !== null && store.canCompute && store.isControlVisible("model");
    use.hidden = !offered;
    use.disabled = store.get("status") === "computing";
    const download = `(download of ${other?.megabytes} MB)`;
    setText(use, other ? `Use ${other.model} ${download}` : "");
    setText(line, other && !offered ? `For photographs: model="${other.model}" ${download}` : "");
  });
  return element;
}
