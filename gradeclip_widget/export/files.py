"""Write files completely or not at all. Every writer of the package uses `replacing`."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

Content = TypeVar("Content", bound=str | bytes)


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary file to write, which replaces the file at `path` when the block ends.

    The temporary file is in the same folder and has the same suffix. It is flushed to the disk and renamed,
    so a reader finds the old file or the new one, never a part. If the block raises an error, the temporary
    file is removed and the old file does not change. (A process that is killed may leave the temporary file;
    its name begins with ``.gradeclip-``.)

    A link stays a link, and an existing file keeps its permissions. A pipe or a device is written directly.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("a dog")
    >>> target.read_text()
    'a dog'

    Raises:
        OSError: the file cannot be written; of the subclass that fits (`PermissionError`, ...). The message
            names the path and the cause.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".gradeclip-{secrets.token_hex(8)}{target.suffix}")
    try:
        if target.exists() and not target.is_file() and not target.is_dir():
            yield target
            return
        if target.is_file():
            target.open("r+b").close()  # fails if it is read-only; renaming would not
        temporary.touch(exist_ok=False)
        try:
            yield temporary
            if target.is_file():
                shutil.copymode(target, temporary)
            with temporary.open("r+b") as file:
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.filename not in (None, str(temporary), str(target)):
            raise  # an error about another file
        folder = target.parent
        reason = _reason(error) if folder.is_dir() else f"there is no folder {str(folder)!r}"
        raise _with_message(error, f"cannot write {str(path)!r}: {reason}") from error


def write_content(content: Content, path: str | Path | None) -> Content:
    """Write text or bytes to a file, unless the path is ``None``, and return them.

    Raises:
        OSError: the file cannot be written; see `replacing`.
    """
    if path is not None:
        data = content.encode("utf-8") if isinstance(content, str) else content
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    return content


def make_folder(path: Path) -> None:
    """Create a folder and its parents, if they do not exist.

    Raises:
        OSError: the folder cannot be created; the message names it and the cause.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"cannot create the folder {str(path)!r}: {_reason(error)}"
        raise _with_message(error, message) from error


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _with_message(error: OSError, message: str) -> OSError:
    """Return an error of the same class and number with another message."""
    copy = type(error)(message)
    copy.errno = error.errno
    return copy
