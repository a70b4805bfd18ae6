// The menu of models: which are in memory, how much of it they take, and a way to free those not in use.

import { formatBytes } from "../core/format";
import type { Store } from "../state/store";
import { modelLabel } from "../state/words/wording";
import type { Choice } from "../ui/menu";
import { createMenuButton } from "../ui/menu-button";
import type { Control } from "./control";

const HELP = "The model that is explained, and the memory that loaded ones take";

export const model: Control = {
  key: "model",
  shown: ({ store }) => store.live && store.get("_models").length > 1,
  create(store, signal, menu) {
    const button = createMenuButton("Model", HELP, "Models", menu, signal, () => modelChoices(store));
    button.element.classList.add("gradeclip-models");
    return {
      element: button.element,
      update() {
        button.update(modelLabel(store.get("model")), !store.canCompute);
      },
    };
  },
};

function modelChoices(store: Store): Choice[] {
  const current = store.get("model");
  const models = store.get("_models");
  const freeable = models.filter(({ loaded, name }) => loaded && name !== current);
  return [
    ...models.map((model) => ({
      label: modelLabel(model.name),
      detail: model.loaded ? formatBytes(model.bytes) : "not loaded",
      current: model.name === current,
      act: () => store.set({ model: model.name }),
    })),
    ...freeable.map((model) => ({
      label: `Free ${modelLabel(model.name)}`,
      detail: formatBytes(model.bytes),
      act: () => store.send({ type: "free", model: model.name }),
    })),
  ];
}
