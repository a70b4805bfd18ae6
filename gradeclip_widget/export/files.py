"""Files written whole or not at all. Every writer of the package goes through `replacing`."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

Content = TypeVar("Content", bound=str | bytes)

# What went wrong and what to do, by error number; `folder` is that of the file.
_DENIED = "you may not write to {folder!r}; choose another folder"
_NO_ROOM = "there is no room for it; free some space or choose another folder"
_CAUSES = {
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: "{folder!r} is on a read-only disk; choose another folder",
    errno.ENOENT: "there is no folder {folder!r}; make it first",
    errno.ENOTDIR: "{folder!r} is not a folder; give a path in one",
    errno.EISDIR: "it is a folder; add the name of a file",
    errno.ELOOP: "its links lead in a circle; give another path",
    errno.ENAMETOOLONG: "its name is too long; give a shorter one",
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EFBIG: _NO_ROOM,
    getattr(errno, "EDQUOT", errno.EFBIG): _NO_ROOM,  # Windows has no quotas by that name
}


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a path to write to, and put what was written in the place of `path`, whole.

    It is a file beside it, of the same suffix. When the context ends it is flushed to the disk and renamed:
    whoever looks finds the old file or the new one, also after a crash. Where an error ends the context it is
    removed, and the old file stays as it was. (Only a process that is killed outright leaves it behind, under
    a name that begins with ``.gradeclip-``.)

    A link is followed and stays one. An existing file keeps its permissions, and one that is read-only is
    refused. Pipes and devices, which cannot be replaced, are written directly.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as beside:
    ...     _ = beside.write_text("a dog")
    >>> target.read_text()
    'a dog'

    Raises:
        OSError: it cannot be written; of the subclass that fits (`PermissionError`, ...), with a sentence
            that names the path.
    """
    target = Path(os.path.realpath(path))
    with _in_a_sentence(path, target):
        old = _stat(target)
        if old is not None and not stat.S_ISREG(old.st_mode):
            if stat.S_ISDIR(old.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
            yield target
            return
        if old is not None:
            _check_writable(target, path)
        beside = target.with_name(f".gradeclip-{secrets.token_hex(8)}{target.suffix}")
        # Made as any program makes a file, so that a new one gets the permissions that are usual there.
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield beside
            if old is not None:
                _copy_permissions(old, beside)
            _flush(beside)
            beside.replace(target)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        with contextlib.suppress(OSError):  # not every system flushes folders
            _flush(target.parent)


def written(content: Content, path: str | Path | None) -> Content:
    """Return the content, and write it to a file first where there is a path.

    Raises:
        OSError: it cannot be written; see `replacing`.
    """
    if path is not None:
        data = content.encode("utf-8") if isinstance(content, str) else content
        with replacing(path) as beside:
            beside.write_bytes(data)
    return content


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        OSError: it cannot be made; the message is a sentence that names it.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _of_kind(
            error, f"cannot make the folder {str(path)!r}: {reason}; choose another"
        ) from error


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _check_writable(target: Path, path: str | Path) -> None:
    """Refuse a file that is read-only; to rename another over it would need no permission of its own."""
    try:
        target.open("r+b").close()
    except PermissionError as error:
        raise _of_kind(
            error,
            f"cannot write {str(path)!r}: the file there is read-only; allow writing to it or give "
            "another name",
        ) from error


def _copy_permissions(old: os.stat_result, beside: Path) -> None:
    made = beside.stat()
    if hasattr(os, "chown") and (made.st_uid, made.st_gid) != (old.st_uid, old.st_gid):
        with contextlib.suppress(PermissionError):  # only the superuser gives files away
            os.chown(beside, old.st_uid, old.st_gid)
    beside.chmod(stat.S_IMODE(old.st_mode))


def _flush(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    # Windows flushes only what is open for writing; a folder can be opened for reading only.
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _in_a_sentence(path: str | Path, target: Path) -> Iterator[None]:
    """Raise the system's errors about a file again as sentences; others pass."""
    try:
        yield
    except OSError as error:
        folder = str(target.parent)
        about = error.filename
        elsewhere = about is not None and os.path.dirname(os.fspath(about)) != folder  # noqa: PTH120
        if error.strerror is None or elsewhere:
            raise
        cause = _CAUSES.get(error.errno or 0, "")
        reason = cause.format(folder=folder) or error.strerror
        raise _of_kind(error, f"cannot write {str(path)!r}: {reason}") from error


def _of_kind(error: OSError, message: str) -> OSError:
    """Return an error of the same class and number with another message."""
    made = type(error)(message)
    made.errno = error.errno
    return made
