// What a view can know of its kernel. Hosts differ, so all their quirks are here, and none is relied on alone.

import type { Store } from "./store";
import type { Model } from "./synced";

/** What the host says: the kernel works, it is gone, or nothing that would decide it. */
export type KernelReport = "alive" | "gone" | "unknown";

/** Lumino's signals, as far as they are used. */
interface Signal {
  connect(slot: () => void): unknown;
  disconnect(slot: () => void): unknown;
}

/** JupyterLab's connection to a kernel (other hosts build on the same class), or its session around one. */
interface Connection {
  status?: string;
  connectionStatus?: string;
  statusChanged?: Signal;
  connectionStatusChanged?: Signal;
  kernelChanged?: Signal;
}

interface Session extends Connection {
  session?: { kernel?: Connection | null } | null;
}

export interface Manager {
  kernel?: Connection | null;
  context?: { sessionContext?: Session };
}

// @jupyter-widgets/base puts this class on a view's element while its model has no living comm: after a restart, in
// a page without a kernel, in a notebook that was opened again. anywidget hands neither the model's `comm_live`
// nor its view to `render`, but it hands over that very element.
const DISCONNECTED = "jupyter-widgets-disconnected";

// The process that held the model is no more. JupyterLab's manager says so by the class above for "restarting"
// alone: a kernel that died is "autorestarting", then "idle" again, with a comm that nobody answers.
const ENDED: ReadonlySet<string> = new Set(["restarting", "autorestarting", "terminating", "dead"]);

/**
 * Report what the host says of the kernel, at once and whenever that changes.
 *
 * @param element the one that the host gave to the view.
 */
export function watchKernel(
  model: Model,
  element: HTMLElement,
  signal: AbortSignal,
  report: (verdict: KernelReport) => void,
): void {
  const manager = (model as { widget_manager?: Manager }).widget_manager;
  const session = manager?.context?.sessionContext;
  const source: Connection | null | undefined = session ?? manager?.kernel;
  const first = session ? session.session?.kernel : manager?.kernel;
  let ended = false;
  const judge = (): KernelReport => {
    const kernel = session ? session.session?.kernel : manager?.kernel;
    if (first && (kernel !== first || ENDED.has(kernel?.status ?? ""))) ended = true;
    if (ended || element.classList.contains(DISCONNECTED)) return "gone";
    if (kernel?.connectionStatus === "disconnected") return "gone";
    return kernel?.status === "idle" && kernel.connectionStatus === "connected" ? "alive" : "unknown";
  };
  const tell = () => report(judge());
  const observer = new MutationObserver(tell);
  observer.observe(element, { attributes: true, attributeFilter: ["class"] });
  const signals = [source?.statusChanged, source?.connectionStatusChanged, source?.kernelChanged];
  for (const changed of signals) changed?.connect(tell);
  signal.addEventListener("abort", () => {
    observer.disconnect();
    for (const changed of signals) changed?.disconnect(tell);
  });
  tell();
}

/** ms after which a question without an answer is worth a word */
export const ANSWER_TIMEOUT = 3000;

const ANSWER_KEYS = [
  "_payloads",
  "_models",
  "_pictures",
  "_depth",
  "seen",
  "erased",
  "progress",
  "status",
  "error",
] as const;

/** Keep the view's idea of its kernel: by the host's word, and where that is silent by the kernel's own. */
export function followKernel(store: Store, model: Model, element: HTMLElement, signal: AbortSignal): void {
  let verdict: KernelReport | null = null;
  let timer = 0;
  const settle = () => {
    clearTimeout(timer);
    timer = 0;
    if (store.view.kernel === "silent") store.setView({ kernel: "there" });
  };
  watchKernel(model, element, signal, (now) => {
    const first = verdict === null;
    verdict = now;
    if (now === "gone")
      store.setView({ kernel: first || store.view.kernel === "absent" ? "absent" : "lost" });
    else if (now === "alive") {
      settle();
      store.setView({ kernel: "there" });
    } else if (store.view.kernel !== "silent") store.setView({ kernel: "there" });
  });
  store.onRequest(() => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (verdict === "unknown") store.setView({ kernel: "silent" });
    }, ANSWER_TIMEOUT);
  });
  for (const key of ANSWER_KEYS) model.on(`change:${key}`, settle);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    for (const key of ANSWER_KEYS) model.off(`change:${key}`, settle);
  });
}
