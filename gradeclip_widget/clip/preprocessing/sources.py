"""What users hold, as a picture that was read or as a tensor of floats whose scale is still open."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...images import LoadedImage, read_with_notes
from ...images.arrays import from_array, is_channels_first

# A tensor is of floats (1, 3, H, W).
Source = LoadedImage | Tensor


def read_source(source: Any) -> Source:
    """Read a picture of any kind.

    Args:
        source: what `read_with_notes` takes, or a tensor of one picture: (3, H, W), (H, W, 3), (H, W), with 1
            or 4 channels, or a batch of one of these.

    Returns:
        A picture; or a tensor of floats (1, 3, H, W), which may be normalized for a model: an
        `ImageProcessor` tells.

    Raises:
        TypeError, ValueError, FileNotFoundError, ConnectionError, TimeoutError: as `read_with_notes` does.
    """
    if isinstance(source, np.ndarray) and source.dtype.kind == "f" and _has_pixels(source.shape):
        source = torch.from_numpy(np.array(source, np.float32))
    if not isinstance(source, Tensor):
        return read_with_notes(source)
    pixels = source.detach()
    if pixels.is_complex():
        raise TypeError(f"a tensor of {pixels.dtype} is not a picture; give uint8 or floats")
    if not pixels.numel():
        raise ValueError(f"the tensor has no pixels, {tuple(pixels.shape)}")
    if pixels.ndim == 4 and len(pixels) > 1:
        raise ValueError(
            f"{len(pixels)} pictures in one tensor, {tuple(pixels.shape)}; give list(tensor)"
        )
    pixels = pixels[0] if pixels.ndim == 4 else pixels
    if pixels.ndim == 3 and len(pixels) == 3 and pixels.is_floating_point():
        return pixels.float().cpu()[None]
    array = (pixels.float() if pixels.is_floating_point() else pixels).cpu().numpy()
    return from_array(array, channels_first=True)


def _has_pixels(shape: tuple[int, ...]) -> bool:
    """Return whether an array of floats has the shape of pixels for a model, (3, H, W) or (1, 3, H, W)."""
    shape = shape[1:] if len(shape) == 4 and shape[0] == 1 else shape
    return len(shape) == 3 and shape[0] == 3 and is_channels_first(shape)
