"""Explanations as ``.npz``: arrays, a JSON header and an encoded picture. Loading executes nothing."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.errors import UnreadableFileError, reading
from ..core.explanation_data import ExplanationData
from ..core.words import Word
from ..images.read import decode
from .picture import archive_image

Data = TypeVar("Data", bound=ExplanationData)

FORMAT, VERSION = "gradeclip-explanation", 1
_MAX_BYTES = 400_000_000  # of all arrays, unpacked
_MAX_ARRAY_HEADER = 200  # bytes; NumPy writes 118
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1  # a flag of a member
_WHAT = "an explanation saved by gradeclip-widget"
_ADVICE = "give a file that Explanation.save wrote, or save the explanation again"
# Arrays that an explanation may lack; the header then has null in their place.
_READINGS = frozenset(
    "alone left_out word_effects integrated_gradients shapley unrelated_scores things".split()
)
_ARRAYS = _READINGS | frozenset(
    "header image signed_map interactions token_importance image_block_shares text_block_shares".split()
)
_NUMBER, _OPTIONAL = (int, float), (int, float, type(None))
_HEADER: dict[str, tuple[type, ...]] = {
    "caption": (str,),
    "words": (list,),
    "tokens": (list,),
    "notes": (list,),
    "cover": (list,),
    "score": _NUMBER,
    "logit_scale": _OPTIONAL,
    "logit_bias": _OPTIONAL,
    "empty_score": _OPTIONAL,
    "seconds": _OPTIONAL,
    "image_layers": (int,),
    "text_layers": (int,),
    "model": (str,),
    "method": (str,),
    "reference": (bool,),
    "foreign": (bool,),
}
_WORD: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "start": (int,),
    "end": (int,),
    "tokens": (list,),
    "truncated": (bool,),
    "known": (bool,),
}


def save(explanation: ExplanationData, path: Path) -> None:
    """Write all fields of an explanation, with raw maps (see `ExplanationData`); `load` reads the same."""
    values = {f.name: getattr(explanation, f.name) for f in dataclasses.fields(explanation)}
    values["words"] = [dataclasses.asdict(w) for w in explanation.words]
    image = archive_image(values.pop("image"))
    arrays = {k: v for k, v in values.items() if isinstance(v, np.ndarray)}
    header = {k: v for k, v in values.items() if k not in arrays}
    if not math.isfinite(header["logit_scale"]):  # JSON has neither infinity nor NaN
        header["logit_scale"] = None
    text = json.dumps(header | {"format": FORMAT, "version": VERSION}, allow_nan=False)
    arrays["header"] = np.frombuffer(text.encode(), np.uint8)
    arrays["image"] = np.frombuffer(image, np.uint8)
    # In memory first, since a full disk raises a clear error when bytes are written, but not in a ZIP file.
    buffer = io.BytesIO()
    # No `allow_pickle`: NumPy before 2.1 would save it as an array of that name.
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    path.write_bytes(buffer.getvalue())


def load(path: Path, cls: type[Data]) -> Data:
    """Read an explanation as an instance of `cls`; see `Explanation.load`."""
    with reading(path, _WHAT, _ADVICE):
        content = _unpacked(path)
        header = json.loads(content.pop("header").tobytes(), parse_constant=_refuse)
        if not isinstance(header, dict) or header.pop("format") != FORMAT:
            raise ValueError("it has no header of an explanation")
        version = header.pop("version")
    if version != VERSION:
        raise UnreadableFileError(
            path,
            f"is of format version {version}, this gradeclip-widget reads {VERSION}; upgrade it",
        )
    with reading(path, _WHAT, _ADVICE):
        return _assemble(header, content, cls)


def _unpacked(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file. Every size is checked before anything is unpacked."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [member.filename.removesuffix(".npy") for member in members]
        if unknown := set(names) - _ARRAYS:
            raise ValueError(f"it has an array {min(unknown)!r:.80}, which no explanation has")
        if len(set(names)) < len(names):
            raise ValueError("it has an array twice")
        if (size := sum(member.file_size for member in members)) > _MAX_BYTES:
            raise ValueError(f"it unpacks to {size:,} bytes, and at most {_MAX_BYTES:,} are read")
        for member in members:
            if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
                raise ValueError(
                    f"its array {member.filename!r} is encrypted or packed in another way"
                )
        return {
            name: _array(_content(archive, member))
            for name, member in zip(names, members, strict=True)
        }


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a member, which may unpack to no more than its directory entry says."""
    with archive.open(member) as file:
        data = file.read(member.file_size + 1)
    if len(data) != member.file_size:
        raise ValueError(f"its array {member.filename!r} is cut short")
    return data


