"""The explanation of one caption: run the text tower, apply the method, collect the arrays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..clip import ClipModel
from ..clip.image_towers.base import ImageTrace
from ..clip.tokenizers.base import Tokens
from ..core.progress import Progress
from ..core.vocabulary import PHOTO
from ..core.words import Word
from ..methods.gradients.integrated_gradients import STEPS, integrated_gradients
from ..methods.token_attributions import positive_parts
from .encoded_image import EncodedImage
from .explanation import Explanation
from .notes import alike, disagreement, note_on_readings, notes_on
from .setup import Setup


def explain(
    setup: Setup,
    encoded: EncodedImage,
    captions: Sequence[Tokens],
    progress: Progress,
    start: float,
) -> list[Explanation]:
    """Return the explanations of several captions of a picture.

    Args:
        setup: model, method and options.
        encoded: the picture's pass through the image tower.
        captions: their tokens.
        progress: called at the stage "maps", before every caption.
        start: when work on the first one began, as `time.perf_counter` counts.
    """
    out = []
    with setup.clip.inference_context():
        encoded.check_version()
        for n, tokens in enumerate(captions):
            progress("maps", n, len(captions))
            out.append(_explain(setup, encoded, tokens, progress, start))
            start = time.perf_counter()
    return out


def integrate(
    setup: Setup, encoded: EncodedImage, caption: str | Tensor, steps: int
) -> NDArray[np.float32]:
    """Return integrated gradients (T,); see `Explainer.integrated_gradients`."""
    (tokens,) = setup.clip.tokens([caption])
    with setup.clip.inference_context():
        encoded.check_version()
        attributions = _integrate(setup.clip, encoded.trace, tokens, steps)
    values: NDArray[np.float32] = attributions.float().cpu().numpy()
    return values


def _explain(
    setup: Setup, encoded: EncodedImage, tokens: Tokens, progress: Progress, start: float
) -> Explanation:
    """Return the explanation of one caption, while the model is running.

    Where its measures of importance contradict each other, a note says so.
    """
    clip, settings, picture = setup.clip, setup.settings, encoded.picture
    parts = _compute(setup, encoded, tokens, progress)
    arrays = {name: part.float().cpu().numpy() for name, part in parts.items()}
    for name in ("signed_map", "interactions", "alone", "left_out"):
        arrays[name] = arrays[name].reshape(*arrays[name].shape[:-1], *encoded.trace.grid)
    rows = {
        name: rows_of_all(arrays[name], tokens.words) if setup.readings else None
        for name in ("alone", "left_out", "word_effects")
    }
    blocks = arrays["image_blocks"], arrays["text_blocks"]
    image_layers, text_layers = layers = settings.layers
    notes = notes_on(tokens.words, clip.text_tower.context_length, blocks, layers)
    if settings.readings is None and not setup.readings:
        notes = (*notes, note_on_readings(setup.label))
    warning = (clip.foreign.note,) if clip.foreign and encoded.foreign else ()
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
        image_layers=image_layers,
        text_layers=text_layers,
        model=clip.name,
        method=setup.label,
        reference=settings.reference,
        notes=(*warning, *clip.notes, *picture.notes, *notes),
        word_effects=rows["word_effects"],
        integrated_gradients=arrays.get("integrated_gradients"),
        foreign=encoded.foreign,
        seconds=time.perf_counter() - start,
    )
    return _with_notes(explanation)


def _integrate(clip: ClipModel, trace: ImageTrace, tokens: Tokens, steps: int = STEPS) -> Tensor:
    """Return integrated gradients (T,) of a caption's tokens, while the model is running."""
    ids, special = clip.tokenizer.add_special_tokens(tokens.ids), clip.tokenizer.special_tokens
    return integrated_gradients(clip.text_tower, ids, special, trace.embedding.float(), steps)


def _compute(
    setup: Setup, encoded: EncodedImage, tokens: Tokens, progress: Progress
) -> dict[str, Tensor]:
    """Return the tensors of an explanation by name, on the model's device.

    Maps are flat (..., patches). Those of words read alone and left out have a row for every word that has
    tokens.
    """
    clip, method, settings = setup.clip, setup.method, setup.settings
    trace, x = encoded.trace, encoded.embedding
    _, text_layers = settings.layers
    tower, enclose = clip.text_tower, clip.tokenizer.add_special_tokens
    words = [w for w in tokens.words if w.tokens] if setup.readings else []
    sequences = [enclose(tokens.ids)]
    sequences += [enclose(clip.tokenizer.encode(PHOTO.format(w.text))) for w in words]
    sequences += [enclose(tokens.without(w)) for w in words]
    # Under autocast the shares take a pass of their own, in full precision.
    tangent_fn = None if settings.reference or clip.dtype else method.tangent_fn()
    embeddings, text = tower.run(sequences, text_layers, clip.tokenizer.special_tokens, tangent_fn)
    caption, alone, without = embeddings.split([1, len(words), len(words)])
    if settings.reference:
        text = tower.trace(sequences[0], text_layers, single_head=True)
    shares = method.token_attributions(text, x, progress)
    f = shares.embedding.to(caption)
    maps = method.image_maps(trace, torch.cat([caption, f, alone, caption - without]), progress)
    whole, interactions, *readings = maps.split([1, len(f), len(words), len(words)])
    parts = {
        "score": trace.embedding @ caption[0],
        "signed_map": whole[0],
        "interactions": interactions,
        "importance": positive_parts(shares.of_score(x, freeze_norms=settings.freeze_norms)),
        "alone": readings[0],
        "left_out": readings[1],
        "word_effects": (caption - without) @ trace.embedding,
        "image_blocks": trace.block_contributions.to(caption) @ caption[0],
        "text_blocks": text.block_contributions.to(x) @ x,
    }
    if settings.integrated_gradients:
        parts["integrated_gradients"] = _integrate(clip, trace, tokens)
    return parts


def _with_notes(e: Explanation) -> Explanation:
    """Return the explanation with notes on what its own maps and measures of importance say."""
    importances = {name: e.importance(name) for name in e.importance_measures}
    notes = (
        disagreement(e.words, importances, e.importance_measures[0]),
        alike(e.words, e.word_maps(), e.alone),
    )
    return replace(e, notes=(*e.notes, *(note for note in notes if note)))


def rows_of_all(rows: NDArray[np.float32], words: Sequence[Word]) -> NDArray[np.float32]:
    """Return rows (W, ...) of all words from those of the words that have tokens; zeros for the others."""
    out = np.zeros((len(words), *rows.shape[1:]), np.float32)
    out[[n for n, w in enumerate(words) if w.tokens]] = rows
    return out
