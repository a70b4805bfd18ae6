"""A small model, and pairs on disk, some of which tests damage."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import open_clip
import pytest
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

import gradeclip_widget as gw

from ..clip.conftest import small_clip

WORDS = "a the brown dog cat in on red car table with two small green bird near".split()
Pairs = list[tuple[bytes, str]]


def make_small() -> gw.ClipModel:
    """Return a fast model of a few blocks with random weights."""
    preprocess = image_transform_v2(PreprocessCfg(size=(96, 96)), is_train=False)
    return gw.ClipModel(small_clip(), preprocess, open_clip.SimpleTokenizer(), name="small")


@pytest.fixture(scope="session")
def small() -> gw.ClipModel:
    """A fast model of a few blocks with random weights."""
    return make_small()


def make_pairs(count: int, seed: int = 0) -> Pairs:
    """Return different pictures, every third in portrait format, with captions of two to nine words."""
    rng, pairs = np.random.default_rng(seed), Pairs()
    for n in range(count):
        coarse = Image.fromarray(rng.integers(0, 255, (5, 7, 3), np.uint8))
        buffer = io.BytesIO()
        coarse.resize((90, 120) if n % 3 == 2 else (120, 90)).save(buffer, "PNG")
        pairs.append((buffer.getvalue(), " ".join(rng.choice(WORDS, rng.integers(2, 10)))))
    return pairs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of forty pictures and a table of their captions."""
    return write_folder(tmp_path / "pictures", 40)


def write_folder(path: Path, count: int) -> Path:
    """Write pictures and a table of their captions, and return the folder."""
    path.mkdir()
    rows = ["image,caption"]
    for n, (image, caption) in enumerate(make_pairs(count)):
        (path / f"{n:04}.png").write_bytes(image)
        rows.append(f"{n:04}.png,{caption}")
    (path / "captions.csv").write_text("\n".join(rows))
    return path
