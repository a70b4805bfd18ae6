"""What editing a prompt costs beside explaining it: ``python -m benchmarks.edits``.

The embedded model on the CPU, one process: 30 edits in 10 seconds, of which the last must stand; the time
from a prompt set to its explanation shown, beside what explaining it takes without a widget; and the memory
of 1,000 prompts. No page is connected: what the widget sends is made all the same.
"""

from __future__ import annotations

import argparse
import gc
import threading
import time
from typing import Any

import psutil

import gradeclip_widget as gw

EDITS, PERIOD = 30, 10.0  # seconds
BAR_RATIO, BAR_SECONDS, BAR_GROWTH = 1.15, 0.150, 5.0  # percent


def main() -> None:
    """Print the numbers beside their bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--prompts", type=int, default=1000)
    args = parser.parse_args()

    scene = gw.demo.scenes()[0]
    explainer = gw.Explainer(gw.load("demo", device="cpu"))
    widget = gw.explore(scene.image, scene.caption, explainer)
    edits(widget)
    latency(widget, explainer, scene.image, args.rounds)
    memory(widget, args.prompts)


def edits(widget: gw.ExplanationWidget) -> None:
    shown: list[str] = []

    def note(change: Any) -> None:
        shown.append(change["new"].caption)

    widget.observe(note, "explanation")
    never, blocked = threading.Event(), 0.0
    start = time.perf_counter()
    for n in range(EDITS):
        before = time.perf_counter()
        widget.prompt = f"a photo of {n} red cars"
        blocked = max(blocked, time.perf_counter() - before)
        never.wait(max(0.0, start + (n + 1) * PERIOD / EDITS - time.perf_counter()))
    last = widget.prompt
    widget.wait()
    stale = len(shown) - 1 - shown.index(last)
    widget.unobserve(note, "explanation")
    print(f"{EDITS} edits in {PERIOD:.0f} s: {widget.explanation.caption!r} stands; ", end="")
    print(
        f"{len(shown)} computed to the end and shown, {stale} stale ones after the last (bar: 0); ",
        end="",
    )
    print(f"setting the prompt took at most {blocked * 1e3:.0f} ms")


def latency(widget: gw.ExplanationWidget, explainer: gw.Explainer, image: Any, rounds: int) -> None:
    """Both take turns, so that a noisy machine disturbs them alike."""
    bare, whole = [], []
    for n in range(rounds + 1):
        start = time.perf_counter()
        explainer(image, [f"a photo of {n} green trees"])
        middle = time.perf_counter()
        widget.prompt = f"a photo of {n} green trees"
        widget.wait()
        if n:
            bare.append(middle - start)
            whole.append(time.perf_counter() - middle)
    compute, shown = sorted(bare)[rounds // 2], sorted(whole)[rounds // 2]
    bar = BAR_RATIO * compute + BAR_SECONDS
    print(
        f"prompt to picture: {shown * 1e3:.0f} ms, explaining alone {compute * 1e3:.0f} ms, "
        f"bar {bar * 1e3:.0f} ms (medians of {rounds})"
    )


def memory(widget: gw.ExplanationWidget, prompts: int) -> None:
    resident = []
    for n in range(prompts):
        widget.prompt = f"a photo of {n} blue birds"
        widget.wait()
        if n in (prompts // 2, prompts - 1):
            gc.collect()
            resident.append(psutil.Process().memory_info().rss)
    half, whole = resident
    growth = 100 * (whole - half) / half
    print(
        f"{prompts} prompts: {whole / 2**20:.0f} MiB resident, {growth:+.2f} % over the last {prompts // 2} "
        f"(bar: {BAR_GROWTH:.0f} %); {len(widget.history)} steps of history"
    )


if __name__ == "__main__":
    main()
