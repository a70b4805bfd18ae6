// Controls of what is computed: the model, the method, the methods to compare, and the size of the picture.

import { formatBytes } from "../core/format";
import { comparableMethods, describeMethod, MOST_COMPARED, toggleCompared } from "../state/comparison";
import type { Store } from "../state/store";
import { modelLabel } from "../state/wording";
import { createSelect } from "../ui/choice";
import { type Choice, createMenuButton } from "../ui/menu";
import type { Control } from "./control";

/** The menu of models: which are in memory, how much of it they take, and a way to free those not in use. */
export const model: Control = {
  key: "model",
  shown: ({ store }) => store.live && store.get("_models").length > 1,
  create({ store, signal, draw }, menu) {
    const help = "The model that is explained, and the memory that loaded ones take";
    const button = createMenuButton("Model", help, "Models", menu, signal, () => modelChoices(store));
    button.element.classList.add("gradeclip-models");
    draw(() => button.update(modelLabel(store.get("model")), !store.canCompute));
    return button.element;
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

/** The menu of explanation methods, with the purpose and the limits of each. */
export const method: Control = {
  key: "method",
  shown: ({ store }) => store.live && store.get("_methods").length > 1,
  create({ store, signal, draw }, menu) {
    const help = "How the maps are computed from what happens inside the model";
    const button = createMenuButton("Method", help, "Methods", menu, signal, () => methodChoices(store));
    draw(() => {
      const name = store.get("method");
      const entry = store.get("_methods").find((method) => method.name === name);
      button.update(entry?.label ?? name, !store.canCompute);
    });
    return button.element;
  },
};

function methodChoices(store: Store): Choice[] {
  return store.get("_methods").map((entry) => ({
    label: entry.label,
    note: describeMethod(entry),
    disabled: Boolean(entry.refusal),
    current: entry.name === store.get("method"),
    act: () => store.set({ method: entry.name }),
  }));
}

const ENOUGH = `At most ${MOST_COMPARED} methods at a time.`;

/** The menu of methods to compare: several can be chosen, and their maps are shown side by side. */
export const compare: Control = {
  key: "compare",
  shown: ({ store }) => comparableMethods(store).length > 1,
  create({ store, signal, draw }, menu) {
    const help = "Show the same words by several methods, side by side";
    const choices = () => comparisonChoices(store);
    const button = createMenuButton("Compare methods", help, "Methods to compare", menu, signal, choices);
    draw(() => {
      const { length } = store.get("compare");
      button.update(length > 0 ? String(length) : "", store.live && !store.canCompute);
    });
    return button.element;
  },
};

function comparisonChoices(store: Store): Choice[] {
  const compared = store.get("compare");
  return comparableMethods(store).map((entry) => {
    const checked = compared.includes(entry.name);
    const full = !checked && compared.length >= MOST_COMPARED;
    return {
      label: entry.label,
      note: full ? ENOUGH : describeMethod(entry),
      disabled: !checked && (full || Boolean(entry.refusal)),
      checked,
      act: () => store.set({ compare: toggleCompared(store, entry.name) }),
    };
  });
}

const NATIVE = ""; // the resolution that the model was trained at

/** The size of the picture that the model gets: finer maps take longer. */
export const resolution: Control = {
  key: "resolution",
  shown: ({ store }) => store.live && store.get("_resolutions").length > 1,
  create({ store, signal, draw }) {
    const help = "Give the model a larger picture, for finer maps; takes longer";
    const select = createSelect("Resolution", help, signal, (value) =>
      store.set({ resolution: value === NATIVE ? null : Number(value) }),
    );
    draw(() => {
      const sides = store.get("_resolutions");
      const size = store.get("resolution") ?? sides[0];
      const all = [...new Set([...sides, size])].sort((a, b) => a - b); // a program may choose any other
      const sizes = all.map((side) => ({
        value: side === sides[0] ? NATIVE : String(side),
        label: side === sides[0] ? `${side} px (native)` : `${side} px`,
      }));
      select.update(sizes, size === sides[0] ? NATIVE : String(size), !store.canCompute);
    });
    return select.element;
  },
};
