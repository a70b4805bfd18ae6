"""Paths as people write them: find the file that a text names, or explain why there is none."""

from __future__ import annotations

import itertools
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from .errors import did_you_mean

# An address. `Path` removes one of its slashes. A scheme has two letters, unlike a drive of Windows.
_ADDRESS = re.compile(
    r"[\s'\"]*(?:([a-z][a-z0-9+.-]+)://|(https?|s3|gs|hf|ftp|file):/|(data):)", re.IGNORECASE
)
_DRIVE = re.compile(r"([A-Za-z]):[\\/]")
_AROUND = " \t\r\n'\"“”‘’`<>"  # what is copied with a path by mistake
_CONTROL = {
    "\t": r"\t",
    "\n": r"\n",
    "\r": r"\r",
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\v": r"\v",
}
_LISTED = 10_000  # names of a folder that are compared
_TOOLS = {
    "s3": "copy it here (aws s3 cp), and give the file's path",
    "gs": "copy it here (gcloud storage cp), and give the file's path",
    "hf": "download it (hf download), and give the file's path",
    "data": "decode it (base64.b64decode), and give the bytes",
}


def path_of(text: str | os.PathLike[Any]) -> Path:
    """Return the path that a text names; what it names may not exist.

    A ``file://`` address becomes a path, ``~`` the home folder. If there is no such file, but one whose name
    has the same letters in another Unicode form (a decomposed "é", as macOS writes it), that is returned.

    Raises:
        ValueError: the text is an address of another kind, or cannot be a path.
    """
    path = os.fsdecode(text)
    if "\0" in path:
        raise ValueError(f"{_shortened(path)} is not a path: it contains the character NUL")
    if match := _ADDRESS.match(path):
        path = _of_address(path, next(filter(None, match.groups())).lower())
    expanded = _expanded(path)
    if _exists(expanded):
        return expanded
    same = _with_siblings(expanded, lambda name: unicodedata.normalize("NFC", name))
    return same or expanded


def existing_path(text: str | os.PathLike[Any], what: str) -> Path:
    """Return the file or folder that a text names; see `path_of`.

    Args:
        text: a path, or a ``file://`` address.
        what: it should be, as "picture".

    Raises:
        FileNotFoundError: it does not exist; the message explains why, and has the nearest name.
        ValueError: the text is an address of another kind, or cannot be a path.
    """
    path = path_of(text)
    if not _exists(path):
        raise FileNotFoundError(f"no {what} at {_shortened(text)}{why_missing(text)}")
    return path


def why_missing(text: str | os.PathLike[Any]) -> str:
    r"""Return the end of a message about a path that does not exist: why not, and what may be meant.

    >>> why_missing("nowhere/$PHOTOS/dog.jpg")
    ': there is no variable $PHOTOS in the environment'
    """
    given = os.fsdecode(text)
    path = path_of(given)
    looked = "" if path.is_absolute() else f" (looked in {str(Path.cwd())!r})"
    reason = _reason(given, path)
    meant = next((one for one in _meant(given, path) if _exists(_expanded(one))), None)
    if meant is not None:
        return f"{reason or looked}; did you mean {meant!r}?"
    return reason or looked + did_you_mean(path.name, _names(path.parent))


def _of_address(address: str, scheme: str) -> str:
    """Return the path of a ``file://`` address.

    Raises:
        ValueError: the address is of another kind.
    """
    parts = urlsplit(address.strip(_AROUND))
    if scheme == "file" and parts.netloc in ("", "localhost"):
        return url2pathname(parts.path)
    todo = _TOOLS.get(scheme, "download it, and give the file's path")
    if scheme in ("http", "https") and "://" not in address:
        todo = "Path has removed a slash; give it as a text"
    elif address != address.strip(_AROUND):
        todo = "remove the quotes or spaces around it"
    raise ValueError(f"{_shortened(address)} is an address of {scheme!r}, not a path: {todo}")


def _reason(given: str, path: Path) -> str:
    """Return why a text names no file, if that can be seen; else ""."""
    windows = os.name == "nt"
    if control := next((c for c in given.strip() if c in _CONTROL), None):
        return f": it contains the character {_CONTROL[control]}; in Python write r'...', or / in place of \\"
    if not windows and (_DRIVE.match(given) or given.startswith("\\\\")):
        return f": that is a path of Windows, and this is {_system()}"
    if not windows and "\\" in given:
        return f": \\ does not separate folders on {_system()}; use /"
    if variables := re.findall(r"\$\w+|\$\{\w+\}|%\w+%", given):
        (name, *_) = variables
        if os.path.expandvars(given) == given:
            return f": there is no variable {name} in the environment"
        return f": the variable {name} is not replaced here; use os.path.expandvars"
    if given != given.strip(_AROUND):
        return ": there are quotes or spaces around it"
    try:
        path.stat()
    except PermissionError:
        return ": there is no permission to look into its folder"
    except (OSError, ValueError):
        pass
    return _missing_folder(path)


def _missing_folder(path: Path) -> str:
    """Return the first folder of a path that does not exist, unless only the last part does not."""
    for folder in reversed(path.absolute().parents):
        if _exists(folder):
            continue
        parts = folder.parts
        disks = ("mnt", "media", "Volumes", "run")
        disk = "; is the disk mounted?" if parts[1:2] and parts[1] in disks else ""
        looked = "" if path.is_absolute() else f" (looked in {str(Path.cwd())!r})"
        return f": there is no folder {str(folder)!r}{disk}{looked}"
    return ""


def _meant(given: str, path: Path) -> Iterator[str]:
    """Yield paths that may be meant by one that does not exist."""
    bare = given.strip(_AROUND)
    yield bare
    yield os.path.expandvars(bare)
    yield unquote(bare)
    slashes = bare.replace("\\", "/")
    yield slashes
    if drive := _DRIVE.match(bare):  # as Windows' Subsystem for Linux mounts it
        yield f"/mnt/{drive[1].lower()}/{slashes[3:]}"
    if same := _with_siblings(path, str.casefold):
        yield str(same)
    if same := _with_siblings(Path(slashes), str.casefold):
        yield str(same)
    yield slashes.rpartition("/")[2] or bare  # in this folder


def _with_siblings(path: Path, form: Callable[[str], str]) -> Path | None:
    """Return the existing path whose parts are the same in some form; ``None`` if there is none, or several.

    Args:
        path: a path that does not exist.
        form: returns a name's form, in which names are compared.
    """
    out = Path(path.anchor)
    for part in path.parts[1 if path.anchor else 0 :]:
        if part == os.pardir or _exists(out / part):
            out /= part
            continue
        same = [name for name in _names(out) if form(name) == form(part)]
        if len(same) != 1:
            return None
        out /= same[0]
    return out if out != path else None


def _names(folder: Path) -> list[str]:
    """Return names of a folder's files, at most `_LISTED`; none if it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in itertools.islice(entries, _LISTED)]
    except (OSError, ValueError):
        return []


def _expanded(text: str) -> Path:
    return Path(os.path.expanduser(text))  # noqa: PTH111 - that of Path raises an error for an unknown user


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # forbidden, too long, or not a path
        return False


def _system() -> str:
    return "macOS" if sys.platform == "darwin" else "Linux"


def _shortened(source: Any) -> str:
    text = os.fsdecode(source)
    return repr(text if len(text) <= 200 else text[:200] + "…")
