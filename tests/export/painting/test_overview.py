"""The highlights of all words painted over the picture: hues, contours and chips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor

from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.export.painting.chips import Chip
from gradeclip_widget.export.painting.overview import HUE_COLORS, NEUTRAL_COLOR

from ...factories import make_explanation, picture
from .pixels import count_of, pixels

SIZE = (600, 400)
GRID = (8, 12)  # patches of 50 x 50 pixels
TEN = "zero one two three four five six seven eight nine"


def blobs(
    places: Sequence[tuple[int, int]], importance: Sequence[float], caption: str, **changes: Any
) -> Explanation:
    """Words that point at one patch each, as strongly as they are important, in a gray picture."""
    maps = np.zeros((len(places), *GRID))
    for row, place, strength in zip(maps, places, importance, strict=True):
        row[place] = strength
    values: dict[str, Any] = {
        "image": Image.new("RGB", SIZE, "#808080"),
        "cover": (0.0, 0.0, *map(float, SIZE)),
        "left_out": maps,
        "score": sum(max(value, 0) for value in importance),
    }
    return make_explanation(caption, GRID, **values | changes)


def nearest(color: NDArray[np.int_]) -> int:
    """Which of the six hues a color is nearest to."""
    hues = np.array([ImageColor.getrgb(c) for c in HUE_COLORS])
    return int(np.abs(hues - color).sum(1).argmin())


def test_each_word_that_counts_has_its_hue_at_its_evidence() -> None:
    e = blobs([(2, 2), (6, 5), (2, 9)], [0.3, 0.2, 0.3], "dog cat sun")
    painted = pixels(e.overlay())
    for hue, (row, col) in enumerate([(2, 2), (6, 5), (2, 9)]):
        beneath = painted[50 * row + 37, 50 * col + 25]  # inside the contour, clear of dot and chip
        assert nearest(beneath) == hue
        assert np.ptp(beneath) > 60


def test_the_picture_is_a_little_darker_and_gray_where_there_is_no_evidence() -> None:
    painted = pixels(blobs([(2, 2), (6, 5), (2, 9)], [1, 1, 1], "dog cat sun").overlay())
    corner = painted[-20:, :20]
    assert np.ptp(corner, axis=-1).max() <= 2
    assert 100 < corner.mean() < 120  # 128 in the picture


def test_a_less_important_word_is_painted_more_faintly_but_visibly() -> None:
    e = blobs([(3, 2), (3, 9), (7, 0)], [1, 0.27, 0], "dog cat sun")
    painted = pixels(e.overlay())
    strong, faint = (np.ptp(painted[50 * 3 + 37, 50 * c + 25]) for c in (2, 9))
    assert 20 < faint < 0.7 * strong


def test_a_contour_is_at_half_of_the_maximum() -> None:
    e = blobs([(3, 2), (3, 9), (7, 0)], [1, 0.3, 0], "dog cat sun")
    painted = pixels(e.overlay())
    for hue, col in enumerate(
        (2, 9)
    ):  # at the same distance from the peak, whatever the importance
        line = painted[50 * 3 + 25, 50 * col + 25 : 50 * (col + 2) + 25]
        colored = np.flatnonzero((line == ImageColor.getrgb(HUE_COLORS[hue])).all(-1))
        beyond = colored[colored > 15]  # past the dot
        # Half way to the next patch, which has nothing, and a little farther since peaks are smoothed.
        assert np.abs(beyond - 27.5).max() <= 1


def test_hues_are_blended_where_two_words_have_evidence() -> None:
    maps = np.zeros((2, *GRID))
    maps[:, 4, 5:7] = [[1, 0.8], [0.8, 1]]
    maps[1, 0, 0] = 1  # else they were one highlight
    e = blobs([(0, 0)] * 2, [1, 1], "dog cat", left_out=maps)
    assert [h.words for h in e.highlights()] == [(0,), (1,)]
    mixed = pixels(e.overlay())[4 * 50 + 38, 6 * 50]
    orange, blue = (np.array(ImageColor.getrgb(c)) for c in HUE_COLORS[:2])
    between = (mixed[0] - mixed[2]) / (orange - blue)[0]
    assert (orange - blue)[2] < 0 < (orange - blue)[0]
    alone = pixels(blobs([(4, 5), (0, 0)], [1, 0], "dog cat").overlay())[4 * 50 + 38, 5 * 50 + 25]
    assert abs(between) < abs(alone[0] - alone[2]) / (orange - blue)[0] / 2


def test_words_beyond_six_are_neutral() -> None:
    places = [(n // 5 * 4 + 2, n % 5 * 2 + 1) for n in range(10)]
    e = blobs(places, [1.0] * 6 + [0.5] * 4, TEN)
    painted = e.overlay()
    assert count_of(painted, NEUTRAL_COLOR) > 1000
    for color in HUE_COLORS:
        assert count_of(painted, color) > 300


def test_without_a_word_that_counts_the_picture_is_dim() -> None:
    e = blobs([(2, 2), (6, 5), (2, 9)], [0, 0, -1], "dog cat sun")
    assert len(np.unique(pixels(e.overlay()))) == 1


def test_painting_changes_neither_the_picture_nor_itself() -> None:
    e = blobs([(2, 2), (6, 5), (2, 9)], [1, 1, 1], "dog cat sun", image=picture(SIZE))
    before = e.image.tobytes()
    assert e.overlay().tobytes() == e.overlay().tobytes()
    assert e.image.tobytes() == before


def test_the_overview_covers_only_the_part_that_the_model_saw() -> None:
    e = blobs([(2, 2), (6, 5), (2, 9)], [1, 1, 1], "dog cat sun", cover=(300.0, 0.0, 600.0, 400.0))
    painted = pixels(e.overlay())
    dimmed, visible = painted[:, :295], painted[380:, 320:400]
    assert dimmed.max() < visible.min()
    assert np.ptp(dimmed, axis=-1).max() <= 2


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (30, 20), (3, 400), (2000, 60), (60, 2000)])
def test_the_overview_is_painted_on_a_picture_of_any_shape(size: tuple[int, int]) -> None:
    whole = {"image": picture(size), "cover": (0.0, 0.0, *map(float, size))}
    painted = blobs([(2, 2), (6, 5), (2, 9)], [1, 1, 1], "dog cat sun", **whole).overlay()
    assert (painted.size, painted.mode) == (size, "RGB")


def test_a_chip_is_written_for_every_highlight_at_its_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    chips: list[Chip] = []
    monkeypatch.setattr(
        "gradeclip_widget.export.painting.overview.draw_chips",
        lambda image, drawn: chips.extend(drawn) or image,
    )
    blobs([(2, 2), (2, 2), (6, 5), (0, 0)], [0.25, 0.5, 0.125, 0], "red dog sun a").overlay()
    assert chips == [
        Chip("red dog", "words 1-2", (125.0, 125.0), HUE_COLORS[0], 0.75),
        Chip("sun", "word 3", (275.0, 325.0), HUE_COLORS[1], 0.125),
    ]


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("a banana beside two ripe apples", "a banana beside two ..."),
        ("Donaudampfschifffahrtsgesellschaft dogs here", "Donaudampfschifffahrtsgesellschaft ..."),
        ("Donaudampfschifffahrtsgesellschaft", "Donaudampfschifffahrtsgesellschaft"),
    ],
)
def test_a_chip_of_many_words_is_shortened(
    caption: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chips: list[Chip] = []
    monkeypatch.setattr(
        "gradeclip_widget.export.painting.overview.draw_chips",
        lambda image, drawn: chips.extend(drawn) or image,
    )
    count = len(caption.split())
    blobs([(2, 2)] * count, [1.0] * count, caption).overlay()
    assert [chip.text for chip in chips] == [text]
