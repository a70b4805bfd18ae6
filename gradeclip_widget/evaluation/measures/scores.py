"""Scores of altered pictures and captions, by a model's own heads."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from ...explain.explainer import Explainer
from ..bootstrap import Values


def picture_scores(explainer: Explainer, images: Sequence[Image.Image], caption: str) -> Values:
    """Return the cosine similarities (K,) of K pictures of one size with a caption.

    Args:
        explainer: whose model, fit and resolution are used.
        images: the pictures.
        caption: the caption.
    """
    clip = explainer.clip
    (tokens,) = clip.tokens([caption])
    with clip.inference_context():
        text = clip.embed([clip.tokenizer.add_special_tokens(tokens.ids)])
        return _cosines(_embeddings(explainer, images), text).reshape(-1)


def caption_scores(
    explainer: Explainer, image: Image.Image, sequences: Sequence[Sequence[int]]
) -> Values:
    """Return the cosine similarities (K,) of a picture with K captions.

    Args:
        explainer: whose model, fit and resolution are used.
        image: the picture.
        sequences: the captions' token ids, without special tokens.
    """
    clip = explainer.clip
    with clip.inference_context():
        texts = clip.embed([clip.tokenizer.add_special_tokens(ids) for ids in sequences])
        return _cosines(_embeddings(explainer, [image]), texts).reshape(-1)


def _embeddings(explainer: Explainer, images: Sequence[Image.Image]) -> Tensor:
    """Return the unit embeddings (K, E) of K pictures of one size, while the model is running."""
    prepare, clip = explainer.clip.image_processor.prepare, explainer.clip
    pixels = [prepare(image, explainer.fit, explainer.resolution).pixels for image in images]
    return clip.image_tower.encode(clip.to_device(torch.cat(pixels)))


def _cosines(images: Tensor, texts: Tensor) -> Values:
    """Return the dot products (K, L) of unit embeddings (K, E) and (L, E)."""
    # Not every device has numbers of 64 bits.
    images, texts = (x.float().cpu().double() for x in (images, texts))
    values: Values = (images @ texts.T).numpy()
    return values
