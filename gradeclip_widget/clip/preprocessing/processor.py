"""A model's preprocessing, applied to pictures of any size and kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import functional as TF

from ...core.regions import Box, describe_cut, seen_share
from ...images import LoadedImage
from ...images.arrays import from_array
from .crop import check_crop
from .picture import MAX_PATCHES, Fit, Picture, RawPicture, check_size, read_picture, whole_patches
from .transforms import CropMode, read_transform, restore, scale_of

_DEFAULT_SIZE = 224  # pixels, for a tower without a known image size
_NEARLY_ALL = 0.99  # share of a picture from which no note says that the rest was cut off
_LONG = 16  # pictures with a greater aspect ratio are cut before they are enlarged


@dataclass(frozen=True)
class ImageProcessor:
    """A model's preprocessing, for pictures of any size and kind.

    Attributes:
        image_size: (height, width) in pixels that the tower was made for.
        patch_size: (height, width) in pixels.
        mean, std: of each channel, of pixels in 0..1.
        interpolation: that of the model's own preprocessing.
        crop: the model's own preprocessing, from a PIL image to (3, H, W).
        crop_mode: how that preprocessing makes a square of a picture.
        flexible: whether the tower takes other sizes than ``image_size``.
        short_side: pixels to which the short side is resized before the crop; ``None`` if unknown.
        notes: sentences on what was assumed of the model's own preprocessing, added to every explanation.
        fitting_notes: the same for ``fit="whole"`` and ``"squash"``, which do not run that preprocessing.
    """

    image_size: tuple[int, int]
    patch_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: TF.InterpolationMode
    crop: Callable[[Image.Image], Tensor]
    crop_mode: CropMode
    flexible: bool = True
    short_side: int | None = None
    notes: tuple[str, ...] = ()
    fitting_notes: tuple[str, ...] = ()

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
            ValueError: the transform has no step that normalizes pixels.
        """
        size = getattr(model.visual, "image_size", None)
        facts, notes = read_transform(model.visual, preprocess), []
        if size is None:
            size = _DEFAULT_SIZE
            notes.append(f"The image tower has no known image size: {size} px was assumed.")
        height, width = size if isinstance(size, tuple | list) else (size, size)
        return cls(
            image_size=(height, width),
            patch_size=patch_size,
            mean=facts.mean,
            std=facts.std,
            interpolation=facts.interpolation,
            crop=preprocess,
            crop_mode=facts.crop_mode,
            flexible=flexible,
            short_side=facts.short_side,
            notes=(*notes, *facts.notes),
            fitting_notes=facts.fitting_notes,
        )

    def prepare(self, image: Any, fit: Fit = "whole", resolution: int | None = None) -> Picture:
        """Read a picture and fit it to the tower.

        Args:
            image: a path, web address, bytes, open file, PIL image, array or tensor; see `read_picture`. A
                tensor (3, H, W) or (1, 3, H, W) of floats may be normalized already; see `scale_of`. A
                `Picture` is used as it is.
            fit: ``"whole"`` keeps the aspect ratio, the short side at ``resolution``, both sides rounded to
                the patch size; ``"crop"`` is the model's own preprocessing; ``"squash"`` a square.
            resolution: short side in pixels; the model's own when ``None``.

        Raises:
            TypeError: ``image`` is of another kind.
            ValueError: the picture cannot be read, or does not fit.
            FileNotFoundError: there is no such file.
            ConnectionError, TimeoutError: its address cannot be reached.
        """
        if fit not in get_args(Fit):
            raise ValueError(f"fit={fit!r}: use one of {', '.join(map(repr, get_args(Fit)))}")
        if isinstance(image, Picture):
            check_size(image.pixels, self.image_size, self.patch_size, self.flexible)
            return image
        loaded = self.interpret(read_picture(image))
        if isinstance(loaded, Picture):
            return _note_unused_settings(loaded, fit, resolution, self.image_size)
        image, notes = loaded.image, [*loaded.notes, *self.notes]
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
            self._check_crop()
            pixels = self.crop(self._center(image))[None].float().cpu()
            cover = self._crop_box(image)
            if seen_share((0, 0, *image.size), image.size, cover) < _NEARLY_ALL:
                notes.append(
                    f"The model did not see all of this picture: {describe_cut(image.size, cover)}."
                )
            return Picture(image, pixels, cover, tuple(notes))
        height, width = self._size(image, fit, resolution)
        resized = TF.resize(image, [height, width], self.interpolation)
        pixels = TF.normalize(_pixels_of(resized), list(self.mean), list(self.std))
        if not self.flexible and fit == "whole" and image.width * height != image.height * width:
            notes.append(
                f"This model's image tower takes only {width} x {height} px: the picture was squashed to "
                "that size."
            )
        return Picture(image, pixels[None], whole, (*notes, *self.fitting_notes))

    def interpret(self, picture: RawPicture) -> LoadedImage | Picture:
        """Decide whether a tensor is a picture, or pixels that are normalized already.

        Args:
            picture: a picture, which is returned as it is, or a tensor of floats (1, 3, H, W).

        Raises:
            ValueError: the tensor has NaN or infinite values, or a size that the tower does not take.
        """
        if isinstance(picture, LoadedImage):
            return picture
        _check_finite(picture)
        scale = scale_of(picture, (self.mean, self.std))
        notes = () if scale.note is None else (scale.note,)
        if scale.normalized:
            return self.from_normalized(picture, notes)
        image = from_array(picture[0].permute(1, 2, 0).numpy()).image
        return LoadedImage(image, notes)

    def from_normalized(self, pixels: Tensor, notes: tuple[str, ...] = ()) -> Picture:
        """Return a picture from pixels that are normalized already; their values are not checked for that.

        Args:
            pixels: (1, 3, H, W) or (3, H, W), of a size that the tower takes.
            notes: sentences for the user.

        Raises:
            ValueError: the pixels have another shape or type, or NaN or infinite values.
        """
        pixels = pixels[None] if pixels.ndim == 3 else pixels
        if pixels.ndim != 4 or pixels.shape[:2] != (1, 3) or not pixels.is_floating_point():
            raise ValueError(
                "a normalized picture is a tensor (1, 3, H, W) of floats, not "
                f"{tuple(pixels.shape)} of {pixels.dtype}"
            )
        check_size(pixels, self.image_size, self.patch_size, self.flexible)
        pixels = pixels.detach().float().cpu()
        _check_finite(pixels)
        height, width = whole_patches(pixels.shape[2:], self.patch_size)
        cover = (0.0, 0.0, float(width), float(height))
        return Picture(self._restored(pixels), pixels, cover, (*notes, *self.notes))

    def is_fitted(self, picture: RawPicture | Picture) -> bool:
        """Return whether `prepare` fits a picture to the tower; a normalized one keeps its size."""
        if isinstance(picture, Tensor):
            return not scale_of(picture.nan_to_num(0, 0, 0), (self.mean, self.std)).normalized
        return isinstance(picture, LoadedImage)

    def visible(self, picture: RawPicture | Picture) -> Image.Image:
        """Return a picture as it looks; the normalization of a normalized tensor is undone."""
        if not isinstance(picture, Tensor):
            return picture.image
        pixels = picture.nan_to_num(0, 0, 0)
        if scale_of(pixels, (self.mean, self.std)).normalized:
            return self._restored(pixels)
        return from_array(pixels[0].permute(1, 2, 0).numpy()).image

    def _restored(self, pixels: Tensor) -> Image.Image:
        """Return a normalized picture (1, 3, H, W) with its normalization undone."""
        restored = restore(pixels, (self.mean, self.std))[0]
        image: Image.Image = TF.to_pil_image(restored.clamp(0, 1))
        return image

    def _size(self, image: Image.Image, fit: Fit, resolution: int | None) -> tuple[int, int]:
        patch_h, patch_w = self.patch_size
        height, width = self.image_size
        if not self.flexible:
            if resolution not in (None, min(height, width)):
                raise ValueError(
                    f"resolution={resolution}: this model's image tower takes only {width} x {height} px; "
                    "leave resolution out"
                )
            return height, width
        if resolution is not None:
            if isinstance(resolution, bool) or not isinstance(resolution, int | np.integer):
                raise TypeError(f"resolution must be a whole number of pixels, not {resolution!r}")
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
        """Return the middle of a very long picture, before the model's own preprocessing crops it.

        That preprocessing enlarges the whole picture first: one of 20000 x 3 px to a gigabyte.
        """
        if self.crop_mode == "squash" or max(image.size) <= _LONG * min(image.size):
            return image
        side = _LONG * min(image.size)
        x, y = max(0, image.width - side) // 2, max(0, image.height - side) // 2
        return image.crop((x, y, image.width - x, image.height - y))

    def _check_crop(self) -> None:
        """Check once that the model's own preprocessing shows the box that `_crop_box` returns."""
        if "_crop_checked" not in vars(self):
            covered = whole_patches(self.image_size, self.patch_size)
            check_crop(self.crop, self.image_size, covered, self._crop_box)
            vars(self)["_crop_checked"] = (
                True  # assignment to an attribute of a frozen dataclass fails
            )

    def _crop_box(self, image: Image.Image) -> Box:
        height, width = self.image_size
        x, y, w, h = 0.0, 0.0, float(image.width), float(image.height)
        if self.crop_mode != "squash":
            # The picture is scaled until it just covers the model's size; then its center is cropped.
            scale = min(image.height / height, image.width / width)
            if self.short_side is not None:
                scale = min(image.size) / self.short_side
            w, h = width * scale, height * scale
            x, y = (image.width - w) / 2, (image.height - h) / 2
        covered_h, covered_w = whole_patches((height, width), self.patch_size)
        return (x, y, x + w * covered_w / width, y + h * covered_h / height)


def _note_unused_settings(
    picture: Picture, fit: Fit, resolution: int | None, image_size: tuple[int, int]
) -> Picture:
    """Return a normalized picture, with a note if ``fit`` or ``resolution`` would have changed its size."""
    height, width = picture.pixels.shape[2:]
    unused = []
    if resolution not in (None, min(height, width)):
        unused.append(f"resolution={resolution}")
    if fit != "whole" and (height, width) != image_size:
        unused.append(f"fit={fit!r}")
    if not unused:
        return picture
    note = f"A normalized tensor keeps its size, {width} x {height} px: {' and '.join(unused)} had no effect."
    return replace(picture, notes=(*picture.notes, note))


def _pixels_of(image: Image.Image) -> Tensor:
    """Return an RGB image as (3, H, W) in 0..1; `TF.to_tensor` would use torch's default dtype."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().float().div(255)


def _check_finite(pixels: Tensor) -> None:
    if not torch.isfinite(pixels).all():
        raise ValueError("the tensor has NaN or infinite values; replace them first")
