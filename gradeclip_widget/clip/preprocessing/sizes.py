"""Sizes of pictures that an image tower takes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

# The cost of attention grows with the square of this: above it a picture takes minutes and gigabytes.
MAX_PATCHES = 4096


def whole_patches(size: Sequence[int], patch_size: tuple[int, int]) -> tuple[int, int]:
    """Return how many pixels (height, width) lie in whole patches: of SigLIP's 384 px, 27 patches of 14."""
    (height, width), (patch_h, patch_w) = size, patch_size
    return height - height % patch_h, width - width % patch_w


def check_size(
    pixels: Tensor, image_size: tuple[int, int], patch_size: tuple[int, int], flexible: bool
) -> None:
    """Raise ``ValueError`` unless a tower takes pixels (1, 3, H, W) of this size.

    Args:
        pixels: normalized.
        image_size: (height, width) in pixels that the tower was made for.
        patch_size: (height, width) in pixels.
        flexible: whether it takes other sizes than ``image_size``.
    """
    patch_h, patch_w = patch_size
    height, width = pixels.shape[2:]
    own = (height, width) == tuple(image_size)
    if (
        whole_patches((height, width), patch_size) != (height, width) and not own
    ) or not height * width:
        raise ValueError(
            f"a tensor's sides must be multiples of the patch, {patch_h} x {patch_w} px; "
            f"got {height} x {width}"
        )
    if not flexible and not own:
        raise ValueError(
            f"a tensor for this model must be {image_size[0]} x {image_size[1]} px, the only "
            f"size its image tower takes; got {height} x {width}"
        )
    if height * width > MAX_PATCHES * patch_h * patch_w:
        raise ValueError(
            f"a tensor of {height} x {width} px would be more than {MAX_PATCHES} patches; shrink it"
        )
