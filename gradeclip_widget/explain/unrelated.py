"""Scores of a picture with unrelated sentences, to compare the score of a caption with.

The sentences' embeddings are computed once for a model. They are kept in memory until the model changes, and,
under a digest of its weights, in the user's cache folder.
"""

from __future__ import annotations

import hashlib
from functools import cache
from itertools import combinations
from pathlib import Path
from random import Random
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..clip import ClipModel
from ..clip.verification.state import weights_digest
from ..core.progress import Progress
from ..core.words import FUNCTION_WORDS, split_words
from ..demo.world import COLORS, OBJECTS, SHAPES, singular
from .setup import EncodedImage

FILE = Path(__file__).with_name("unrelated_sentences.txt")
COUNT = 200
SHAPED = tuple(f"{color} {shape}" for color in COLORS for shape in SHAPES)
_ROUNDING = 0.02  # of the length of a vector in half precision
_PIECE = 8  # sentences encoded between two reports of progress
_CACHE: WeakKeyDictionary[ClipModel, tuple[object, list[Tensor]]] = WeakKeyDictionary()


@cache
def unrelated_sentences(drawings: bool = False) -> tuple[str, ...]:
    """Return 200 different sentences.

    >>> len(unrelated_sentences()), len(unrelated_sentences(drawings=True))
    (200, 200)

    Args:
        drawings: whether to use only words of drawn scenes, which the embedded model knows.
    """
    if not drawings:
        return tuple(FILE.read_text(encoding="utf-8").splitlines())
    rng = Random(0)
    things = [*rng.sample(OBJECTS, 60), *rng.sample(SHAPED, 40)]
    pairs = rng.sample(list(combinations([*OBJECTS, *SHAPED], 2)), COUNT - len(things))
    joined = [f"{singular(one)} and {singular(other)}" for one, other in pairs]
    return (*map(singular, things), *joined)


def unrelated_scores(
    encoded: EncodedImage, caption: str, progress: Progress
) -> NDArray[np.float32]:
    """Return the cosine similarities (K,) of a picture with unrelated sentences, ascending.

    Sentences that share a word with the caption, other than function words, are left out.

    Args:
        encoded: the picture's pass through the image tower.
        caption: the caption of the picture.
        progress: called at the stage "unrelated sentences", before every eight of them.
    """
    clip = encoded.setup.clip
    embeddings = _embeddings(clip, progress)
    with clip.inference_context():
        encoded.check_version()
        scores = (embeddings @ encoded.trace.embedding.to(embeddings)).float().cpu().numpy()
    named = _content(caption)
    unrelated = [not named & _content(sentence) for sentence in _sentences(clip)]
    values: NDArray[np.float32] = np.sort(scores[unrelated])
    return values


def are_embedded(clip: ClipModel) -> bool:
    """Return whether the sentences' embeddings are in memory, so that `unrelated_scores` is quick."""
    version, pieces = _CACHE.get(clip, (None, []))
    return version is clip.version and sum(map(len, pieces)) == COUNT


def _sentences(clip: ClipModel) -> tuple[str, ...]:
    return unrelated_sentences(drawings=clip.tokenizer.known is not None)


def _embeddings(clip: ClipModel, progress: Progress) -> Tensor:
    """Return the unit text embeddings (K, E) of the sentences.

    Between pieces, other threads can use the model. If a report of progress ends the work, the next call
    continues it.
    """
    with clip.inference_context():
        version, pieces = _CACHE.get(clip, (None, []))
        if version is not clip.version:
            version, pieces = _CACHE[clip] = clip.version, []
        if not pieces and (stored := _read(_cached(clip))) is not None:
            pieces.append(stored.to(clip.device))
    tokenizer, sentences = clip.tokenizer, _sentences(clip)
    encoded = False
    while (done := sum(map(len, pieces))) < COUNT:
        progress("unrelated sentences", done, COUNT)
        with clip.inference_context():
            done = sum(map(len, pieces))  # another thread may have added some
            few = sentences[done : done + _PIECE]
            if few:
                ids = [tokenizer.add_special_tokens(tokenizer.encode(one)) for one in few]
                pieces.append(clip.embed(ids))
                encoded = True
    if encoded and clip.version is version:
        _write(_cached(clip), torch.cat(pieces))
    return torch.cat(pieces)


def _content(text: str) -> set[str]:
    """Return the words of a text without function words, in lower case."""
    return {text[a:b].lower() for a, b in split_words(text)} - FUNCTION_WORDS


def _cached(clip: ClipModel) -> Path:
    """Return the cache file of a model's embeddings."""
    parts = [weights_digest(clip.model), str(clip.dtype), *_sentences(clip)]
    parts += map(str, clip.tokenizer.encode(_sentences(clip)[0]))  # distinguishes tokenizers
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    return user_cache_path("gradeclip-widget") / f"unrelated-{digest}.safetensors"


def _read(path: Path) -> Tensor | None:
    """Return the embeddings in a file, or ``None`` if it cannot be read or has other content."""
    try:
        embeddings = load_file(path)["embeddings"]
    except (OSError, SafetensorError, KeyError):
        return None
    lengths = embeddings.float().norm(dim=-1)
    is_whole = lengths.shape == (COUNT,) and bool(((lengths - 1).abs() < _ROUNDING).all())
    return embeddings if is_whole else None


def _write(path: Path, embeddings: Tensor) -> None:
    """Write embeddings to a file; ignore a folder without write permission."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{Random().getrandbits(32):08x}")
        save_file({"embeddings": embeddings.cpu().contiguous()}, partial)
        partial.replace(path)
    except OSError:
        pass