def _array(data: bytes) -> NDArray[Any]:
    """Return the array in the bytes of an ``.npy`` file, whose header must fit its length."""
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array is of another version of NumPy's format")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(
        file, max_header_size=_MAX_ARRAY_HEADER
    )
    if dtype not in (np.dtype("<f4"), np.dtype("u1")):
        raise ValueError(f"an array is of {dtype!s:.40}, not of float32 or bytes")
    values = np.frombuffer(data, dtype, offset=file.tell())
    if values.size != math.prod(shape):
        raise ValueError(f"an array claims the shape {shape!s:.60} and has {values.size} values")
    return values.reshape(shape, order="F" if fortran else "C")


def _refuse(name: str) -> None:
    raise ValueError(f"its header has {name}")


def _assemble(header: dict[str, Any], content: dict[str, NDArray[Any]], cls: type[Data]) -> Data:
    absent = {name: header.pop(name) for name in _READINGS & header.keys()}
    if any(value is not None for value in absent.values()) or absent.keys() & content.keys():
        raise ValueError(f"its header has the arrays {', '.join(sorted(absent))}")
    _check_types(header, _HEADER, "header")
    for word in header["words"]:
        _check_types(word, _WORD, "word")
    _check_lists(header)
    image = decode(io.BytesIO(content.pop("image").tobytes()), "its picture").image
    words = tuple(Word(**w | {"tokens": tuple(w["tokens"])}) for w in header.pop("words"))
    if header["logit_scale"] is None:
        header["logit_scale"] = math.nan
    for name in ("tokens", "notes", "cover"):
        header[name] = tuple(header[name])
    x0, y0, x1, y1 = header["cover"]
    if not (0 <= x0 < x1 <= image.width + 1 and 0 <= y0 < y1 <= image.height + 1):
        raise ValueError(f"the maps cover {header['cover']} of a picture of {image.size} pixels")
    return cls(image=image, words=words, **header, **absent, **content)  # type: ignore[arg-type]


def _check_types(values: Any, types: dict[str, tuple[type, ...]], what: str) -> None:
    if not isinstance(values, dict) or values.keys() != types.keys():
        raise ValueError(f"its {what} has other entries than {', '.join(types)}")
    for name, value in values.items():
        if not isinstance(value, types[name]) or (
            isinstance(value, bool) and bool not in types[name]
        ):
            raise ValueError(f"its {what} has {name} {value!r:.40}")


def _check_lists(header: dict[str, Any]) -> None:
    """Check the items of the header's lists: texts, numbers, and words that are parts of the caption."""
    for name, kind in (("tokens", (str,)), ("notes", (str,)), ("cover", _NUMBER)):
        if not all(isinstance(item, kind) for item in header[name]):
            raise ValueError(f"its {name} are {header[name]!r:.60}")
    caption, end = header["caption"], 0
    for word in header["words"]:
        fits = end <= word["start"] < word["end"] and all(type(k) is int for k in word["tokens"])
        if not fits or caption[word["start"] : word["end"]] != word["text"]:
            raise ValueError(
                f"its word {word['text']!r:.40} is not in the caption where it should be"
            )
        end = word["end"]
