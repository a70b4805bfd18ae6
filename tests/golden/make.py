"""Writes golden.json: payloads, and Python's results for them.

`js/tests/golden.test.ts` computes the same results from the same payloads. After a change of the arithmetic::

    python -m tests.golden.make

``payload`` is that of a short caption, for the ``cases`` of single words and regions. ``many`` is a caption
with neighbors that point at one place, and with more words that count than there are hues.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from gradeclip_widget.core.explanation_data import READINGS
from gradeclip_widget.core.regions import seen_share
from gradeclip_widget.core.words import split_words
from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.export.painting.color_scales import color_table
from gradeclip_widget.export.payload import to_json, to_payload

from ..factories import make_explanation, with_values

PATH = Path(__file__).with_name("golden.json")

SIGNED = np.array([1, 12, -4, 0]) / 128  # what the words of the short caption add to the score
BOXES = [
    [25, 14, 35, 26],  # one patch
    [7.5, 3.25, 31.125, 20],  # parts of several
    [-20, -10, 12, 9],  # partly outside the picture
    [50, 30, 80, 90],
    [0, 0, 60, 40],  # all
    [0, 0, 4, 40],  # a part that the model did not see
    [30, 20, 30, 20],  # a point
    [5, 2, 5.000001, 38],  # thin
]
POLYGONS = [
    [[10, 5], [50, 10], [30, 35]],
    [[5, 2], [55, 2], [55, 38], [35, 38], [35, 14], [25, 14], [25, 38], [5, 38]],  # concave
    [[30, 20], [30.1, 20], [30, 20.1]],  # tiny
    [[-30, -10], [20, -10], [20, 30]],  # partly outside
    [[5, 2], [55, 38], [55, 2], [5, 38]],  # crosses itself
    [[10, 10], [40, 10], [20, 10]],  # a line
]
# Patches of 3 x 5: a ring, all but a hole, and a line that touches itself at a corner; all others are alone.
THINGS = {
    1: ["#####", "#...#", "#####"],
    2: ["#####", "##.##", "#####"],
    3: [".###.", ".#.#.", "..##."],
}
REGIONS = [{"kind": "box", "box": b} for b in BOXES]
UNSEEN = REGIONS[5]
REGIONS += [{"kind": "polygon", "points": p} for p in POLYGONS]
PHRASES = [[0, 1], [2], [3, 1, 0], [0, 1, 2, 3]]


def explanation() -> Explanation:
    """Four words on 3 x 5 patches that do not cover the margin of the picture; the last word is cut off."""
    inside = np.eye(15, dtype=bool)
    for patch, rows in THINGS.items():
        inside[patch] = [letter == "#" for letter in "".join(rows)]
    e = make_explanation(
        unrelated_scores=np.linspace(0.125, 0.25, 9), things=np.packbits(inside, axis=1)
    )
    cut = replace(e.words[-1], tokens=(), truncated=True)
    return with_values(replace(e, words=(*e.words[:-1], cut)), SIGNED)


def explanation_of_many() -> Explanation:
    """Fifteen words of which eleven count: "red circle" and "tall green trees" are one highlight each.

    Only the places of the words divide the picture into things.
    """
    caption = "a red circle, a dog, two cats beside tall green trees under one evening sun"
    places = {  # (row, col) of the patch that a word points at, and what it adds to the score
        "red": (0, 0, 12), "circle": (0, 0, 24), "dog": (0, 5, 40), "two": (2, 3, 14), "cats": (2, 4, 32),
        "tall": (4, 1, 13), "green": (4, 1, 16), "trees": (4, 1, 28), "one": (1, 7, 14),
        "evening": (4, 6, 18), "sun": (2, 7, 20), "under": (3, 3, -3), "beside": (3, 4, 1),
    }  # fmt: skip
    grid = (5, 8)
    texts = [caption[a:b] for a, b in split_words(caption)]
    noise = np.random.default_rng(10).integers(-8, 8, (len(texts), *grid)) / 256
    for row, text in zip(noise, texts, strict=True):
        if text in places:
            r, c, value = places[text]
            row[r, c] = np.copysign(1.0, value)
            row[(r + 1) % 5, c] = np.copysign(0.5, value)
    added = np.array([places.get(text, (0, 0, 0.25))[2] for text in texts])
    values = added / 256
    whole = np.packbits(np.ones((40, 40), bool), axis=1)
    return make_explanation(
        caption, grid, left_out=noise, word_effects=values, shapley=values, things=whole
    )


def compute(e: Explanation, fn: str, args: dict[str, Any]) -> Any:
    """Python's result of one case."""
    reading, words, region = (args.get(name) for name in ("reading", "words", "region"))
    match fn:
        case "rawMap":
            return _floats(e.raw_map(words, reading))
        case "wordsMap":
            return _floats(e.phrase_map(words, reading, both_signs=True))
        case "captionMap":
            return _floats(e.caption_map(both_signs=True))
        case "coverage":
            return _floats(e.coverage(region))
        case "regionWords":
            ranked = e.region_words(region, reading)
            return [[w.index, w.value] for w in ranked if not e.unread[w.index]]
        case "seenShare":
            return seen_share(region, e.image.size, e.cover)
        case "regionShare":
            return e.region_share(region, words, reading)
    raise ValueError(fn)


