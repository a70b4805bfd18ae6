"""Pictures: read from what a user has, or ready for an image tower; and the sizes that a tower takes.

Importing this does not import torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from PIL import Image

from ...core.regions import Box
from ...core.tensors import is_tensor
from ...images import LoadedImage, read_with_notes
from ...images.arrays import from_array, is_channels_first

if TYPE_CHECKING:
    from torch import Tensor

Fit = Literal["whole", "crop", "squash"]

# A picture as it was read. A tensor (1, 3, H, W) of floats may be a picture, or normalized for a model.
RawPicture: TypeAlias = "LoadedImage | Tensor"

# The cost of attention grows with the square of this. More patches would take minutes and gigabytes.
MAX_PATCHES = 4096


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture ready for an image tower.

    Attributes:
        image: the picture as the user sees it, upright RGB.
        pixels: the tower's input, normalized (1, 3, H, W) on the CPU.
        cover: box of ``image`` that ``pixels`` show; the patch grid lies over it.
        notes: sentences for the user on how it was fitted.
    """

    image: Image.Image
    pixels: Tensor
    cover: Box
    notes: tuple[str, ...] = ()


def whole_patches(size: Sequence[int], patch_size: tuple[int, int]) -> tuple[int, int]:
    """Return how many pixels (height, width) lie in whole patches.

    >>> whole_patches((384, 384), (14, 14))  # SigLIP: 27 patches of 14 px
    (378, 378)
    """
    (height, width), (patch_h, patch_w) = size, patch_size
    return height - height % patch_h, width - width % patch_w


def check_size(
    pixels: Tensor, image_size: tuple[int, int], patch_size: tuple[int, int], flexible: bool
) -> None:
    """Check that a tower takes pixels of this size.

    Args:
        pixels: (1, 3, H, W), normalized.
        image_size: (height, width) in pixels that the tower was made for.
        patch_size: (height, width) in pixels.
        flexible: whether it takes other sizes than ``image_size``.

    Raises:
        ValueError: it does not.
    """
    patch_h, patch_w = patch_size
    height, width = pixels.shape[2:]
    is_native = (height, width) == tuple(image_size)
    is_whole = whole_patches((height, width), patch_size) == (height, width)
    if not (is_whole or is_native) or not height * width:
        raise ValueError(
            f"a tensor's sides must be multiples of the patch, {patch_h} x {patch_w} px; "
            f"got {height} x {width}"
        )
    if not flexible and not is_native:
        raise ValueError(
            f"a tensor for this model must be {image_size[0]} x {image_size[1]} px, the only "
            f"size its image tower takes; got {height} x {width}"
        )
    if height * width > MAX_PATCHES * patch_h * patch_w:
        raise ValueError(
            f"a tensor of {height} x {width} px would be more than {MAX_PATCHES} patches; shrink it"
        )


def read_picture(image: Any) -> RawPicture:
    """Read a picture of any kind.

    Args:
        image: an input of `read_with_notes`, or a tensor of one picture: (3, H, W), (H, W, 3), (H, W), with 1
            or 4 channels, or a batch of one of these.

    Returns:
        A picture; or a tensor of floats (1, 3, H, W), which may be normalized for a model. Only a model's
        `ImageProcessor` can decide that.

    Raises:
        TypeError, ValueError, FileNotFoundError, ConnectionError, TimeoutError: see `read_with_notes`.
    """
    if isinstance(image, np.ndarray) and image.dtype.kind == "f" and _has_pixels(image.shape):
        import torch

        image = torch.from_numpy(np.array(image, np.float32))
    if not is_tensor(image):
        return read_with_notes(image)
    pixels = image.detach()
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
    """Return whether an array of floats has the shape of a model's input, (3, H, W) or (1, 3, H, W)."""
    shape = shape[1:] if len(shape) == 4 and shape[0] == 1 else shape
    return len(shape) == 3 and shape[0] == 3 and is_channels_first(shape)
