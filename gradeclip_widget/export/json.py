"""Explanations as ``.json``: the payload's header, and every map as nested lists of numbers."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from ..core.explanation_data import ExplanationData
from .payload import to_payload


def write_json(explanation: ExplanationData, path: Path) -> None:
    """Write the numbers of an explanation, without its picture.

    The file has the payload's header (see `payload`), ``highlights``, and maps under the names that they
    have in Python. ``word_evidence``, (W, rows, cols) by reading, and ``evidence_map`` and ``caption_map``,
    (rows, cols), are in units of the score. ``raw_maps`` are in units of the method: the caption's (rows,
    cols), and every reading's (W, rows, cols).
    """
    e = explanation
    raw = {name: e.raw_maps(name).tolist() for name in e.readings}
    content = to_payload(e)["header"] | {
        "word_evidence": {name: e.word_evidence(name).tolist() for name in e.readings},
        "evidence_map": e.evidence_map.tolist(),
        "caption_map": e.caption_map().tolist(),
        "raw_maps": {"caption": e.signed_map.tolist(), **raw},
        "highlights": [asdict(highlight) for highlight in e.highlights()],
    }
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False), encoding="utf-8"
    )