def things_of(e: Explanation) -> list[dict[str, Any]]:
    """The things around the patches of the first row, as regions."""
    (x0, y0, x1, _), (_, cols) = e.cover, e.patch_grid
    return [e.thing_at(x0 + (col + 0.5) * (x1 - x0) / cols, y0) for col in range(cols)]


def cases() -> list[dict[str, Any]]:
    """Every function with arguments that are easy to compute wrongly."""
    calls: list[tuple[str, dict[str, Any]]] = [("captionMap", {})]
    for reading in READINGS:
        for words in (*([w] for w in range(4)), *PHRASES):
            calls += [(fn, {"reading": reading, "words": words}) for fn in ("rawMap", "wordsMap")]
    calls += [("coverage", {"region": region}) for region in REGIONS]
    things = things_of(explanation())
    calls += [("coverage", {"region": thing}) for thing in things]
    calls += [("seenShare", {"region": region}) for region in [*REGIONS, *things[1:3]]]
    for region in [*REGIONS, *things[1:3]]:
        if region == UNSEEN:  # NaN in Python; the front end shows a sentence in its place
            continue
        calls += [("regionWords", {"reading": r, "region": region}) for r in READINGS]
        calls += [
            ("regionShare", {"reading": READINGS[0], "words": w, "region": region}) for w in PHRASES
        ]
    e = explanation()
    return [{"fn": fn, "args": args, "value": compute(e, fn, args)} for fn, args in calls]


def evidence_of(e: Explanation) -> dict[str, Any]:
    """The values of the first picture."""
    return {
        "word_evidence": {r: _floats(e.word_evidence(r)) for r in e.readings},
        "evidence_map": _floats(e.evidence_map),
        "highlights": [asdict(h) for h in e.highlights()],
        "lowering": e.lowering_words(),
    }


def diverging_colors() -> dict[str, list[str]]:
    """Every fifth color of the scales for evidence against the match, and for both signs."""
    tables = {sign: color_table("inferno", sign) for sign in ("negative", "both")}
    return {sign: [f"#{bytes(c).hex()}" for c in table[::5]] for sign, table in tables.items()}


def _floats(array: Any) -> list[float]:
    return [float(v) for v in array.ravel()]


def main() -> None:
    """Write the file, with one case per line."""
    one, many = explanation(), explanation_of_many()
    parts = {"payload": to_json(to_payload(one)), **evidence_of(one)}
    parts["diverging_colors"] = diverging_colors()
    parts["things"] = things_of(one)
    parts["many"] = {
        "payload": to_json(to_payload(many)),
        "things": things_of(many),
        **evidence_of(many),
    }
    head = ",\n".join(f'"{k}": {json.dumps(v, ensure_ascii=False)}' for k, v in parts.items())
    lines = ",\n".join(json.dumps(case) for case in cases())
    PATH.write_text(f'{{{head},\n"cases": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
