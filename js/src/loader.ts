// What anywidget gets as a widget's script in a notebook: it takes the script and the style from the model that all
// widgets of the kernel share, so that a notebook gets them once.

import type { AnyModel, RenderProps } from "@anywidget/types";

/** The traits of the shared model. */
interface Code {
  script: string;
  style: string;
}
interface Loaded {
  _anywidget_id: string;
  _shared_code: string; // "IPY_MODEL_" and the id of the shared model
}
interface Script {
  default: { render(props: unknown): () => void };
}
const SCRIPTS = Symbol.for("gradeclip-widget");
const page = globalThis as { [SCRIPTS]?: Map<string, Promise<Script>> };
page[SCRIPTS] ??= new Map();
const scripts = page[SCRIPTS]; // by their text, since two kernels may have two versions

function importText(text: string): Promise<Script> {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return import(url).finally(() => URL.revokeObjectURL(url));
}

async function load(model: AnyModel<Loaded>): Promise<Script> {
  const id = model.get("_shared_code").slice("IPY_MODEL_".length);
  const code = (await model.widget_manager.get_model(id)) as AnyModel<Code>;
  const script = code.get("script");
  if (!scripts.has(script)) scripts.set(script, importText(script));
  const styleId = model.get("_anywidget_id"); // as anywidget calls its own
  const style = document.getElementById(styleId) ?? document.createElement("style");
  style.id = styleId;
  if (style.textContent !== code.get("style")) style.textContent = code.get("style");
  if (!style.isConnected) document.head.append(style);
  return scripts.get(script)!;
}

async function render(props: Pick<RenderProps<Loaded>, "model" | "el">) {
  let script: Script;
  try {
    script = await load(props.model);
  } catch (error) {
    // A host may not know models that were made before its page was opened, such as VS Code after its window was
    // loaded again. Python answers by sending script and style of this widget, and anywidget renders it again.
    console.debug("gradeclip-widget: the shared script was not found, so the kernel is asked for it.", error);
    props.model.send({ type: "code" });
    return;
  }
  return script.default.render(props);
}

export default { render };
