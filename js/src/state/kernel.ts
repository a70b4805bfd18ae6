// Whether the kernel of a view is alive. Hosts differ in what they report, so their differences are all handled here,
// and no single signal is relied on.

import type { Model } from "./model";
import type { Store } from "./store";

/** What the host reports of the kernel; "unknown" if it gives no reliable sign. */
type KernelReport = "alive" | "gone" | "unknown";

/** The part of a Lumino signal that is used here. */
interface Signal {
  connect(slot: () => void): unknown;
  disconnect(slot: () => void): unknown;
}

/** JupyterLab's kernel connection, which other hosts build on too, or the session that owns one. */
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

// @jupyter-widgets/base sets this class on a view's element while its model has no live comm: after a restart, in a
// page without a kernel, in a reopened notebook. anywidget passes neither the model's `comm_live` nor its view to
// `render`, but it passes that element.
const DISCONNECTED = "jupyter-widgets-disconnected";

// States after which the process that held the model is gone. JupyterLab sets the class above only for "restarting":
// a kernel that died is "autorestarting" and then "idle" again, with a comm that nobody answers.
const ENDED: ReadonlySet<string> = new Set(["restarting", "autorestarting", "terminating", "dead"]);

// The global of a page that marimo has exported: its models take changes as if there were a kernel.
const MARIMO_EXPORT = "__MARIMO_STATIC__";

/**
 * Call `report` with what the host reports of the kernel, now and on every change.
 *
 * @param element the element that the host passed to `render`.
 */
function watchKernel(
  model: Model,
  element: HTMLElement,
  signal: AbortSignal,
  report: (current: KernelReport) => void,
): void {
  const manager = (model as { widget_manager?: Manager }).widget_manager;
  const session = manager?.context?.sessionContext;
  const source: Connection | null | undefined = session ?? manager?.kernel;
  const first = session ? session.session?.kernel : manager?.kernel;
  let ended = false;
  const assess = (): KernelReport => {
    if (MARIMO_EXPORT in window) return "gone";
    const kernel = session ? session.session?.kernel : manager?.kernel;
    if (first && (kernel !== first || ENDED.has(kernel?.status ?? ""))) ended = true;
    if (ended || element.classList.contains(DISCONNECTED)) return "gone";
    if (kernel?.connectionStatus === "disconnected") return "gone";
    return kernel?.status === "idle" && kernel.connectionStatus === "connected" ? "alive" : "unknown";
  };
  const update = () => report(assess());
  const observer = new MutationObserver(update);
  observer.observe(element, { attributes: true, attributeFilter: ["class"] });
  const signals = [source?.statusChanged, source?.connectionStatusChanged, source?.kernelChanged];
  for (const changed of signals) changed?.connect(update);
  signal.addEventListener("abort", () => {
    observer.disconnect();
    for (const changed of signals) changed?.disconnect(update);
  });
  update();
}

/** Milliseconds without an answer after which a notice tells that the kernel does not respond. */
export const ANSWER_TIMEOUT = 3000;

const ANSWER_KEYS = [
  "_payloads",
  "_models",
  "_pictures",
  "_depth",
  "_comparison",
  "perturbation_curves",
  "seen",
  "erased",
  "progress",
  "status",
  "error",
] as const;

/** Keep `view.kernel` up to date: from the host's reports, and if those are inconclusive from unanswered requests. */
export function followKernel(store: Store, model: Model, element: HTMLElement, signal: AbortSignal): void {
  let latest: KernelReport | null = null;
  let timer = 0;
  const settle = () => {
    clearTimeout(timer);
    timer = 0;
    if (store.view.kernel === "silent") store.view.kernel = "there";
  };
  watchKernel(model, element, signal, (now) => {
    const first = latest === null;
    latest = now;
    if (now === "gone") store.view.kernel = first || store.view.kernel === "absent" ? "absent" : "lost";
    else if (now === "alive") {
      settle();
      store.view.kernel = "there";
    } else if (!first && store.view.kernel !== "silent") store.view.kernel = "there";
  });
  store.onRequest(() => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      if (latest === "unknown") store.view.kernel = "silent";
    }, ANSWER_TIMEOUT);
  });
  for (const key of ANSWER_KEYS) model.on(`change:${key}`, settle);
  signal.addEventListener("abort", () => {
    clearTimeout(timer);
    for (const key of ANSWER_KEYS) model.off(`change:${key}`, settle);
  });
}
