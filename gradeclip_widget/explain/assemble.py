"""The explanation of one caption: run the text tower, apply the method, collect the arrays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..clip import ClipModel
from ..clip.image_towers.base import ImageTrace
from ..clip.tokenizers.base import Tokens
from ..core.evidence import SHAPLEY
from ..core.progress import Progress
from ..core.shapley import WordGame
from ..core.words import Word
from ..methods.integrated_gradients import STEPS, integrated_gradients
from ..methods.token_attributions import positive_parts
from .explanation import Explanation
from .notes import alike, disagreement, lowers, note_on_readings, notes_on
from .setup import EncodedImage, Setup


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
        start: when the work on the first caption began, by `time.perf_counter`.
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
    """Return the explanation of one caption, inside `inference_context`.

    A note reports measures of importance that contradict each other.
    """
    clip, settings, picture = setup.clip, setup.settings, encoded.picture
    parts = _compute(setup, encoded, tokens, progress)
    double = {"coalitions", "score"}
    arrays = {n: (p if n in double else p.float()).cpu().numpy() for n, p in parts.items()}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        ids = clip.tokenizer.add_special_tokens(tokens.ids)
        raise clip.not_finite(f"{tokens.caption!r} by {setup.label}", picture.pixels, ids)
    for name in {"signed_map", "interactions", "alone", "left_out"} & arrays.keys():
        arrays[name] = arrays[name].reshape(*arrays[name].shape[:-1], *encoded.trace.grid)
    rows = {
        name: rows_of_all(arrays[name], tokens.words) if name in arrays else None
        for name in ("alone", "left_out", "word_effects")
    }
    game, worth = WordGame.of(tokens.words), arrays.get("coalitions")
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
        notes=(*warning, *clip.notes, *clip.logit_notes, *picture.notes, *notes),
        word_effects=rows["word_effects"],
        integrated_gradients=arrays.get("integrated_gradients"),
        shapley=None if worth is None else game.values(worth).astype(np.float32),
        empty_score=None if worth is None else float(worth[0]),
        foreign=encoded.foreign,
        things=encoded.things,
        seconds=time.perf_counter() - start,
    )
    return _with_notes(explanation)


def _integrate(clip: ClipModel, trace: ImageTrace, tokens: Tokens, steps: int = STEPS) -> Tensor:
    """Return integrated gradients (T,) of a caption's tokens, inside `inference_context`."""
    ids, special = clip.tokenizer.add_special_tokens(tokens.ids), clip.tokenizer.special_tokens
    return integrated_gradients(clip.text_tower, ids, special, trace.embedding.float(), steps)


def _compute(
    setup: Setup, encoded: EncodedImage, tokens: Tokens, progress: Progress
) -> dict[str, Tensor]:
    """Return the tensors of an explanation by name, on the model's device.

    Maps are flat (..., patches). The maps *alone* and *left out* have a row for every word that has tokens.
    Scores have 64 bits, on the CPU, so that their differences add up.
    """
    clip, method, settings = setup.clip, setup.method, setup.settings
    trace, x = encoded.trace, encoded.embedding
    _, text_layers = settings.layers
    tower, enclose = clip.text_tower, clip.tokenizer.add_special_tokens
    read = [w for w, word in enumerate(tokens.words) if word.tokens]
    # Equal captions, such as a word alone and the coalition of one player, are run once.
    ids: dict[str, list[Sequence[int]]] = {"caption": [tokens.ids]}
    if setup.readings:
        ids["alone"] = [tokens.only([w]) for w in read]
    if setup.word_scores:
        ids["without"] = [tokens.without(tokens.words[w]) for w in read]
        ids["coalitions"] = [tokens.only(c) for c in WordGame.of(tokens.words).coalitions]
    sequences = {name: [tuple(enclose(one)) for one in several] for name, several in ids.items()}
    rows = {one: row for row, one in enumerate(dict.fromkeys(chain(*sequences.values())))}
    # Under autocast the shares need a separate pass in full precision.
    tangent_fn = None if settings.reference or clip.dtype else method.tangent_fn()
    special = clip.tokenizer.special_tokens
    embeddings, text = tower.run(list(rows), text_layers, special, tangent_fn)
    of = {name: embeddings[[rows[one] for one in several]] for name, several in sequences.items()}
    if settings.reference:
        text = tower.trace(sequences["caption"][0], text_layers, single_head=True)
    shares, caption = method.token_attributions(text, x, progress), embeddings[:1]
    directions = {"signed_map": caption, "interactions": shares.embedding.to(caption)}
    if setup.readings:
        directions |= {"alone": of["alone"], "left_out": caption - of["without"]}
    maps = method.image_maps(trace, torch.cat(list(directions.values())), progress).float()
    parts = dict(zip(directions, maps.split([*map(len, directions.values())]), strict=True))
    scores = {name: wide(several) @ wide(trace.embedding) for name, several in of.items()}
    if setup.word_scores:
        parts["word_effects"] = (scores["caption"] - scores["without"]).float()
        parts["coalitions"] = scores["coalitions"]
    if settings.integrated_gradients:
        parts["integrated_gradients"] = _integrate(clip, trace, tokens)
    return parts | {
        "score": scores["caption"][0],
        "signed_map": parts["signed_map"][0],
        "importance": positive_parts(shares.of_score(x, freeze_norms=settings.freeze_norms)),
        "image_blocks": trace.block_contributions.to(caption) @ caption[0],
        "text_blocks": text.block_contributions.to(x) @ x,
    }


def wide(x: Tensor) -> Tensor:
    """Return a tensor in 64 bits on the CPU, since not every device supports them."""
    return x.float().cpu().double()


def _with_notes(e: Explanation) -> Explanation:
    """Return the explanation with notes about its maps and measures of importance."""
    importances = {name: e.importance(name) for name in e.importance_measures}
    default = e.importance_measures[0]
    contradiction = disagreement(e.words, importances, default) if default != SHAPLEY else None
    notes = (lowers(e), contradiction, alike(e.words, e.raw_maps(), e.alone))
    return replace(e, notes=(*e.notes, *(note for note in notes if note)))


def rows_of_all(rows: NDArray[np.float32], words: Sequence[Word]) -> NDArray[np.float32]:
    """Return rows (W, ...) of all words from the rows of words with tokens; other words have zeros."""
    out = np.zeros((len(words), *rows.shape[1:]), np.float32)
    out[[n for n, w in enumerate(words) if w.tokens]] = rows
    return out
