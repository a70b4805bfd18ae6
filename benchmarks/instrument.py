"""What the widget costs in a JupyterLab with a kernel: ``python -m benchmarks.instrument``.

The embedded model on the CPU, Chromium, a real server. Times in the page run from the time stamp of the
reader's event to the task after the frame that paints the new heat map. An edit counts from the end of the
pause after its last letter, that is from when the prompt is due to be sent.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, CDPSession, expect, sync_playwright

from tests.browser.chromium import launch
from tests.browser.lab import LabServer, Notebook, lab_server
from tests.browser.view import View

from .timing import in_turns

PAUSE = 0.250  # seconds, as in js/src/prompt/prompt.ts
KEY = 0.330  # seconds from letter to letter: each outlasts the pause
BAR_ANSWER = 0.300  # seconds that another cell may wait
BAR_RATIO, BAR_SECONDS = 1.15, 0.150  # of the computation, and beside it
BAR_GROWTH = 5.0  # percent
CROWD = 40  # widgets
PARTS = ("typing", "picture", "memory", "crowd")

SET_UP = """
import gc, time
import psutil
import gradeclip_widget as gw
scene = gw.demo.scenes()[0]
explainer = gw.Explainer(gw.load("demo", device="cpu"))

def explaining(prompt):
    start = time.perf_counter()
    explainer(scene.image, [prompt])
    return time.perf_counter() - start

def change(first, last):
    for n in range(first, last):
        widget.prompt = f"a photo of {n} blue birds"
        widget.wait()

def resident():
    gc.collect()
    return psutil.Process().memory_info().rss
"""
ONE = "widget = gw.explore(scene.image, 'a sun and a tree', explainer)\nwidget"
MANY = f"""
from IPython.display import display
widgets = [gw.explore(scene.image, 'a sun and a tree', explainer) for _ in range({CROWD})]
for widget in widgets: display(widget)
"""

# For each view's picture: the captions shown since; and the time from an event to the painted heat map.
PROBE = """() => {
  const put = CanvasRenderingContext2D.prototype.putImageData;
  const captionOn = (stage) => stage.querySelector("img").alt.replace("Picture explained with: ", "");
  let painted = () => {};
  CanvasRenderingContext2D.prototype.putImageData = function (...all) {
    put.apply(this, all);
    painted(this.canvas);
  };
  window.probe = {
    expectPaint(stage, [type, caption]) {
      let start = null;
      const note = (event) => { start = event.timeStamp; };
      window.addEventListener(type, note, true);
      this.paint = new Promise((done) => {
        painted = (canvas) => {
          if (start === null || canvas.parentElement !== stage) return;
          if (caption !== null && captionOn(stage) !== caption) return;
          painted = () => {};
          window.removeEventListener(type, note, true);
          const { port1, port2 } = new MessageChannel(); // its task comes after this frame
          port1.onmessage = () => done((performance.now() - start) / 1000);
          port2.postMessage(null);
        };
      });
    },
    noteCaptions(stage) {
      this.captions = [];
      const note = () => {
        if (this.captions.at(-1) !== captionOn(stage)) this.captions.push(captionOn(stage));
      };
      new MutationObserver(note).observe(stage, { subtree: true, attributeFilter: ["alt"] });
    },
    async ask(times = Infinity) {
      this.asking = true;
      const answers = [];
      while (this.asking && answers.length < times) {
        const start = performance.now();
        await this.execute("1");
        answers.push((performance.now() - start) / 1000);
      }
      return answers;
    },
    async execute(code, expression = "None") {
      const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
      const request = { code, store_history: false, user_expressions: { value: expression } };
      const { content } = await kernel.requestExecute(request).done;
      const value = content.user_expressions?.value;
      if (value?.status !== "ok") throw new Error(JSON.stringify(content));
      return value.data["text/plain"];
    },
  };
}"""
Row = tuple[str, str, str]


def main() -> None:
    """Print a table of figures beside their bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "parts", nargs="*", default=PARTS, help=f"of {', '.join(PARTS)}; all if left out"
    )
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--prompts", type=int, default=1000)
    args = parser.parse_args()
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    with (
        tempfile.TemporaryDirectory() as home,
        lab_server(Path(home)) as lab,
        sync_playwright() as playwright,
        contextlib.closing(launch(playwright)) as browser,
        opened(browser, lab, ONE) as one,
    ):
        if "typing" in args.parts:
            table(typing(one))
        if "picture" in args.parts:
            table(picture(one, args.rounds))
        if "memory" in args.parts:
            table(memory(one, args.prompts))
        if "crowd" in args.parts:
            with opened(browser, lab, MANY) as many:
                table(crowd(one, many, args.rounds))


