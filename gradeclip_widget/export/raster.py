"""Explanations as ``.png``, ``.jpg`` and ``.webp``: the picture as `Explanation.overlay` paints it.

Above it stands the warning of a picture that is foreign to the model, since files are passed on alone.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from ..core.explanation_data import IN_CAPTION, ExplanationData

_QUALITY = 95  # of JPEG and WebP; PNG is lossless and takes no heed of it
_SMALLEST, _ACROSS = (
    11,
    45,
)  # of the warning's text: pixels, and how many such sizes are as wide as the picture


def write_picture(explanation: ExplanationData, path: Path) -> None:
    """Write the picture with the highlights of all words painted on."""
    from .lettering import with_banner
    from .painting.overlay import overlay

    # In memory first: Pillow does not say that a disk is full, only that its encoder failed.
    buffer = io.BytesIO()
    kind = Image.registered_extensions()[path.suffix]
    painted = overlay(explanation, None, IN_CAPTION)
    size = max(_SMALLEST, painted.width / _ACROSS)
    with_banner(painted, explanation.warning, size).save(buffer, kind, quality=_QUALITY)
    path.write_bytes(buffer.getvalue())
