// The menu of models: which are in memory, how much of it they take, and a way to free those not in use.

import { formatBytes } from "../core/format";
import { h, setText } from "../ui/dom";
import { setHelp } from "../ui/help";
import type { Choice } from "../ui/menu";
import type { Control } from "./control";

export const model: Control = {
  key: "model",
  shown: ({ store }) => store.live && store.get("_models").length > 1,
  create(store, signal, menu) {
    const name = h("b");
    const element = h(
      "button",
      { type: "button", class: "gradeclip-button gradeclip-models", "aria-haspopup": "menu" },
      "Model ",
      name,
    );
    setHelp(element, "The model that is explained, and the memory that loaded ones take");
    element.addEventListener("click", () => menu.open(element, "Models", choices(), () => element), {
      signal,
    });

    const choices = (): Choice[] => {
      const current = store.get("model");
      const models = store.get("_models");
      const freeable = models.filter(({ loaded, name }) => loaded && name !== current);
      return [
        ...models.map((model) => ({
          label: model.name,
          detail: model.loaded ? formatBytes(model.bytes) : "not loaded",
          current: model.name === current,
          act: () => store.set({ model: model.name }),
        })),
        ...freeable.map((model) => ({
          label: `Free ${model.name}`,
          detail: formatBytes(model.bytes),
          act: () => store.send({ type: "free", model: model.name }),
        })),
      ];
    };

    return {
      element,
      update() {
        setText(name, store.get("model"));
        element.disabled = !store.canCompute;
      },
    };
  },
};
