"""Colors of any kind as RGB."""

from __future__ import annotations

import io

from PIL import Image

from .loaded import LoadedImage

# Names that profiles of plain sRGB go by; the last two are small ones that web services write.
_SRGB = ("srgb", "urgb", "c2")


def to_rgb(image: Image.Image) -> LoadedImage:
    """Return an image of 8 bits a channel, of any mode, as RGB, with transparency over white.

    Raises:
        ValueError: it has no pixels.
    """
    if not image.width or not image.height:
        raise ValueError(f"the image has no pixels ({image.width} x {image.height})")
    notes = _notes_on_color(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        if image.getchannel("A").getextrema() == (0, 0):
            notes.append("The picture is transparent all over, so it was read as white.")
        elif image.getchannel("A").getextrema() != (255, 255):
            notes.append("Where the picture is transparent, it was laid over white.")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return LoadedImage(image.convert("RGB"), tuple(notes))


def _notes_on_color(image: Image.Image) -> list[str]:
    profile = _profile_name(image)
    if image.mode == "CMYK":
        return ["The picture is in CMYK and was converted to RGB without a color profile."]
    if profile and not profile.lower().startswith(_SRGB):
        return [f"The picture's colors are in {profile!r}; they were read as if they were sRGB."]
    return []


def _profile_name(image: Image.Image) -> str:
    """Return the name of an image's color profile; empty where it has none that can be read."""
    data = image.info.get("icc_profile")
    if not data:
        return ""
    from PIL import ImageCms  # needed for few pictures

    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(data))).strip()
    except (ImageCms.PyCMSError, OSError, ImportError):  # damaged, or Pillow without LittleCMS
        return ""
