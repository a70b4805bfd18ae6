"""The data for the front end, in a notebook or an exported page: one payload per explanation. No torch.

A payload is ``{"header": {...}, "image": bytes, "maps": bytes, "things": bytes}``.

``image`` is the picture as encoded bytes (``header["image"]["mime"]``), at most `DISPLAY_SIDE` pixels on
its long side. ``maps`` is one little-endian float32 buffer: the maps of ``header["maps"]`` one after another,
each ``rows x cols`` in row order. Words without tokens have rows of zeros. ``things`` has a bit for every
pair of patches, P rows of P / 8 bytes, rounded up: the thing around each patch; empty if it is not known.

Header, version 1 (``js/src/core/types.ts`` mirrors it):

=================  ============================================================================
``version``        1
``caption``        the caption as given
``words``          per word: ``text``; ``truncated`` (beyond the context length); ``known`` (false if the
                   model was never trained on it); ``small`` (names nothing, as "a"); ``attribute`` (of the
                   word after it, as "red")
``importance``     of the words by every measure that was computed, the default first:
                   ``[{"name": "shapley", "label": "what the word ...", "values": [...], "base": 0.3}, ...]``,
                   W values each, in units of the cosine; ``base``: the score that they start from to add
                   up to the score, null if they do not add up
``unrelated``      cosines of unrelated sentences with the picture, ascending; null if not computed
``gaps``           the caption's text between words: W + 1 strings, before, between and after
``score``          ``cosine``; ``logit`` (scale x cosine + bias); ``scale``; ``bias`` (null if none);
                   ``probability`` (sigmoid of the logit for models with a bias, else null)
``grid``           ``[rows, cols]`` of the patch grid
``image``          ``mime``; ``width``, ``height`` of the original in pixels; ``cover``: the box
                   ``[x0, y0, x1, y1]`` in original pixels that the grid covers
``maps``           ``[{"name": "caption", "rows": 1}, {"name": "in caption", "rows": W}, ...]``: the whole
                   caption's signed map, then one block per reading, a row per word; all raw, in units
                   of the method, which the front end scales to units of the score
``blocks``         ``image``, ``text``: first-order contribution of each block's attention output to
                   the score, shallowest first; ``image_layers``, ``text_layers``: number explained
``no_evidence``    ``image``: no patch has positive evidence; ``text``: no token has it
``notes``          sentences for the reader (caption cut, little of the evidence in the last block)
``foreign``        if the picture is unlike the model's training data (see the first note),
                   ``{"model": ..., "megabytes": ...}``: a model to use instead, and its download; else null
``model``          name;  ``method``: label;  ``reference``: bool;  ``seconds``: to compute, or null
=================  ============================================================================
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from ..core.evidence import MEASURES
from ..core.explanation_data import FOR_PHOTOGRAPHS, MEGABYTES
from .picture import display_image

if TYPE_CHECKING:
    from ..core.explanation_data import BlockMaps, ExplanationData, Maps

VERSION = 1


class PayloadMaps(TypedDict):
    """One explanation for the front end, without its picture."""

    header: dict[str, Any]
    maps: bytes


class Payload(PayloadMaps):
    """One explanation for the front end."""

    image: bytes
    things: bytes


def to_payload(explanation: ExplanationData) -> Payload:
    """Pack an explanation for the front end."""
    things = b"" if explanation.things is None else explanation.things.tobytes()
    return {
        **to_maps(explanation),
        "image": display_image(explanation.image),
        "things": things,
    }


def to_maps(explanation: ExplanationData) -> PayloadMaps:
    """Pack an explanation without its picture, if the front end already has it."""
    e = explanation
    blocks = [("caption", e.signed_map[None])]
    blocks += [(name, e.raw_maps(name)) for name in e.readings]
    header = {
        "version": VERSION,
        "caption": e.caption,
        "words": [
            {
                "text": word.text,
                "truncated": word.truncated,
                "known": word.known,
                "small": word.small,
                "attribute": word.attribute,
            }
            for word in e.words
        ],
        "importance": [
            {
                "name": name,
                "label": MEASURES[name],
                "values": e.importance(name).tolist(),
                "base": e.base(name),
            }
            for name in e.importance_measures
        ],
        "unrelated": None if e.unrelated_scores is None else e.unrelated_scores.tolist(),
        "gaps": _gaps(e),
        "score": {
            "cosine": e.score,
            "logit": finite(e.logit),
            "scale": finite(e.logit_scale),
            "bias": finite(e.logit_bias),
            "probability": finite(e.probability),
        },
        "grid": list(e.patch_grid),
        "image": {
            "mime": "image/webp",
            "width": e.image.width,
            "height": e.image.height,
            "cover": list(e.cover),
        },
        "maps": [{"name": name, "rows": len(maps)} for name, maps in blocks],
        "blocks": {
            "image": [float(v) for v in e.image_block_shares],
            "text": [float(v) for v in e.text_block_shares],
            "image_layers": e.image_layers,
            "text_layers": e.text_layers,
        },
        "no_evidence": {"image": e.no_image_evidence, "text": e.no_text_evidence},
        "notes": list(e.notes),
        "foreign": {"model": FOR_PHOTOGRAPHS, "megabytes": MEGABYTES} if e.foreign else None,
        "model": e.model,
        "method": e.method,
        "reference": e.reference,
        "seconds": e.seconds,
    }
    maps = b"".join(_buffer(m) for _, m in blocks)
    return {"header": header, "maps": maps}


class RawDepth(TypedDict):
    """Maps of single blocks for the front end, in buffers of little-endian float32.

    ``maps``: image blocks x (1 + words) x rows x cols, then text blocks x words x rows x cols;
    ``importance``: text blocks x words. See `BlockMaps`.
    """

    caption: str
    image_blocks: int
    text_blocks: int
    words: int
    maps: bytes
    importance: bytes


def to_raw_depth(maps: BlockMaps) -> RawDepth:
    """Pack the maps of single blocks for the front end."""
    return {
        "caption": maps.caption,
        "image_blocks": len(maps.image_maps),
        "text_blocks": len(maps.text_maps),
        "words": maps.text_maps.shape[1],
        "maps": _buffer(maps.image_maps) + _buffer(maps.text_maps),
        "importance": _buffer(maps.text_importance),
    }


def _buffer(array: Maps) -> bytes:
    """Return an array as little-endian float32."""
    return np.ascontiguousarray(array, dtype="<f4").tobytes()


def to_json(payload: Payload | Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload with its buffers as base64 text, for files without binary data."""
    return {
        "header": payload["header"],
        "image": base64_text(payload["image"]),
        "maps": base64_text(payload["maps"]),
        "things": base64_text(payload["things"]),
    }


def finite(value: float | None) -> float | None:
    """Return a number, or ``None`` in place of NaN and infinity, which JSON does not have."""
    return value if value is not None and math.isfinite(value) else None


def base64_text(data: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(data).decode("ascii")


def _gaps(explanation: ExplanationData) -> list[str]:
    """Return the caption's text before, between and after its words."""
    edges = [0, *(k for w in explanation.words for k in (w.start, w.end)), len(explanation.caption)]
    return [explanation.caption[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
