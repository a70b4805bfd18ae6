"""Preprocessing: any picture that a user may hold, as the pixels that an image tower takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import functional as TF

from ..core.images import read_image
from ..core.regions import Box

Fit = Literal["whole", "crop", "squash"]
# The cost of attention grows with the square of this: above it a picture takes minutes and gigabytes.
MAX_PATCHES = 4096
_LONG = 16  # aspect ratio above which a picture is cut before it is enlarged


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture ready for an image tower.

    Attributes:
        image: the picture as the user sees it, upright RGB.
        pixels: the tower's input, normalised (1, 3, H, W) on the CPU.
        cover: box of ``image`` that ``pixels`` show, and the patch grid divides.
        notes: sentences for the reader on how it was fitted.
    """

    image: Image.Image
    pixels: Tensor
    cover: Box
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageProcessor:
    """A model's preprocessing, for pictures of any size and kind.

    Attributes:
        image_size: (height, width) in pixels that the tower was made for.
        patch_size: (height, width) in pixels.
        mean, std: of each channel, of pixels in 0..1.
        interpolation: that of the model's own preprocessing.
        crop: the model's own preprocessing, from a PIL image to (3, H, W).
        crop_mode: how that preprocessing reaches a square.
        flexible: whether the tower takes other sizes than ``image_size``.
        short_side: pixels to which the short side is resized before the crop; ``None`` if unknown.
    """

    image_size: tuple[int, int]
    patch_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: TF.InterpolationMode
    crop: Callable[[Image.Image], Tensor]
    crop_mode: Literal["shortest", "squash", "longest"]
    flexible: bool = True
    short_side: int | None = None

    @classmethod
    def from_transform(
        cls, model: Any, preprocess: Any, patch_size: tuple[int, int], flexible: bool = True
    ) -> ImageProcessor:
        """Read a model's preprocessing from its image transform.

        Args:
            model: the open_clip model.
            preprocess: its image transform for inference.
            patch_size: (height, width) in pixels of the image tower's patches.
            flexible: whether the tower takes pictures of other sizes.

        Raises:
            ValueError: the transform has no step that normalises pixels.
        """
        visual = model.visual
        steps = {type(step).__name__: step for step in getattr(preprocess, "transforms", [])}
        normalize, resize = steps.get("Normalize"), steps.get("Resize")
        mean = getattr(normalize, "mean", None) or getattr(visual, "image_mean", None)
        std = getattr(normalize, "std", None) or getattr(visual, "image_std", None)
        if mean is None or std is None or not callable(preprocess):
            raise ValueError(
                "preprocess must be the model's own image transform with a Normalize step, as "
                "open_clip.create_model_and_transforms returns it; got " + repr(preprocess)
            )
        size = getattr(visual, "image_size", 224)
        height, width = size if isinstance(size, tuple | list) else (size, size)
        squash = (
            resize is not None and isinstance(resize.size, tuple | list) and len(resize.size) == 2
        )
        padded = "CenterCropOrPad" in steps
        short_side = resize.size if resize is not None and isinstance(resize.size, int) else None
        return cls(
            image_size=(height, width),
            patch_size=patch_size,
            mean=tuple(map(float, mean)),
            std=tuple(map(float, std)),
            interpolation=getattr(resize, "interpolation", TF.InterpolationMode.BICUBIC),
            crop=preprocess,
            crop_mode="squash" if squash else "longest" if padded else "shortest",
            flexible=flexible,
            short_side=short_side,
        )

    def prepare(self, source: Any, fit: Fit = "whole", resolution: int | None = None) -> Picture:
        """Read a picture and fit it to the tower.

        Args:
            source: path, encoded bytes, PIL image, array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), or an
                already normalised tensor (1, 3, H, W).
            fit: ``"whole"`` keeps the aspect ratio, the short side at ``resolution``, both sides rounded to
                the patch size; ``"crop"`` is the model's own preprocessing; ``"squash"`` a square.
            resolution: short side in pixels; the model's own when ``None``.

        Raises:
            TypeError: the source is of another kind.
            ValueError: the source cannot be read, or does not fit.
            FileNotFoundError: there is no such file.
        """
        if fit not in get_args(Fit):
            raise ValueError(f"fit={fit!r}: use one of {', '.join(map(repr, get_args(Fit)))}")
        if isinstance(source, Tensor):
            return self._from_tensor(source)
        image = read_image(source)
        whole: Box = (0.0, 0.0, float(image.width), float(image.height))
        if fit == "crop":
            if self.crop_mode == "longest":
                raise ValueError(
                    "this model's own preprocessing pads pictures, so it has no fit='crop'; "
                    "use fit='whole'"
                )
            if resolution not in (None, min(self.image_size)):
                raise ValueError(
                    f"fit='crop' is the model's own preprocessing at {min(self.image_size)} px; "
                    f"for resolution={resolution} use fit='whole' or fit='squash'"
                )
            return Picture(image, self.crop(self._center(image))[None], self._crop_box(image))
        height, width = self._size(image, fit, resolution)
        resized = TF.resize(image, [height, width], self.interpolation)
        pixels = TF.normalize(TF.to_tensor(resized), list(self.mean), list(self.std))
        notes: tuple[str, ...] = ()
        if not self.flexible and fit == "whole" and image.width * height != image.height * width:
            notes = (
                f"This model's image tower takes {width} x {height} px only: the picture was squashed to it.",
            )
        return Picture(image, pixels[None], whole, notes)

    def _size(self, image: Image.Image, fit: Fit, resolution: int | None) -> tuple[int, int]:
        patch_h, patch_w = self.patch_size
        height, width = self.image_size
        if not self.flexible:
            if resolution not in (None, min(height, width)):
                raise ValueError(
                    f"resolution={resolution}: this model's image tower takes {width} x {height} px only; "
                    "leave resolution out"
                )
            return height, width
        if resolution is not None:
            if isinstance(resolution, bool) or not isinstance(resolution, int | np.integer):
                raise TypeError(f"resolution is a number of pixels, not {resolution!r}")
            if resolution < max(patch_h, patch_w):
                raise ValueError(
                    f"resolution={resolution} is below one patch of {patch_h} x {patch_w} px; "
                    f"give at least {max(patch_h, patch_w)}, or None for {min(height, width)}"
                )
            height = width = int(resolution)
        if fit == "whole":
            scale = min(height, width) / min(image.size)
            height, width = image.height * scale, image.width * scale  # type: ignore[assignment]
        rows, cols = max(1, round(height / patch_h)), max(1, round(width / patch_w))
        if rows * cols > MAX_PATCHES:
            raise ValueError(
                f"a picture of {image.width} x {image.height} px would be {rows} x {cols} patches, more than "
                f"{MAX_PATCHES}: crop it, give a smaller resolution, or use fit='squash' or fit='crop'"
            )
        return rows * patch_h, cols * patch_w

    def _center(self, image: Image.Image) -> Image.Image:
        """Return the middle of a very long picture, to be cropped by the model's own preprocessing.

        That enlarges the whole picture first: one of 20000 x 3 px to a gigabyte.
        """
        if self.crop_mode == "squash" or max(image.size) <= _LONG * min(image.size):
            return image
        side = _LONG * min(image.size)
        x, y = max(0, image.width - side) // 2, max(0, image.height - side) // 2
        return image.crop((x, y, image.width - x, image.height - y))

    def _crop_box(self, image: Image.Image) -> Box:
        height, width = self.image_size
        x, y, w, h = 0.0, 0.0, float(image.width), float(image.height)
        if self.crop_mode != "squash":
            # The picture is scaled until it just covers the model's size, then its centre is cropped.
            scale = min(image.height / height, image.width / width)
            if self.short_side is not None:
                scale = min(image.size) / self.short_side
            w, h = width * scale, height * scale
            x, y = (image.width - w) / 2, (image.height - h) / 2
        read_h, read_w = self._whole_patches(height, width)
        return (x, y, x + w * read_w / width, y + h * read_h / height)

    def _whole_patches(self, height: int, width: int) -> tuple[int, int]:
        """Return how many of these pixels lie in whole patches: of SigLIP's 384 px, 27 patches of 14."""
        patch_h, patch_w = self.patch_size
        return height - height % patch_h, width - width % patch_w

    def _from_tensor(self, pixels: Tensor) -> Picture:
        patch_h, patch_w = self.patch_size
        height, width = check_pixels(pixels).shape[2:]
        read_h, read_w = self._whole_patches(height, width)
        own = (height, width) == self.image_size
        if ((read_h, read_w) != (height, width) and not own) or not height * width:
            raise ValueError(
                f"a tensor's sides must be multiples of the patch, {patch_h} x {patch_w} px; "
                f"got {height} x {width}"
            )
        if not self.flexible and (height, width) != self.image_size:
            raise ValueError(
                f"a tensor for this model must be {self.image_size[0]} x {self.image_size[1]} px, the only "
                f"size its image tower takes; got {height} x {width}"
            )
        if height * width > MAX_PATCHES * patch_h * patch_w:
            raise ValueError(
                f"a tensor of {height} x {width} px would be more than {MAX_PATCHES} patches; shrink it"
            )
        pixels = pixels.detach().float().cpu()
        if not torch.isfinite(pixels).all():
            raise ValueError("the tensor holds NaN or infinite values; replace them first")
        return Picture(self.visible(pixels), pixels, (0.0, 0.0, float(read_w), float(read_h)))

    def visible(self, pixels: Tensor) -> Image.Image:
        """Return a normalised picture (1, 3, H, W) as it looks: its normalisation undone."""
        mean, std = (torch.tensor(v)[:, None, None] for v in (self.mean, self.std))
        restored = pixels[0].detach().float().cpu() * std + mean
        image: Image.Image = TF.to_pil_image(restored.nan_to_num().clamp(0, 1))
        return image


def check_pixels(pixels: Tensor) -> Tensor:
    """Return a tensor that has the shape and type of a normalised picture.

    Raises:
        ValueError: it does not.
    """
    if pixels.ndim != 4 or pixels.shape[:2] != (1, 3) or not pixels.is_floating_point():
        raise ValueError(
            f"a tensor must be one normalised picture (1, 3, H, W) of floats, not "
            f"{tuple(pixels.shape)} of {pixels.dtype}"
        )
    return pixels
