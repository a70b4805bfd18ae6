"""Writes golden.json: one payload, and what Python computes from it.

`js/tests/golden.test.ts` computes the same from the same payload. After a change of the arithmetic::

    python -m tests.golden.make
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from gradeclip_widget.explanation import READINGS, Explanation
from gradeclip_widget.payload import to_json, to_payload

from ..factories import make_explanation

PATH = Path(__file__).with_name("golden.json")

BOXES = [
    [25, 14, 35, 26],  # one patch
    [7.5, 3.25, 31.125, 20],  # parts of several
    [-20, -10, 12, 9],  # partly outside the picture
    [50, 30, 80, 90],
    [0, 0, 60, 40],  # all
    [0, 0, 4, 40],  # what the model never saw: all words tie
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
REGIONS = [{"kind": "box", "box": b} for b in BOXES]
REGIONS += [{"kind": "polygon", "points": p} for p in POLYGONS]
PHRASES = [[0, 1], [2], [3, 1, 0], [0, 1, 2, 3]]


def explanation() -> Explanation:
    """Four words on 3 x 5 patches that leave a margin of the picture; the last word was cut off."""
    e = make_explanation()
    cut = replace(e.words[-1], tokens=(), truncated=True)
    return replace(e, words=(*e.words[:-1], cut))


def compute(e: Explanation, fn: str, args: dict[str, Any]) -> Any:
    """What Python answers to one case."""
    reading, words, region = (args.get(name) for name in ("reading", "words", "region"))
    match fn:
        case "wordMap":
            return _floats(e.word_map(words[0], reading))
        case "phraseMap":
            return _floats(e.phrase_map(words, reading))
        case "coverage":
            return _floats(e.coverage(region))
        case "regionWords":
            return [[w.index, w.value] for w in e.region_words(region, reading)]
        case "regionShare":
            return e.region_share(region, words, reading)
    raise ValueError(fn)


def cases() -> list[dict[str, Any]]:
    """Every function with the arguments that are easy to get wrong."""
    asked: list[tuple[str, dict[str, Any]]] = []
    for reading in READINGS:
        asked += [("wordMap", {"reading": reading, "words": [w]}) for w in range(4)]
        asked += [("phraseMap", {"reading": reading, "words": words}) for words in PHRASES]
    asked += [("coverage", {"region": region}) for region in REGIONS]
    for region in REGIONS:
        asked += [("regionWords", {"reading": r, "region": region}) for r in READINGS]
        asked += [
            ("regionShare", {"reading": READINGS[0], "words": w, "region": region}) for w in PHRASES
        ]
    e = explanation()
    return [{"fn": fn, "args": args, "value": compute(e, fn, args)} for fn, args in asked]


def _floats(array: Any) -> list[float]:
    return [float(v) for v in array.ravel()]


def main() -> None:
    """Write the file, one case a line."""
    payload = json.dumps(to_json(to_payload(explanation())), ensure_ascii=False)
    lines = ",\n".join(json.dumps(case) for case in cases())
    PATH.write_text(f'{{"payload": {payload},\n"cases": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