def table(rows: list[Row]) -> None:
    """Print rows, and how busy the machine was."""
    for name, figure, bar in rows:
        print(f"{name:<58} {figure:>22}   {bar}")
    print(f"{'  load average of the last minute':<58} {os.getloadavg()[0]:>22.1f}", flush=True)


class Lab:
    """A notebook whose last widget is looked at, with the probe in its page."""

    def __init__(self, notebook: Notebook) -> None:
        self.notebook, self.page = notebook, notebook.page
        self.view = View(self.page, notebook.cell().locator(".jp-OutputArea-child").last)
        self.page.evaluate(PROBE)

    def evaluate(self, expression: str, code: str = "") -> Any:
        """The value of an expression in the kernel, after some code; no cell is touched."""
        asked = [code, expression]
        return ast.literal_eval(
            self.page.evaluate("asked => window.probe.execute(...asked)", asked)
        )

    def edit(self, prompt: str) -> float:
        """Seconds from the end of the pause after a prompt's last letter to its picture."""
        self.view.edit(prompt[:-1], then=None)
        field = self.view.field
        taken = self._timed("input", prompt, lambda: field.press_sequentially(prompt[-1]))
        field.press("Enter")
        return taken - PAUSE

    def hover(self, word: str) -> float:
        """Seconds from the pointer on a word to the word's map."""
        return self._timed("pointerover", None, lambda: self.view.point_at_word(word))

    def _timed(self, event: str, caption: str | None, act: Callable[[], None]) -> float:
        self.view.stage.evaluate(
            "(stage, what) => window.probe.expectPaint(stage, what)", [event, caption]
        )
        act()
        return float(self.page.evaluate("window.probe.paint"))


@contextlib.contextmanager
def opened(browser: Browser, server: LabServer, cell: str) -> Iterator[Lab]:
    """A notebook of its own, whose last cell shows widgets."""
    name = f"{len(list(server.folder.iterdir()))}.ipynb"
    server.write_notebook(name)
    with Notebook.opened(browser, server, name) as notebook:
        notebook.run(SET_UP)
        notebook.run(cell)
        yield Lab(notebook)


def typing(lab: Lab) -> list[Row]:
    """Thirty letters in ten seconds, and another cell meanwhile."""
    start, letters = "a sun", " and a tree next to a bicycle on a blue"[:30]
    lab.view.edit(start)
    expect(lab.view.caption).to_have_text(start)
    lab.view.stage.evaluate("stage => window.probe.noteCaptions(stage)")
    at_rest = lab.page.evaluate("window.probe.ask(50)")
    lab.page.evaluate("() => { window.answers = window.probe.ask(); }")
    lab.view.edit(start, then=None)
    lab.view.field.press_sequentially(letters, delay=KEY * 1000)
    lab.view.field.press("Enter")
    expect(lab.view.caption).to_have_text(start + letters)
    lab.evaluate("widget.wait()")
    answers = lab.page.evaluate("() => { window.probe.asking = false; return window.answers; }")
    shown = [len(caption) for caption in lab.page.evaluate("window.probe.captions")]
    stale = sum(after < before for before, after in pairwise(shown))
    stands = "the last" if shown[-1] == len(start + letters) else f"letter {shown[-1] - len(start)}"
    return [
        (f"{len(letters)} letters typed: the caption that stands", stands, "the last"),
        ("  explanations shown", str(len(shown)), ""),
        ("  stale ones after a newer one", str(stale), "0"),
        answering("  another cell meanwhile", answers, f"{BAR_ANSWER * 1000:.0f} ms"),
        answering("  another cell before", at_rest),
    ]


