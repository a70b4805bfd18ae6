"""What a model is given of a fixed picture and caption, by which other preprocessing is noticed."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from PIL import Image

from ..clip.preprocessing import Fit, ImageProcessor
from ..clip.preprocessing.transforms import restore
from ..clip.tokenizers.base import Tokenizer

_PICTURE = 300, 200  # width and height: not square, so that a crop shows
# Capitals, punctuation, an accent, digits, spaces and another script: tokenizers differ in these.
_CAPTION = "A photo  of 2 Zebras, naïve & un-striped; 狗"


def describe_preprocessing(
    images: ImageProcessor, fit: Fit, resolution: int | None
) -> dict[str, Any]:
    """Return a description of a preprocessing for JSON; it differs if the pixels for the model differ.

    Pixels are compared as whole levels, 0 to 255: the last digits of floats differ between machines.

    Args:
        images: the preprocessing.
        fit: as in `Explainer`.
        resolution: as in `Explainer`.
    """
    width, height = _PICTURE
    x, y, channel = np.meshgrid(np.arange(width), np.arange(height), np.arange(3))
    # Fine detail, which every way of resizing changes.
    levels = (x * x + 7 * x * y + 85 * channel) % 256
    picture = Image.fromarray(levels.astype(np.uint8))
    pixels = restore(images.prepare(picture, fit, resolution).pixels, (images.mean, images.std))
    seen = (pixels * 255).round().numpy().astype("<i4")
    return {
        "size": list(seen.shape[2:]),
        "mean": list(images.mean),
        "std": list(images.std),
        "resize": images.interpolation.value,
        "crop": images.crop_mode,
        "short_side": images.short_side,
        "pixels": hashlib.sha256(seen.tobytes()).hexdigest()[:16],
    }


def describe_tokenizer(tokenizer: Tokenizer) -> dict[str, Any]:
    """Return a description of a tokenizer for JSON; it differs if the tokens for the model differ."""
    return {
        "context_length": tokenizer.context_length,
        "tokens": list(tokenizer.add_special_tokens(tokenizer(_CAPTION).ids)),
    }
