"""The Python examples of the how-to pages and of the entrance pages run, in the order of each page."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import copy
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from ipywidgets import Widget
from open_clip import factory

import gradeclip_widget as gw
from gradeclip_widget.clip.loading import hub

from .clip.loading.tiny import CONFIG

ROOT = Path(__file__).parents[1]
HOWTOS = sorted(ROOT.glob("docs/howto/*.md"))
PAGES = [*HOWTOS, *(ROOT / name for name in ("README.md", "docs/index.md", "docs/guide.md"))]
BLOCK = re.compile(
    r"(?P<mark><!-- not run: .+? -->\s+)?^```python\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE
)
# What a reader downloads, or has on a GPU, and the small checkpoints that are written in its place.
STAND_INS = {
    'pretrained="openai", device="cuda", dtype="float16"': 'pretrained="runs/epoch_3.pt", dtype="bfloat16"',
    'pretrained="openai"': 'pretrained="runs/epoch_3.pt"',
    '"ViT-B-16/openai"': '"runs/"',
    '"openai/clip-vit-base-patch16"': '"transformers/"',
}
SMALL = {**CONFIG, "vision_cfg": {**CONFIG["vision_cfg"], "layers": 4}}


def blocks(path: Path) -> tuple[list[str], list[str]]:
    """Return the page's blocks of Python that run, and those that are marked as not run."""
    run, marked = [], []
    for match in BLOCK.finditer(path.read_text(encoding="utf-8")):
        (marked if match["mark"] else run).append(match["code"])
    return run, marked


@pytest.fixture
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures and checkpoints that the pages name, below the working directory; no network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hub, "hub_answers", lambda: False)
    configs = {**factory._MODEL_CONFIGS, "ViT-B-16": copy.deepcopy(SMALL)}
    monkeypatch.setattr(factory, "_MODEL_CONFIGS", configs)
    scenes = gw.demo.scenes()
    for name, scene in zip(("street.jpg", "a.jpg", "b.jpg"), scenes, strict=False):
        scene.image.save(name)
    torch.manual_seed(0)
    state = open_clip.create_model("ViT-B-16").state_dict()
    Path("runs").mkdir()
    for name in ("epoch_3.pt", "open_clip_pytorch_model.bin"):
        torch.save(state, f"runs/{name}")
    Path("runs/open_clip_config.json").write_text(
        json.dumps({"model_cfg": SMALL, "preprocess_cfg": {"size": 32}})
    )
    photos = Path("photos")
    photos.mkdir()
    scenes[0].image.save(photos / "1.png")
    (photos / "captions.csv").write_text(f'image,caption\n1.png,"{scenes[0].caption}"\n')


@pytest.fixture
def _widgets_end() -> Iterator[None]:
    """All widgets are closed afterwards, which ends what they compute."""
    yield
    Widget.close_all()


def write_transformers_model() -> None:
    """Write a small CLIP of transformers, and its processor."""
    from .clip.loading.test_transformers import clip_pair

    for part in clip_pair(Path()):
        part.save_pretrained("transformers")


def run(code: str, names: dict[str, Any]) -> None:
    """Run a block as a notebook does, which may await."""
    for name, stand_in in STAND_INS.items():
        code = code.replace(name, stand_in)
    if '"transformers/"' in code:
        write_transformers_model()
    result = eval(compile(code, "example", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    if inspect.isawaitable(result):
        with contextlib.closing(asyncio.new_event_loop()) as loop:
            loop.run_until_complete(result)


@pytest.mark.usefixtures("_files", "_widgets_end")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_examples_of_a_page_run(path: Path) -> None:
    examples, _ = blocks(path)
    assert examples, "a page without an example that runs"
    names: dict[str, Any] = {"gw": gw}
    for example in examples:
        run(example, names)


def test_few_blocks_are_not_run() -> None:
    marked = {path.stem: len(blocks(path)[1]) for path in PAGES}
    assert {name: count for name, count in marked.items() if count} == {"whole-datasets": 1}
