"""Examples from COCO's annotation files, or files of the same form."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...core.errors import missing_extra
from ...core.paths import path_of, why_missing
from ...core.words import Span, split_words
from ..examples import Example, FailedExample
from ..pointing import Mask
from .folder import named_phrases


@dataclass(frozen=True)
class CocoExamples:
    """COCO's pictures with their first captions; masks are made at every iteration.

    Attributes:
        rows: for each example, the path of its picture, its caption, and the annotations of instances by
            category.
        instances: the instances in pycocotools, if they were given.
        things: the categories of all instances of each picture, also of those that its caption does not name.
    """

    rows: list[tuple[Path, str, dict[str, list[Any]]]] = field(repr=False)
    instances: Any = field(repr=False, default=None)
    things: Mapping[Path, Sequence[str]] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.rows)

    def __iter__(self) -> Iterator[Example | FailedExample]:
        """Yield the examples; ids are file names.

        A category without an instance in a picture is absent from it. Yield a `FailedExample` for an example
        with a malformed segmentation, or with none that covers a pixel.
        """
        categories = [] if self.instances is None else list(self.instances.cats.values())
        classes = [category["name"] for category in categories]
        for path, caption, named in self.rows:
            try:
                masks = self._masks(named)
            except Exception as error:  # noqa: BLE001 - pycocotools raises many kinds, also `Exception` itself
                reason = f"pycocotools cannot read its segmentations ({error!r})"
                yield FailedExample(path.name, reason)
                continue
            if named and not masks:
                yield FailedExample(path.name, "its segmentations cover no pixel")
                continue
            present = self.things.get(path, ())
            absent = [name for name in classes if name not in present]
            yield Example(path, caption, path.name, masks, present=present, absent=absent)

    def _masks(self, named: Mapping[str, list[Any]]) -> dict[str | Span, Mask]:
        """Return the masks that are not empty, by category."""
        masks = {
            category: np.any([self.instances.annToMask(each) for each in annotations], 0)
            for category, annotations in named.items()
        }
        return {category: mask for category, mask in masks.items() if mask.any()}


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
        ValueError: a file has another form, or no picture remains.
        ModuleNotFoundError: ``instances`` needs pycocotools.
    """
    content = _read(captions, "captions")
    folder = path_of(images)
    names = {one["id"]: one["file_name"] for one in content["images"]}
    first: dict[Any, str] = {}
    for annotation in sorted(content["annotations"], key=lambda one: one["id"]):
        if "caption" not in annotation:
            raise ValueError(
                f"{str(captions)!r}: its annotations have no captions; give COCO's captions_*.json"
            )
        if split_words(annotation["caption"]):
            first.setdefault(annotation["image_id"], annotation["caption"].strip())
    rows: list[tuple[Path, str, dict[str, list[Any]]]] = []
    view = None if instances is None else _instances(instances)
    things: dict[Path, Sequence[str]] = {}
    for image, caption in first.items():
        path = folder / names.get(image, "")
        if not path.is_file():
            raise FileNotFoundError(
                f"{str(captions)!r} names {path.name!r}, not in {str(images)!r}"
            )
        categories = {} if view is None else _by_category(view, image)
        named, things[path] = named_phrases(caption, categories), list(categories)
        if named or view is None:
            rows.append((path, caption, named))
    if not rows:
        raise ValueError(
            f"{str(captions)!r}: no caption names a category of its picture"
            if first
            else f"{str(captions)!r} has no captions"
        )
    return CocoExamples(rows, view, things)


def _by_category(view: Any, image: Any) -> dict[str, list[Any]]:
    categories: dict[str, list[Any]] = {}
    for annotation in view.imgToAnns.get(image, []):
        name = view.cats[annotation["category_id"]]["name"]
        categories.setdefault(name, []).append(annotation)
    return categories


def _instances(path: str | Path) -> Any:
    content = _read(path, "instances")
    if "categories" not in content:
        raise ValueError(f"{str(path)!r} has no categories; give COCO's instances_*.json")
    try:
        from pycocotools.coco import COCO
    except ModuleNotFoundError as error:
        raise missing_extra("pycocotools", "coco", "masks in COCO's form") from error
    view = COCO()
    view.dataset = content
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        view.createIndex()
    return view


def _read(path: str | Path, what: str) -> dict[str, Any]:
    file = path_of(path)
    if not file.is_file():
        why = ", but a folder" if file.exists() else why_missing(path)
        raise FileNotFoundError(f"{what}={str(path)!r} is not a file{why}")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is not JSON: {error}") from error
    if not isinstance(content, dict) or not {"images", "annotations"} <= set(content):
        raise ValueError(f"{str(path)!r} is not a COCO file: it has no 'images' and 'annotations'")
    return content
