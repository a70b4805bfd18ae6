"""Columns of a source: how they are called, which ones a user names, and what they may hold."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ...core.errors import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

# What columns are usually called, the likeliest first; upper and lower case are alike.
IMAGE_NAMES = (
    *("image", "file", "filename", "file_name", "path", "filepath", "image_path", "img", "picture"),
    *("jpg", "jpeg", "png", "webp", "url", "image_url"),
)
CAPTION_NAMES = (
    *("caption", "text", "sentence", "title", "captions", "texts", "sentences", "txt"),
    *("alt_text", "description"),
)
ID_NAMES = ("id", "key", "uid")
BOX_NAMES = ("box",)  # not "bbox": in many data sets that is (x, y, width, height)


@dataclass(frozen=True)
class Options:
    """What a user says of a source; ``None`` where nothing is said. See `open_source`."""

    images: str | os.PathLike[str] | None = None
    image_column: str | None = None
    caption_column: str | None = None
    id_column: str | None = None
    box_column: str | None = None
    split: str | None = None

    def allow(self, what: str, *names: str) -> None:
        """Refuse options that say nothing of a source.

        Args:
            what: the kind of source, in the plural.
            names: the options that say something of it.

        Raises:
            ValueError: another option is given.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and field.name not in names:
                rest = f": they take {', '.join(names)}" if names else ""
                raise ValueError(f"{field.name}={value!r} says nothing of {what}{rest}")


COLUMN_OPTIONS = ("image_column", "caption_column", "id_column", "box_column")


@dataclass(frozen=True)
class Columns:
    """The columns that pairs are made of; ``None`` where there is none."""

    image: str
    caption: str
    id: str | None = None
    box: str | None = None

    @property
    def names(self) -> list[str]:
        """The columns' names, each once."""
        found = (self.image, self.caption, self.id, self.box)
        return list(dict.fromkeys(name for name in found if name is not None))

    @property
    def options(self) -> dict[str, str | None]:
        """The options of `open_source` that name these columns."""
        return dict(zip(COLUMN_OPTIONS, (self.image, self.caption, self.id, self.box), strict=True))


def find_columns(names: Sequence[str], options: Options, where: str) -> Columns:
    """Return which columns hold what.

    Args:
        names: all there are.
        options: those that the user names.
        where: what has the columns, for errors.

    Raises:
        ValueError: there is no column of pictures or of captions, or none of a given name.
    """
    image = find_column(names, options.image_column, IMAGE_NAMES, "image_column", where)
    caption = find_column(names, options.caption_column, CAPTION_NAMES, "caption_column", where)
    if image is None:
        raise no_column(where, "pictures", "image", names)
    if caption is None:
        raise no_column(where, "captions", "caption", names)
    return Columns(
        image,
        caption,
        find_column(names, options.id_column, ID_NAMES, "id_column", where),
        find_column(names, options.box_column, BOX_NAMES, "box_column", where),
    )


def no_column(where: str, what: str, name: str, names: Iterable[str]) -> ValueError:
    """Return the error that a column is missing, which names those there are."""
    return ValueError(
        f"{where} has no column of {what}: call it {name!r}; it has "
        f"{', '.join(map(repr, names)) or 'no columns'}, one of which {name}_column= may name"
    )


def find_column(
    names: Iterable[str], given: str | None, usual: Iterable[str], option: str, where: str
) -> str | None:
    """Return the column that is given, or else the first with a usual name, or ``None``.

    Raises:
        ValueError: there is none of the given name.
    """
    by_name: dict[str, str] = {}
    for name in names:
        by_name.setdefault(name.strip().lower(), name)
    if given is None:
        return next((by_name[name] for name in usual if name in by_name), None)
    found = given if given in by_name.values() else by_name.get(given.strip().lower())
    if found is None:
        raise ValueError(
            f"{option}={given!r}: {where} has no such column; it has "
            f"{', '.join(map(repr, by_name.values()))}{did_you_mean(given, by_name.values())}"
        )
    return found


def holds_lists(kind: pa.DataType) -> bool:
    """Return whether a column of an Arrow type holds lists."""
    import pyarrow.types as t

    return bool(t.is_list(kind) or t.is_large_list(kind) or t.is_fixed_size_list(kind))


def check_types(schema: pa.Schema, columns: Columns, where: str) -> None:
    """Refuse columns whose Arrow types hold no pictures or no captions.

    Raises:
        ValueError: there is one; the message names it and its type.
    """
    import pyarrow.types as t

    def value(name: str) -> pa.DataType:
        kind = schema.field(name).type
        return kind.value_type if t.is_dictionary(kind) else kind

    def is_text(kind: pa.DataType) -> bool:
        return bool(t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind))

    caption, image = value(columns.caption), value(columns.image)
    if not is_text(caption.value_type if holds_lists(caption) else caption):
        raise ValueError(
            f"the column {columns.caption!r} of {where} holds {caption}, neither captions nor lists of them; "
            "give the caption_column= that does"
        )
    binary = t.is_binary(image) or t.is_large_binary(image) or t.is_fixed_size_binary(image)
    parts = {image.field(n).name for n in range(image.num_fields)} if t.is_struct(image) else set()
    if not (is_text(image) or binary or parts & {"bytes", "path"}):
        raise ValueError(
            f"the column {columns.image!r} of {where} holds {image}, not paths, bytes or structs of these "
            "('bytes', 'path'); give the image_column= that does"
        )


def text_of(value: Any) -> str:
    """Return a value as a short text that errors can quote."""
    return f"{value!r:.80}"
