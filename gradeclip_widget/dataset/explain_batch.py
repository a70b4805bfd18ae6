"""From prepared pairs to rows of the table: one pass for a batch of pictures, one for its captions."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from cachetools import LRUCache
from torch import Tensor

from ..core import regions
from ..core.evidence import share_in
from ..core.explanation_data import Maps
from ..core.shapley import Values, WordGame
from ..explain.assemble import wide
from ..explain.explainer import Explainer
from .pairs import FailedPair
from .prepare import PreparedPair

Row = dict[str, Any]
_CACHED_CAPTIONS = 1024  # datasets of classes repeat few captions
_TENTH = 10  # concentration is the share of the strongest tenth of patches


@dataclass(frozen=True, eq=False)
class _Result:
    """The score of a pair, its signed map (rows, cols), and the importances (W,) of its words.

    ``foreign``: whether the picture is unlike all pictures that the model was trained on.
    """

    score: float
    signed_map: Maps
    importances: Maps | None
    foreign: bool


class BatchExplainer:
    """Explains prepared pairs in batches.

    If the method can map several pictures at once (Grad-ECLIP), one image block is explained, and the image
    tower takes batches, a batch needs one pass of each tower. Otherwise pictures are mapped one by one, with
    the same result.

    Args:
        explainer: the model, the method and their options.
        importances: whether to compute each word's importance, which takes two short captions per word.
    """

    def __init__(self, explainer: Explainer, importances: bool = True) -> None:
        self.explainer, self.importances = explainer, importances
        self._texts: LRUCache[tuple[tuple[int, ...], ...], Tensor] = LRUCache(_CACHED_CAPTIONS)

    @property
    def in_batches(self) -> bool:
        """Whether several pairs are explained in one pass."""
        explainer = self.explainer
        return (
            explainer.method.has_batches
            and explainer.clip.image_tower.has_batches
            and explainer.image_layers == 1
            and not explainer.reference
        )

    @property
    def needs_pictures(self) -> bool:
        """Whether pairs are explained one by one, as methods require that optimize for each text."""
        return self.explainer.reference or self.explainer.method.per_text

    def patches(self) -> int | None:
        """Return how many patches every map has, from a trial; ``None`` if pictures keep their ratio."""
        explainer = self.explainer
        if explainer.fit == "whole" and explainer.clip.image_tower.flexible:
            return None
        height, width = explainer.clip.image_processor.image_size
        blank = np.full((height, width, 3), 128, np.uint8)
        return math.prod(explainer.encode(blank).trace.grid)

    def __call__(self, pairs: Sequence[PreparedPair]) -> list[Row | FailedPair]:
        """Return the rows of pairs whose pixels have one shape, in their order.

        If the model fails on the batch, each pair is tried alone; a pair that fails again gives a
        `FailedPair`.

        Raises:
            MemoryError: the batch does not fit into memory.
        """
        start = time.perf_counter()
        try:
            alone = self.needs_pictures
            results = [self._alone(pair) for pair in pairs] if alone else self._together(pairs)
        except (RuntimeError, ValueError, TypeError) as error:
            if is_out_of_memory(error):
                raise MemoryError(str(error)) from error
            if len(pairs) == 1:
                return [FailedPair.of(pairs[0].pair, "model", error)]
            return [row for pair in pairs for row in self([pair])]
        if len(pairs) > 1 and not all(map(_is_finite, results)):
            # Captions share a pass, in which NaN spreads from one to the others.
            self._texts.clear()
            return [row for pair in pairs for row in self([pair])]
        seconds = (time.perf_counter() - start) / len(pairs)
        return [self._row(p, r, seconds) for p, r in zip(pairs, results, strict=True)]

    def _together(self, pairs: Sequence[PreparedPair]) -> list[_Result]:
        """Explain pairs whose captions share a pass, and also the pictures if the method allows it."""
        with self.explainer.clip.inference_context():
            texts = self._embed(pairs)
            mapped = (
                self._map_batch(pairs, texts)
                if self.in_batches
                else list(map(self._map_one, pairs, texts))
            )
            foreign = self.explainer.clip.are_foreign(torch.cat([pair.pixels for pair in pairs]))
        results = []
        for pair, (signed_map, scores), is_foreign in zip(pairs, mapped, foreign, strict=True):
            importances = None
            if self.importances:
                game = WordGame.of(pair.tokens.words)
                importances = game.values(scores[1:]).astype(np.float32)
            results.append(_Result(float(scores[0]), signed_map, importances, is_foreign))
        return results

    def _map_batch(
        self, pairs: Sequence[PreparedPair], texts: Sequence[Tensor]
    ) -> list[tuple[Maps, Values]]:
        """Return the map (rows, cols) and the texts' scores of each pair, from one pass of the tower."""
        clip, method = self.explainer.clip, self.explainer.method
        pixels = torch.cat([pair.pixels for pair in pairs])
        images = clip.image_tower.trace_batch(clip.to_device(pixels))
        captions = torch.stack([text[:1] for text in texts]).to(images.embedding)
        maps = method.batch_maps(images, captions).float().cpu().numpy().reshape(-1, *images.grid)
        scores = [wide(t) @ wide(x) for t, x in zip(texts, images.embedding, strict=True)]
        return [(each, score.numpy()) for each, score in zip(maps, scores, strict=True)]

    def _map_one(self, pair: PreparedPair, text: Tensor) -> tuple[Maps, Values]:
        """Return the map (rows, cols) and the texts' scores of one pair."""
        explainer = self.explainer
        trace = explainer.clip.image_tower.trace(
            explainer.clip.to_device(pair.pixels), explainer.image_layers, contributions=False
        )
        maps = explainer.method.image_maps(trace, text[:1]).float().cpu().numpy()
        return maps.reshape(trace.grid), (wide(text) @ wide(trace.embedding)).numpy()

    def _embed(self, pairs: Sequence[PreparedPair]) -> list[Tensor]:
        """Return unit embeddings (1 + C, E) of each caption and of the coalitions of its words."""
        clip = self.explainer.clip
        keys = [self._sequences(pair) for pair in pairs]
        texts = {key: self._texts[key] for key in keys if key in self._texts}
        if new := list(dict.fromkeys(key for key in keys if key not in texts)):
            embedded = clip.text_tower.embed_groups(new, clip.tokenizer.special_tokens)
            texts.update(zip(new, embedded, strict=True))
            self._texts.update(zip(new, embedded, strict=True))
        return [texts[key] for key in keys]

    def _sequences(self, pair: PreparedPair) -> tuple[tuple[int, ...], ...]:
        tokens, enclose = pair.tokens, self.explainer.clip.tokenizer.add_special_tokens
        coalitions = WordGame.of(tokens.words).coalitions if self.importances else ()
        ids = (tokens.ids, *map(tokens.only, coalitions))
        return tuple(tuple(enclose(sequence)) for sequence in ids)

    def _alone(self, pair: PreparedPair) -> _Result:
        """Explain one pair with the explainer itself."""
        e = self.explainer(pair.picture, pair.tokens.caption)
        importances = e.word_importance if self.importances else None
        return _Result(e.score, e.signed_map, importances, e.foreign)

    def _row(self, prepared: PreparedPair, result: _Result, seconds: float) -> Row | FailedPair:
        pair, signed_map = prepared.pair, result.signed_map
        if not _is_finite(result):
            clip = self.explainer.clip
            with clip.inference_context():
                ids = self._sequences(prepared)[0]
                error = clip.not_finite(repr(pair.caption), prepared.pixels, ids)
            return FailedPair.of(pair, "model", error)
        width, height = prepared.size
        return {
            "id": pair.id,
            "position": pair.position,
            "caption": pair.caption,
            "image": pair.place,
            "words": [word.text for word in prepared.tokens.words],
            "importances": result.importances,
            "score": result.score,
            "map": signed_map.ravel(),
            "grid_rows": signed_map.shape[0],
            "grid_cols": signed_map.shape[1],
            "width": width,
            "height": height,
            "cover": prepared.cover,
            "energy": _energy(prepared, signed_map),
            "concentration": concentration(signed_map),
            "foreign": result.foreign,
            "thumbnail": prepared.thumbnail,
            "method": self.explainer.label,
            "model": self.explainer.clip.name,
            "seconds": seconds,
        }


def _is_finite(result: _Result) -> bool:
    return math.isfinite(result.score) and bool(np.isfinite(result.signed_map).all())


def concentration(signed_map: Maps) -> float | None:
    """Return the share of a map's positive evidence in its strongest tenth of patches, 0 to 1.

    It is ``None`` if no patch is positive. Evenly spread evidence gives about 0.1.
    """
    positive = np.sort(np.maximum(signed_map.ravel().astype(np.float64), 0))[::-1]
    whole = float(positive.sum())
    strongest = max(1, round(positive.size / _TENTH))
    return float(positive[:strongest].sum()) / whole if whole > 0 else None


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that a tensor did not fit into memory; torch has several such errors."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text


def _energy(prepared: PreparedPair, signed_map: Maps) -> float | None:
    """Return the share of a map's positive evidence in the pair's box; ``None`` without a box or evidence."""
    box = prepared.pair.box
    if box is None or not (signed_map > 0).any():
        return None
    covered = regions.coverage(box, prepared.size, signed_map.shape, prepared.cover)
    return share_in(signed_map, covered)
