"""Examples from COCO's annotation files, or files of the same form."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...core.errors import UnreadableFileError, describe_error, missing_extra, reading
from ...core.paths import path_of, why_missing
from ...core.words import Span, split_words
from ...images import open_picture
from ..examples import Example, FailedExample
from ..pointing import Mask
from .folder import named_phrases
from .segmentations import mask_of

_ADVICE = "download or export it again"
_LONGEST_NAME = 200  # bytes; of a file, most systems allow 255


@dataclass(frozen=True)
class CocoExamples:
    """COCO's pictures with their first captions; masks are made at every iteration.

    Attributes:
        rows: for each example, the path of its picture, its caption, and the segmentations of instances by
            category.
        classes: the categories of the file of instances.
        sizes: (width, height) in pixels of each picture, as the file of instances states it.
        things: the categories of all instances of each picture, also of those that its caption does not name.
    """

    rows: list[tuple[Path, str, dict[str, list[Any]]]] = field(repr=False)
    classes: Sequence[str] = field(default=(), repr=False)
    sizes: Mapping[Path, Any] = field(default_factory=dict, repr=False)
    things: Mapping[Path, Sequence[str]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Example | FailedExample]:
        """Yield the examples; ids are file names.

        A category without an instance in a picture is absent from it. Yield a `FailedExample` for an example
        with a malformed segmentation, with one that does not fit its picture, or with none that covers a
        pixel.
        """
        for path, caption, named in self.rows:
            try:
                masks = _masks(path, named, self.sizes[path]) if named else {}
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - a damaged picture raises errors of any kind
                reason = f"its segmentations cannot be read: {describe_error(error)}"
                yield FailedExample(path.name, reason)
                continue
            if named and not masks:
                yield FailedExample(path.name, "its segmentations cover no pixel")
                continue
            present = self.things.get(path, ())
            absent = [name for name in self.classes if name not in present]
            yield Example(path, caption, path.name, masks, present=present, absent=absent)


def coco_examples(
    captions: str | Path, images: str | Path, instances: str | Path | None = None
) -> CocoExamples:
    """Return the pictures of COCO's annotation files, each with its first caption.

    Args:
        captions: file such as ``captions_val2017.json``.
        images: folder of the pictures.
        instances: file such as ``instances_val2017.json``. All instances of a category are the mask of its
            name, if the caption has that name exactly once; pictures without such a name are left out.

    Raises:
        FileNotFoundError: there is no such file, folder or picture.
        UnreadableFileError: a file is damaged or has another form.
        ValueError: no picture remains.
        ModuleNotFoundError: ``instances`` needs pycocotools.
    """
    content = _read(captions, "captions")
    folder = path_of(images)
    with reading(captions, "a file of COCO's captions", _ADVICE):
        names = _by_id(content["images"], "file_name")
        first = _first_captions(content["annotations"])
    rows: list[tuple[Path, str, dict[str, list[Any]]]] = []
    annotated = _Instances() if instances is None else _instances(instances)
    things: dict[Path, Sequence[str]] = {}
    sizes: dict[Path, Any] = {}
    for image, caption in first.items():
        if image not in names:
            raise UnreadableFileError(
                captions, f"has a caption of the image {image!r}, and not the image"
            )
        path = folder / names[image]
        if not os.path.isfile(path):  # noqa: PTH113 - false too for a name that is too long
            raise FileNotFoundError(
                f"{str(captions)!r} names {path.name!r}, not in {str(images)!r}"
            )
        categories, sizes[path] = annotated.by_image.get(image, {}), annotated.sizes.get(image)
        named, things[path] = named_phrases(caption, categories), list(categories)
        if named or instances is None:
            rows.append((path, caption, named))
    if not rows:
        raise UnreadableFileError(
            captions,
            "has no caption that names a category of its picture" if first else "has no captions",
        )
    return CocoExamples(rows, annotated.classes, sizes, things)


@dataclass(frozen=True)
class _Instances:
    """The content of a file of instances.

    Attributes:
        classes: names of the categories.
        sizes: (width, height) of each image, by its id.
        by_image: the segmentations of each image by category.
    """

    classes: Sequence[str] = ()
    sizes: Mapping[Any, Any] = field(default_factory=dict)
    by_image: Mapping[Any, dict[str, list[Any]]] = field(default_factory=dict)


def _first_captions(annotations: Any) -> dict[Any, str]:
    """Return the first caption with words of each image, in the order of the annotations' ids.

    Raises:
        ValueError: an annotation has no caption, as in COCO's other files.
    """
    first: dict[Any, str] = {}
    for annotation in sorted(annotations, key=lambda one: one["id"]):
        caption = annotation.get("caption")
        if not isinstance(caption, str):
            raise ValueError("its annotations have no captions; give COCO's captions_*.json")
        if split_words(caption):
            first.setdefault(annotation["image_id"], caption.strip())
    return first


def _instances(path: str | Path) -> _Instances:
    content = _read(path, "instances")
    try:
        import pycocotools.mask  # noqa: F401 - needed later, one segmentation after the other
    except ModuleNotFoundError as error:
        raise missing_extra("pycocotools", "coco", "masks in COCO's form") from error
    with reading(path, "a file of COCO's instances", _ADVICE):
        if "categories" not in content:
            raise ValueError("it has no categories; give COCO's instances_*.json")
        names = _by_id(content["categories"], "name")
        sizes = {one["id"]: (one.get("width"), one.get("height")) for one in content["images"]}
        by_image: dict[Any, dict[str, list[Any]]] = {}
        for one in content["annotations"]:
            categories = by_image.setdefault(one["image_id"], {})
            segmentations = categories.setdefault(names[one["category_id"]], [])
            segmentations.append(one.get("segmentation"))
    return _Instances(list(names.values()), sizes, by_image)


def _by_id(entries: Any, field: str) -> dict[Any, str]:
    """Return a field of entries, which is a short text, by their ids.

    Raises:
        ValueError: an id occurs twice, or the field has another value.
    """
    values: dict[Any, str] = {}
    for entry in entries:
        value = entry[field]
        if entry["id"] in values:
            raise ValueError(f"the id {entry['id']!r:.60} occurs twice")
        if not isinstance(value, str) or len(os.fsencode(value)) > _LONGEST_NAME:
            raise ValueError(f"{field} is {value!r:.60}")
        values[entry["id"]] = value
    return values


def _masks(path: Path, named: Mapping[str, Sequence[Any]], size: Any) -> dict[str | Span, Mask]:
    """Return the masks that are not empty, by category.

    Raises:
        ValueError: a segmentation is malformed, or the picture has not the size (width, height).
        OSError: the picture cannot be read.
    """
    with path.open("rb") as file, open_picture(file) as picture:
        real = picture.size
    if size is None:
        raise ValueError("their file does not list the picture")
    if size not in (real, real[::-1]):  # EXIF may turn the picture
        stated, found = (f"{width} x {height}" for width, height in (size, real))
        raise ValueError(f"their file says that the picture has {stated} pixels; it has {found}")
    masks: dict[str | Span, Mask] = {}
    for category, segmentations in named.items():
        if (mask := mask_of(segmentations, size)).any():
            masks[category] = mask
    return masks


def _read(path: str | Path, what: str) -> dict[str, Any]:
    file = path_of(path)
    if not file.is_file():
        why = ", but a folder" if file.exists() else why_missing(path)
        raise FileNotFoundError(f"{what}={str(path)!r} is not a file{why}")
    with reading(path, "JSON", _ADVICE):
        content = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not {"images", "annotations"} <= set(content):
        raise UnreadableFileError(path, "is not a COCO file: it has no 'images' and 'annotations'")
    return content
