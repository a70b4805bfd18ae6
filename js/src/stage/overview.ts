// The choice of what the picture shows while no word is chosen: the words together, or the map of the whole caption.

import { hasCaptionMapOnly, type View } from "../state/scene";
import { createSegmented } from "../ui/choice";
import { h } from "../ui/dom";

const OPTIONS = [
  {
    value: "words",
    label: "All words",
    help: "Every word that counts in a color of its own, where its part of the score comes from",
  },
  {
    value: "caption",
    label: "Grad-ECLIP sentence map",
    help: "One map along the sentence as a whole, as in the Grad-ECLIP paper: a named object that the sentence stresses more than the picture does stays dark in it",
  },
];

export function createOverview({ store, scene, signal, draw }: View): HTMLElement {
  const choice = createSegmented("What the picture shows", signal, (value) => {
    if (value === "caption") store.set({ overview: "caption" });
    // The words together exist only for positive evidence over all explained blocks.
    else store.set({ overview: "words", sign: "positive", image_block: null, text_block: null });
  });
  choice.setOptions(OPTIONS);
  const element = h("div", { class: "gradeclip-overview" }, choice.element);
  draw(() => {
    element.hidden =
      !store.isControlVisible("overview") || hasCaptionMapOnly(scene.explanation) || scene.versus !== null;
    choice.choose(scene.overview);
  });
  return element;
}
