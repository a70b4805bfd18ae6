"""Columns of a source: their usual names, names that a user gives, and their types."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ...core.errors import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

# Usual names of columns, the likeliest first, in lower case.
IMAGE_NAMES = (
    *("image", "file", "filename", "file_name", "path", "filepath", "image_path", "img", "picture"),
    *("jpg", "jpeg", "png", "webp", "url", "image_url"),
)
CAPTION_NAMES = (
    *("caption", "text", "sentence", "title", "captions", "texts", "sentences", "txt"),
    *("alt_text", "description"),
)
ID_NAMES = ("id", "key", "uid")
# Not "bbox": in many data sets that is (x, y, width, height).
BOX_NAMES = ("box", "box_fraction")
_FRACTIONS = (
    "normalized",
    "fraction",
    "relative",
)  # in names of columns with fractions of the picture


@dataclass(frozen=True)
class Options:
    """The user's options for a source; ``None`` if not given. See `open_source`."""

    images: str | os.PathLike[str] | None = None
    image_column: str | None = None
    caption_column: str | None = None
    id_column: str | None = None
    box_column: str | None = None
    split: str | None = None

    def allow(self, what: str, *names: str) -> None:
        """Check that only some options are given.

        Args:
            what: the kind of source, in the plural.
            names: the options for this kind.

        Raises:
            ValueError: another option is given.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and field.name not in names:
                options = f"the options {', '.join(names)}" if names else "no options"
                raise ValueError(
                    f"{field.name}={value!r} does not apply to {what}, which have {options}"
                )


COLUMN_OPTIONS = ("image_column", "caption_column", "id_column", "box_column")


@dataclass(frozen=True)
class Columns:
    """The columns of pictures, captions, ids and boxes; ``None`` for a column that does not exist."""

    image: str
    caption: str
    id: str | None = None
    box: str | None = None

    @property
    def names(self) -> list[str]:
        """The names of the columns, each once."""
        names = (self.image, self.caption, self.id, self.box)
        return list(dict.fromkeys(name for name in names if name is not None))

    @property
    def options(self) -> dict[str, str | None]:
        """The options of `open_source` that name these columns."""
        return dict(zip(COLUMN_OPTIONS, (self.image, self.caption, self.id, self.box), strict=True))


def find_columns(names: Sequence[str], options: Options, where: str) -> Columns:
    """Return the columns of a source.

    Args:
        names: of all columns.
        options: names that the user gives.
        where: name of the source in error messages.

    Raises:
        ValueError: there is no column of pictures or captions, or none with a name that the user gives.
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


def in_fractions(column: str | None) -> bool:
    """Return whether a column of boxes has fractions of the picture instead of pixels, by its name."""
    return column is not None and any(part in column.lower() for part in _FRACTIONS)


def no_column(where: str, what: str, name: str, names: Iterable[str]) -> ValueError:
    """Return the error for a missing column, which lists the existing ones."""
    return ValueError(
        f"{where} has no column of {what}: call it {name!r}; it has "
        f"{', '.join(map(repr, names)) or 'no columns'}, one of which {name}_column= may name"
    )


def find_column(
    names: Iterable[str], name: str | None, usual: Iterable[str], option: str, where: str
) -> str | None:
    """Return the column with a name, in any case; without one the first with a usual name, or ``None``.

    Args:
        names: of all columns.
        name: that the user gives, or ``None``.
        usual: names in lower case, the likeliest first.
        option: that the name comes from, in error messages.
        where: name of the source in error messages.

    Raises:
        ValueError: there is no column with the name.
    """
    by_name: dict[str, str] = {}
    for column in names:
        by_name.setdefault(column.strip().lower(), column)
    if name is None:
        return next((by_name[one] for one in usual if one in by_name), None)
    match = name if name in by_name.values() else by_name.get(name.strip().lower())
    if match is None:
        raise ValueError(
            f"{option}={name!r}: {where} has no such column; it has "
            f"{', '.join(map(repr, by_name.values()))}{did_you_mean(name, by_name.values())}"
        )
    return match


def is_list(kind: pa.DataType) -> bool:
    """Return whether an Arrow type is one of lists."""
    import pyarrow.types as t

    kinds = (t.is_list, t.is_large_list, t.is_fixed_size_list, t.is_list_view, t.is_large_list_view)
    return any(is_kind(kind) for is_kind in kinds)


def check_types(schema: pa.Schema, columns: Columns, where: str) -> None:
    """Check that the Arrow types of the columns can be pictures and captions.

    Raises:
        ValueError: a type cannot; the message names the column and its type.
    """
    import pyarrow.types as t

    def value(kind: pa.DataType) -> pa.DataType:
        return kind.value_type if t.is_dictionary(kind) else kind

    def is_text(kind: pa.DataType) -> bool:
        return bool(t.is_string(kind) or t.is_large_string(kind) or t.is_string_view(kind))

    def is_bytes(kind: pa.DataType) -> bool:
        kinds = (t.is_binary, t.is_large_binary, t.is_fixed_size_binary, t.is_binary_view)
        return any(is_kind(kind) for is_kind in kinds)

    caption, image = (value(schema.field(name).type) for name in (columns.caption, columns.image))
    one = value(caption.value_type) if is_list(caption) else caption
    if not (is_text(one) or is_bytes(one)):
        raise ValueError(
            f"the column {columns.caption!r} of {where} has the type {caption}, not text or lists of text; "
            "give the caption_column="
        )
    binary = is_bytes(image)
    parts = {image.field(n).name for n in range(image.num_fields)} if t.is_struct(image) else set()
    if not (is_text(image) or binary or parts & {"bytes", "path"}):
        raise ValueError(
            f"the column {columns.image!r} of {where} has the type {image}, not paths, bytes or structs of "
            "these ('bytes', 'path'); give the image_column="
        )


def text_of(value: Any) -> str:
    """Return a value as a short text for error messages."""
    try:
        return f"{value!r:.80}"
    except Exception:  # noqa: BLE001  # of any code of the object
        return f"an object of {type(value).__name__}"
