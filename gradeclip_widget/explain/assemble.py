"""One caption of a picture: what the towers say of it, and the explanation that is made of that."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..clip import ClipModel
from ..clip.image_towers.base import ImageTrace
from ..clip.tokenizers.open_clip_bpe import Tokens
from ..core.words import Word
from ..methods.integrated_gradients import STEPS, integrated_gradients
from ..methods.token_shares import positive_parts
from .encoded_image import EncodedImage
from .explanation import Explanation
from .notes import disagreement, notes_on

if TYPE_CHECKING:
    from .explainer import Explainer

_ALONE = "a photo of a {}"


def explain(explainer: Explainer, seen: EncodedImage, tokens: Tokens, start: float) -> Explanation:
    """Return the explanation of one caption, while the model is running.

    Where its measures of importance contradict each other, a note says so.

    Args:
        explainer: the model, the method and the options.
        seen: the picture's pass through the image tower.
        tokens: the caption.
        start: when work on it began, as `time.perf_counter` counts.
    """
    parts = _computed(explainer, seen, tokens)
    arrays = {name: part.float().cpu().numpy() for name, part in parts.items()}
    for name in ("signed_map", "interactions", "alone", "left_out"):
        arrays[name] = arrays[name].reshape(*arrays[name].shape[:-1], *seen.trace.grid)
    rows = {
        name: _spread_rows(arrays[name], tokens.words) if explainer.readings else None
        for name in ("alone", "left_out", "word_effects")
    }
    clip, picture = explainer.clip, seen.picture
    blocks = arrays["image_blocks"], arrays["text_blocks"]
    layers = explainer.image_layers, explainer.text_layers
    notes = notes_on(tokens.words, clip.text_tower.context_length, blocks, layers)
    explanation = Explanation(
        image=picture.image,
        caption=tokens.caption,
        words=tokens.words,
        tokens=tokens.pieces,
        score=float(arrays["score"]),
        logit_scale=clip.logit_scale,
        logit_bias=clip.logit_bias,
        signed_map=arrays["signed_map"],
        interactions=arrays["interactions"],
        token_importance=arrays["importance"],
        alone=rows["alone"],
        left_out=rows["left_out"],
        cover=picture.cover,
        image_block_shares=arrays["image_blocks"],
        text_block_shares=arrays["text_blocks"],
        image_layers=explainer.image_layers,
        text_layers=explainer.text_layers,
        model=clip.name,
        method=explainer.label,
        reference=explainer.reference,
        notes=(*picture.notes, *notes),
        word_effects=rows["word_effects"],
        integrated_gradients=arrays.get("integrated_gradients"),
        seconds=time.perf_counter() - start,
    )
    return _with_disagreement(explanation)


def integrated(clip: ClipModel, trace: ImageTrace, tokens: Tokens, steps: int = STEPS) -> Tensor:
    """Return integrated gradients (T,) of a caption's tokens, while the model is running."""
    ids, frame = clip.tokenizer.framed(tokens.ids), clip.tokenizer.frame
    return integrated_gradients(clip.text_tower, ids, frame, trace.embedding.float(), steps)


def _computed(explainer: Explainer, seen: EncodedImage, tokens: Tokens) -> dict[str, Tensor]:
    """Everything that the towers have to say, on the model's device.

    Maps are flat (..., patches), and the readings have rows for the words that have tokens.
    """
    clip, method, trace, x = explainer.clip, explainer.method, seen.trace, seen.embedding
    tower, frame = clip.text_tower, clip.tokenizer.framed
    words = [w for w in tokens.words if w.tokens] if explainer.readings else []
    sequences = [frame(tokens.ids)]
    sequences += [frame(clip.tokenizer.encode(_ALONE.format(w.text))) for w in words]
    sequences += [frame(_without(tokens.ids, w)) for w in words]
    # Under autocast a pass of their own takes them in full precision.
    moves = None if explainer.reference or clip.dtype else method.moves()
    embeddings, text = tower.run(sequences, explainer.text_layers, clip.tokenizer.frame, moves)
    caption, alone, without = embeddings.split([1, len(words), len(words)])
    if explainer.reference:
        text = tower.trace(sequences[0], explainer.text_layers, single_head=True)
    shares = method.shares(text)
    f = shares.embedded.to(caption)
    maps = method.image_maps(trace, torch.cat([caption, f, alone, caption - without]))
    whole, interactions, *readings = maps.split([1, len(f), len(words), len(words)])
    parts = {
        "score": trace.embedding @ caption[0],
        "signed_map": whole[0],
        "interactions": interactions,
        "importance": positive_parts(shares.of_score(x, freeze_norms=explainer.freeze_norms)),
        "alone": readings[0],
        "left_out": readings[1],
        "word_effects": (caption - without) @ trace.embedding,
        "image_blocks": trace.block_effects.to(caption) @ caption[0],
        "text_blocks": text.block_effects.to(x) @ x,
    }
    if explainer.options["integrated_gradients"]:
        parts["integrated_gradients"] = integrated(clip, trace, tokens)
    return parts


def _with_disagreement(e: Explanation) -> Explanation:
    importances = {name: e.importance(name) for name in e.importance_measures}
    note = disagreement(e.words, importances, e.importance_measures[0])
    return e if note is None else replace(e, notes=(*e.notes, note))


def _without(ids: Sequence[int], word: Word) -> list[int]:
    """The caption's tokens without a word's, so that what was cut off may move up."""
    gone = set(word.tokens)
    return [i for n, i in enumerate(ids) if n not in gone]


def _spread_rows(rows: NDArray[np.float32], words: Sequence[Word]) -> NDArray[np.float32]:
    """Rows of the words that have tokens, with rows of zeros for the others."""
    out = np.zeros((len(words), *rows.shape[1:]), np.float32)
    out[[n for n, w in enumerate(words) if w.tokens]] = rows
    return out
