"""Explanations as ``.png``, ``.jpg`` and ``.webp``: the picture of `Explanation.overlay`.

A picture that is foreign to the model has the warning above it, since files are often shared alone.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from ..core.explanation_data import IN_CAPTION, ExplanationData

_QUALITY = 95  # of JPEG and WebP; PNG is lossless and ignores it
# Minimum text size of the warning in pixels, and the picture's width in units of the text size.
_SMALLEST, _ACROSS = 11, 45


def write_picture(explanation: ExplanationData, path: Path) -> None:
    """Write the picture with the highlights of all words painted on."""
    from .lettering import with_banner
    from .painting.overlay import overlay

    # In memory first, since Pillow reports a full disk only as a failed encoder.
    buffer = io.BytesIO()
    kind = Image.registered_extensions()[path.suffix]
    painted = overlay(explanation, None, IN_CAPTION)
    size = max(_SMALLEST, painted.width / _ACROSS)
    with_banner(painted, explanation.warning, size).save(buffer, kind, quality=_QUALITY)
    path.write_bytes(buffer.getvalue())