def answering(name: str, seconds: list[float], bar: str = "") -> Row:
    """How long cells waited for their answers."""
    median, p95, most = (f"{v * 1000:.0f}" for v in np.percentile(seconds, [50, 95, 100]))
    return f"{name}, {len(seconds)} times: median, p95, max", f"{median}, {p95}, {most} ms", bar


def picture(lab: Lab, rounds: int) -> list[Row]:
    """From the end of the pause to the picture, in turns with explaining the same prompt."""
    edited, explained = count(), count()
    medians = in_turns(
        {
            "shown": lambda: lab.edit(f"a photo of {next(edited)} green trees"),
            "alone": lambda: lab.evaluate(
                f"explaining('a photo of {next(explained)} green trees')"
            ),
        },
        rounds,
    )
    bar = BAR_RATIO * medians["alone"] + BAR_SECONDS
    return [
        (
            f"end of the pause to the picture, median of {rounds}",
            f"{medians['shown'] * 1000:.0f} ms",
            f"{bar * 1000:.0f} ms",
        ),
        ("  explaining the same prompt alone", f"{medians['alone'] * 1000:.0f} ms", ""),
    ]


def crowd(one: Lab, many: Lab, rounds: int) -> list[Row]:
    """Hovering and editing in the last of many widgets, in turns with doing so in a single one."""

    def edits(lab: Lab) -> Callable[[], float]:
        turn = count()
        return lambda: lab.edit(f"a sun and {next(turn)} houses")

    def hovers(lab: Lab) -> Callable[[], float]:
        turn = count()
        return lambda: lab.hover(("sun", "houses")[next(turn) % 2])

    rows: list[Row] = []
    for name, doing in (("pause to picture", edits), ("hover to paint", hovers)):
        medians = in_turns({"one": doing(one), "many": doing(many)}, rounds)
        times = f"{medians['many'] * 1000:.1f} / {medians['one'] * 1000:.1f} ms"
        ratio = medians["many"] / medians["one"]
        rows.append((f"{name}, last of {CROWD} widgets / only one", f"{times} = {ratio:.2f}", ""))
    return rows


def memory(lab: Lab, prompts: int) -> list[Row]:
    """What the second half of many prompts, set by a program, adds to the kernel and to the page."""
    session = lab.page.context.new_cdp_session(lab.page)
    session.send("Performance.enable")
    halves = []
    for first, last in ((0, prompts // 2), (prompts // 2, prompts)):
        kernel = lab.evaluate("resident()", f"change({first}, {last})")
        expect(lab.view.caption).to_have_text(f"a photo of {last - 1} blue birds")
        halves.append({"MiB of the kernel": kernel / 2**20} | page_memory(session))
    before, after = halves
    return [
        (
            f"{prompts} prompts set: {name}",
            f"{after[name]:.1f}, {100 * (after[name] / before[name] - 1):+.2f} %",
            f"{BAR_GROWTH:.0f} % in the last half",
        )
        for name in before
    ]


def page_memory(session: CDPSession) -> dict[str, float]:
    """The page's live objects and its nodes."""
    session.send("HeapProfiler.collectGarbage")
    found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    return {
        "MiB of live objects in the page": found["JSHeapUsedSize"] / 2**20,
        "its nodes": found["Nodes"],
    }


if __name__ == "__main__":
    main()
