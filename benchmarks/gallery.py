"""Time to open a gallery, and blank tiles while it scrolls: ``python -m benchmarks.gallery``.

It opens a run of generated pairs in a real JupyterLab with a kernel, in Chromium. The opening time is from
running the cell to the first frame in which every tile in view has its picture. While the gallery scrolls,
every frame measures how long one tile in view, and how long all tiles in view, have had no picture.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import launch
from tests.browser.lab import Notebook, lab_server
from tests.widget.gallery_run import write_pairs

MAX_OPEN, MAX_BLANK = 2.0, 200  # seconds, milliseconds
OPEN = """
from gradeclip_widget.widget.gallery import browse
gallery = browse({folder!r})
gallery
"""

PROBE = """() => {
  const grid = () => document.querySelector(".gallery-grid");
  // The tiles in view by their place, and whether each has no picture yet.
  const inView = () => {
    const frame = grid()?.getBoundingClientRect();
    const tiles = new Map();
    if (!frame) return tiles;
    for (const line of grid().querySelectorAll(".gallery-line:not([hidden])")) {
      const at = line.getBoundingClientRect();
      if (at.bottom <= frame.top || at.top >= frame.bottom) continue;
      for (const tile of line.querySelectorAll(".gallery-tile:not([hidden])")) {
        const at = tile.getBoundingClientRect();
        if (at.bottom - 60 <= frame.top || at.top >= frame.bottom) continue;
        const place = [line.getAttribute("aria-rowindex"), tile.getAttribute("aria-colindex")];
        tiles.set(place.join(), tile.classList.contains("is-skeleton"));
      }
    }
    return tiles;
  };
  window.gallery = {
    filled: () => { const seen = [...inView().values()]; return seen.length > 0 && !seen.includes(true); },
    watch() {
      let since = new Map(), all = null;
      const longest = { tile: 0, view: 0, frame: 0, nodes: 0, frames: 0 };
      let last = performance.now(), going = true;
      const look = () => {
        const now = performance.now(), blank = new Map(), seen = inView();
        for (const [place, skeleton] of seen) if (skeleton) blank.set(place, since.get(place) ?? last);
        since = blank;
        for (const start of blank.values()) longest.tile = Math.max(longest.tile, now - start);
        if (seen.size > 0 && blank.size < seen.size) all = null;
        else { all ??= last; longest.view = Math.max(longest.view, now - all); }
        longest.frame = Math.max(longest.frame, now - last);
        longest.nodes = Math.max(longest.nodes, grid().querySelectorAll("*").length);
        longest.frames += 1;
        last = now;
        if (going) requestAnimationFrame(() => port2.postMessage(null));
      };
      const { port1, port2 } = new MessageChannel(); // its task comes after the frame
      port1.onmessage = look;
      port2.postMessage(null);
      return () => { going = false; return longest; };
    },
      // Milliseconds until the tiles at the position of the scroll bar are in view.
    async settled() {
      const start = performance.now();
      const frame = () => new Promise(requestAnimationFrame);
      await frame();
      do await frame(); while (grid().getAttribute("aria-busy") !== "false" || !this.filled());
      return performance.now() - start;
    },
    // Drag the bar to a share of the way within some milliseconds, as a hand does.
    drag(to, duration) {
      const start = performance.now(), from = grid().scrollTop;
      const end = to * (grid().scrollHeight - grid().clientHeight);
      return new Promise((done) => {
        const move = () => {
          const t = Math.min(1, (performance.now() - start) / duration);
          grid().scrollTop = from + (end - from) * t * t * (3 - 2 * t);
          if (t < 1) requestAnimationFrame(move); else done(this.settled());
        };
        move();
      });
    },
  };
}"""


def main() -> None:
    """Print a table of figures and their limits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="an existing run; by default one is generated")
    args = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as home,
        lab_server(Path(home)) as lab,
        sync_playwright() as playwright,
        contextlib.closing(launch(playwright)) as browser,
    ):
        folder = args.folder or write_pairs(Path(home) / "run", args.pairs)
        opening, inside = list[float](), list[float]()
        for number in range(args.rounds):
            lab.write_notebook(f"{number}.ipynb")
            with Notebook.opened(browser, lab, f"{number}.ipynb") as notebook:
                notebook.page.set_viewport_size({"width": 1280, "height": 1000})
                notebook.page.evaluate(PROBE)
                took, browse = opened(notebook, folder)
                opening.append(took)
                inside.append(browse)
                if number == args.rounds - 1:
                    rows = scrolled(notebook)
        print_row(
            f"opens {args.pairs:,} pairs, a fresh kernel, median and max of {args.rounds}",
            f"{np.median(opening):.2f}, {max(opening):.2f} s",
            f"{MAX_OPEN} s",
        )
        print_row("  of it in Python, imports included", f"{np.median(inside):.2f} s")
        for row in rows:
            print_row(*row)
        print_row("  load average of the last minute", f"{os.getloadavg()[0]:.1f}")


def opened(notebook: Notebook, folder: Path) -> tuple[float, float]:
    """Open a gallery; return the seconds that it took, and those of its cell in the kernel."""
    start = time.perf_counter()
    notebook.run(OPEN.format(folder=str(folder)))
    ran = time.perf_counter() - start
    notebook.page.wait_for_function("window.gallery.filled()", polling="raf", timeout=60_000)
    return time.perf_counter() - start, ran


def scrolled(notebook: Notebook) -> list[tuple[str, str, str]]:
    """Scroll by wheel and by bar, in the order of the source and by score."""
    page, rows = notebook.page, list[tuple[str, str, str]]()
    page.locator(".gallery-grid").scroll_into_view_if_needed()
    for order in ("position", "score"):
        notebook.run(f"gallery.filter(sort={order!r}, descending={order == 'score'}); None")
        for how, act in (("wheel", wheel), ("bar", bar)):
            page.wait_for_function("window.gallery.filled()", polling="raf", timeout=60_000)
            page.evaluate("() => { window.stop = window.gallery.watch(); }")
            late = act(page)
            page.wait_for_function("window.gallery.filled()", polling="raf", timeout=60_000)
            longest = page.evaluate("window.stop()")
            rows.append(
                (
                    f"by {how}, sorted by {order}: longest blank of a tile, of all in view",
                    f"{longest['tile']:.0f}, {longest['view']:.0f} ms",
                    f"{MAX_BLANK} ms",
                )
            )
            if late:
                figure = f"{np.median(late):.0f}, {max(late):.0f} ms"
                rows.append(
                    ("  end of the drag to its tiles in view, median and max of 5", figure, "")
                )
            rows.append(
                (
                    "  longest frame, elements in the grid",
                    f"{longest['frame']:.0f} ms, {longest['nodes']}",
                    "",
                )
            )
    return rows


def wheel(page: Page) -> list[float]:
    """Turn the wheel for some seconds, down quickly and back up."""
    page.locator(".gallery-grid").hover()
    for step in (120,) * 40 + (400,) * 40 + (-400,) * 30:
        page.mouse.wheel(0, step)
        page.wait_for_timeout(25)
    return []


def bar(page: Page) -> list[float]:
    """Drag the bar far, five times; return the milliseconds from each end to its tiles in view."""
    return [
        float(page.evaluate("share => window.gallery.drag(share, 700)", share))
        for share in (0.5, 0.93, 0.08, 0.71, 0.0)
    ]


def print_row(name: str, figure: str, limit: str = "") -> None:
    """Print a figure and its limit."""
    print(f"{name:<78} {figure:>18}   {limit}", flush=True)


if __name__ == "__main__":
    main()
