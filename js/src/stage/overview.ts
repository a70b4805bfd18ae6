// The choice of what the picture shows: all words, the map of the whole sentence, or, while words are pinned or pointed
// at, only those.

import { hasCaptionMapOnly, type View } from "../state/scene";
import { shorten } from "../state/wording";
import { createSegmented, type Option } from "../ui/choice";
import { h } from "../ui/dom";

const ALL: Option = {
  value: "words",
  label: "All words",
  help: "Every word that counts in a color of its own, where the model finds it",
};
const SENTENCE: Option = {
  value: "caption",
  label: "Whole sentence",
  help: "One map of the sentence as a whole, as in the Grad-ECLIP paper. A thing that the sentence names can stay dark in it.",
};
const DIFFERENCE: Option = {
  value: "caption",
  label: "Difference",
  help: "What speaks for the chosen prompt, and what for the subtracted one",
};
const ONLY = "only";

export function createOverview({ store, scene, signal, draw }: View): HTMLElement {
  const choice = createSegmented("What the picture shows", signal, (value) => {
    if (value === ONLY) return;
    store.set({ selected_words: [], hovered_word: null });
    if (scene.versus) return;
    if (value === "caption") store.set({ overview: "caption" });
    // All words exist only for positive evidence over all explained layers.
    else store.set({ overview: "words", sign: "positive", image_block: null, text_block: null });
  });
  const element = h("div", { class: "gradeclip-overview" }, choice.element);
  draw(() => {
    const { words, label, versus, explanation, overview } = scene;
    const some = versus ? [DIFFERENCE] : hasCaptionMapOnly(explanation) ? [SENTENCE] : [ALL, SENTENCE];
    // The last, so that the others keep their places.
    const only = words.length > 0 ? [{ value: ONLY, label: `Only “${shorten(label)}”`, help: "" }] : [];
    const options = [...some, ...only];
    choice.setOptions(options);
    choice.choose(words.length > 0 ? ONLY : overview);
    element.hidden = !store.isControlVisible("overview") || options.length < 2;
  });
  return element;
}
