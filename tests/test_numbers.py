"""Every place that shows the numbers of an explanation shows the same ones."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gradeclip_widget as gw
from gradeclip_widget.cli.table import word_table
from gradeclip_widget.demo import Scene
from gradeclip_widget.export.payload import to_payload

TRUE, WRONG, UNKNOWN = "a dog and a red circle", "a bicycle beside a cat", "a dog on a velociraptor"


@pytest.mark.parametrize(
    ("caption", "method", "reference"),
    [
        (TRUE, "grad-eclip", False),
        (TRUE, "maskclip", False),
        (TRUE, "grad-eclip", True),
        (WRONG, "grad-eclip", False),
        (WRONG, "legrad", False),
        (UNKNOWN, "grad-eclip", False),
    ],
)
def test_numbers_of_every_path_agree(
    clip: gw.ClipModel, scene: Scene, tmp_path: Path, caption: str, method: str, reference: bool
) -> None:
    # The embedded model cannot be computed as the authors' code does; its numbers can be shown that way.
    e = replace(gw.Explainer(clip, method)(scene.image, caption), reference=reference)
    bars = pytest.approx(e.word_importance, abs=1e-7)
    assert (e.word_importance < -0.01).any() == (caption == WRONG)

    table = e.to_frame()
    assert table["importance"].to_numpy() == bars
    assert to_payload(e)["header"]["importance"][0]["values"] == bars  # what the widget's bars show
    for path in (tmp_path / "e.json", tmp_path / "e.npz"):
        e.save(path)
    written = json.loads((tmp_path / "e.json").read_text(encoding="utf-8"))
    assert written["importance"][0]["values"] == bars
    assert gw.Explanation.load(tmp_path / "e.npz").word_importance == bars
    figure = e.figure().data
    shown = {label.split()[-1]: label.split()[0] for label in e.figure().layout.yaxis3.ticktext}
    for word, value in zip(table["word"], table["importance"], strict=True):
        if (table["word"] == word).sum() == 1 and abs(value) > 0.01:
            assert shown[word] == f"{value:.3f}"
            assert f"  {value:+.3f}  " in word_table(e)

    for reading in e.readings:
        maps = e.word_evidence(reading)
        assert written["word_evidence"][reading] == pytest.approx(maps)
        for word, values in enumerate(maps):
            if e.words[word].known:
                np.testing.assert_allclose(e.word_map(word, reading), values, atol=1e-7)
                if values.any():
                    assert e.word_map(word, reading).sum() == bars_of(table, word)
        np.testing.assert_allclose(figure_map(e, 1, reading), e.word_map(1, reading), atol=1e-7)
    together = next(trace.z for trace in figure if trace.type == "heatmap")
    whole = e.caption_map() if e.reference else np.maximum(e.word_evidence(), 0).sum(0)
    np.testing.assert_allclose(together, whole, atol=1e-7)
    for one in () if e.reference else e.highlights():
        assert one.importance == pytest.approx(table["importance"][list(one.words)].sum(), abs=1e-6)
        if len(one.words) == 1:
            assert center_of(e, one.peak) == tuple(table.loc[one.words[0], ["x", "y"]])
    places = {w.index: w.value for w in e.region_words((0, 0, *e.image.size))}
    for word in range(len(e.words)):
        assert places[word] == pytest.approx(e.word_evidence()[word].sum(), abs=1e-6)


def bars_of(table: pd.DataFrame, word: int) -> object:
    return pytest.approx(table["importance"][word], abs=1e-6)


def figure_map(e: gw.Explanation, word: int, reading: str) -> np.ndarray:
    """The values under the pointer in the figure of a word."""
    return next(t.z for t in e.figure(word, reading=reading).data if t.type == "heatmap")


def center_of(e: gw.Explanation, patch: tuple[int, int]) -> tuple[float, float]:
    """The center of a patch in pixels of the picture."""
    x0, y0, x1, y1 = e.cover
    rows, cols = e.patch_grid
    return x0 + (patch[1] + 0.5) * (x1 - x0) / cols, y0 + (patch[0] + 0.5) * (y1 - y0) / rows
