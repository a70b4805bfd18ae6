"""From prepared pairs to rows of the table: one pass for a batch of pictures, one for its captions."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from cachetools import LRUCache
from torch import Tensor

from ..core import regions
from ..core.errors import summarize_error
from ..core.evidence import share_in
from ..core.explanation_data import Maps
from ..core.shapley import Values, WordGame
from ..core.words import Word
from ..explain.assemble import wide
from ..explain.explainer import Explainer
from .pairs import FailedPair, Pair
from .prepare import Preparation, PreparedPair

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

    @property
    def is_finite(self) -> bool:
        """Whether the score and the map have neither NaN nor infinity."""
        return math.isfinite(self.score) and bool(np.isfinite(self.signed_map).all())


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
        self._proven: PreparedPair | None = None  # the pair explained last
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
        `FailedPair`, unless the model now fails on every pair.

        Raises:
            MemoryError: the batch does not fit into memory.
            RuntimeError: the model fails on a pair that it has explained before, too.
        """
        start = time.perf_counter()
        try:
            results = self._explain(pairs)
        except Exception as error:
            # Its traceback refers to the tensors of the failed pass, whose memory is needed now.
            traceback.clear_frames(error.__traceback__)
            if len(pairs) > 1 and is_out_of_memory(error):
                raise MemoryError(str(error)) from error
            if len(pairs) > 1:
                return [row for pair in pairs for row in self([pair])]
            self._check_model(error)
            return [FailedPair.of(pairs[0].pair, "model", error)]
        if not all(result.is_finite for result in results):
            # Captions share a pass, in which NaN spreads from one to the others.
            self._texts.clear()
            if len(pairs) > 1:
                return [row for pair in pairs for row in self([pair])]
            problem = self._not_finite(pairs[0])
            self._check_model(problem)
            return [FailedPair.of(pairs[0].pair, "model", problem)]
        seconds = (time.perf_counter() - start) / len(pairs)
        return [self._row(p, r, seconds) for p, r in zip(pairs, results, strict=True)]

    def _explain(self, pairs: Sequence[PreparedPair]) -> list[_Result]:
        return (
            [self._alone(pair) for pair in pairs] if self.needs_pictures else self._together(pairs)
        )

    def _check_model(self, error: Exception) -> None:
        """Raise ``RuntimeError`` if the model fails on another pair too: then no pair is the cause.

        After some errors of a GPU, every further call fails. The other pair is the last that was explained,
        or before there is one, a gray picture.
        """
        try:
            (result,) = self._explain([self._proven or self._gray()])
            works = result.is_finite
        except Exception:  # noqa: BLE001 - of any kind
            works = False
        if not works:
            raise RuntimeError(
                f"the model does not work any more, not even on a pair that it explained before: "
                f"{summarize_error(error)}. What is finished is kept: start the run again, in a new process, "
                "to continue it"
            ) from error

    def _not_finite(self, prepared: PreparedPair) -> ValueError:
        """Return the error for a pair whose score or map is NaN or infinity, which names its cause."""
        clip = self.explainer.clip
        with clip.inference_context():
            ids = self._sequences(prepared)[0]
            return clip.not_finite(repr(prepared.pair.caption), prepared.pixels, ids)

    def _gray(self) -> PreparedPair:
        """Return a gray picture with a caption of one word."""
        explainer = self.explainer
        height, width = explainer.clip.image_processor.image_size
        gray = np.full((height, width, 3), 128, np.uint8)
        prepare = Preparation.of(explainer, False, self.needs_pictures, True)
        prepared = prepare(Pair("gray", 0, "picture", gray, "gray"))
        assert isinstance(prepared, PreparedPair)
        return prepared

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
        """Return the row of a pair, or why it has none."""
        try:
            row = self._columns(prepared, result, seconds)
        except Exception as error:  # noqa: BLE001 - one pair never ends a run
            return FailedPair.of(prepared.pair, "model", error)
        self._proven = prepared
        return row

    def _columns(self, prepared: PreparedPair, result: _Result, seconds: float) -> Row:
        pair, signed_map = prepared.pair, result.signed_map
        width, height = prepared.size
        words = prepared.tokens.words
        return {
            "id": pair.id,
            "position": pair.position,
            "caption": pair.caption,
            "image": pair.place,
            "picture": prepared.digest,
            "stamp": prepared.stamp,
            "box": pair.box,
            "taken_over": False,
            "words": [word.text for word in words],
            "importances": _importances(words, result.importances),
            "score": result.score,
            "map": signed_map.ravel(),
            "grid_rows": signed_map.shape[0],
            "grid_cols": signed_map.shape[1],
            "width": width,
            "height": height,
            "cover": prepared.cover,
            "energy": _energy(prepared, signed_map),
            "box_seen": _box_seen(prepared),
            "concentration": concentration(signed_map),
            "foreign": result.foreign,
            "thumbnail": prepared.thumbnail,
            "method": self.explainer.label,
            "model": self.explainer.clip.name,
            "seconds": seconds,
        }


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
    """Return the share of a map's positive evidence in the pair's box.

    It is ``None`` without a box or evidence, and if the model did not see the box.
    """
    box = prepared.pair.box
    if box is None or not (signed_map > 0).any():
        return None
    covered = regions.coverage(box, prepared.size, signed_map.shape, prepared.cover)
    return share_in(signed_map, covered) if covered.any() else None


def _box_seen(prepared: PreparedPair) -> float | None:
    """Return the fraction of the pair's box that the model saw; ``None`` without a box."""
    box = prepared.pair.box
    return None if box is None else regions.seen_share(box, prepared.size, prepared.cover)


def _importances(words: Sequence[Word], values: Maps | None) -> list[float | None] | None:
    """Return the importances (W,) with ``None`` for the words of which the model read nothing."""
    if values is None:
        return None
    return [float(v) if word.tokens else None for word, v in zip(words, values, strict=True)]
