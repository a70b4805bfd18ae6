"""The frames of the site and of notebooks' outputs: what they show, without a browser."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"


@cache
def extension(name: str) -> ModuleType:
    """Return one of the site's own extensions of Sphinx."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pages(output: str) -> Iterator[str]:
    """Yield the pages in the frames of a notebook's output."""
    live_frames = extension("live_frames")
    for frame in live_frames.FRAME.finditer(output):
        yield live_frames.unpacked(frame[1])


def shown(page: str) -> set[str]:
    """Return what a page shows besides one sentence, its bars and its map."""
    payloads, state = (_data(page, f"gradeclip-{name}") for name in ("payloads", "state"))
    header = payloads[state.get("active", 0)]["header"]
    words, importance = header["words"], header["importance"][0]["values"]
    lowest = -0.1 * max(map(abs, importance))
    things = {f"word {words[index]['text']}" for index in state.get("selected_words", [])}
    for word, adds in zip(words, importance, strict=True):
        if not word["known"]:
            things.add(f"{word['text']} unknown")
        elif adds < lowest and not word["small"]:
            things.add(f"{word['text']} lowers")
    counted = {
        "prompts": len(payloads),
        "methods": len(state.get("_comparison", [])),
        "curves": len(state.get("perturbation_curves", {})),
    }
    things |= {f"{count} {name}" for name, count in counted.items() if count > 1}
    if state.get("versus") is not None:
        things.add("difference")
    if state.get("region"):
        things.add(state["region"]["kind"])
    if state.get("seen"):
        things.add(f"best match {state['seen'][0]['word']}")
    if state.get("erased"):
        things.add(f"erased: {state['erased']['how']}")
    unrelated = (state.get("unrelated") or [header["unrelated"]])[state.get("active", 0)]
    if unrelated and header["score"]["cosine"] < unrelated[int(0.9 * len(unrelated))]:
        things.add("no match")
    return things


def _data(page: str, name: str) -> Any:
    match = re.search(
        rf'<script type="application/json" id="{name}">(.*?)</script>', page, re.DOTALL
    )
    assert match, f"no {name}"
    return json.loads(match[1])
