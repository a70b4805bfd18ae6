"""Files at addresses of object stores and web servers, through fsspec."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..core.errors import missing_extra, summarize_error

# The protocols that are read, and the package that fsspec needs for each. "memory" is fsspec's for tests.
PROTOCOLS = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "https": "aiohttp",
    "http": "aiohttp",
    "memory": "",
}
EXTRA = "remote"
_PROTOCOL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


def protocol_of(path: str) -> str | None:
    """Return the protocol of an address, in lower case; ``None`` for a path."""
    match = _PROTOCOL.match(path)
    return None if match is None else match[1].lower()


def is_address(path: str) -> bool:
    """Return whether a text is an address that can be read, not a path."""
    return protocol_of(path) in PROTOCOLS


def check(address: str) -> None:
    """Raise ``ValueError`` if an address of this protocol is not read."""
    if not is_address(address):
        raise ValueError(
            f"{address!r} is an address of {protocol_of(address)!r}: these are read: "
            f"{', '.join(PROTOCOLS)}; download it and give its path"
        )


def join(folder: str, name: str) -> str:
    """Return the path or address of a file in a folder on disk or at an address; ``name`` may be absolute."""
    if is_address(folder) and not is_address(name) and not name.startswith("/"):
        return f"{folder.rstrip('/')}/{name}"
    return os.path.join(folder, name)  # noqa: PTH118  # Path would change "s3://"


def read_file(path: str, limit: int | None = None) -> bytes:
    """Return the content of a file on disk or at an address.

    Args:
        path: of the file, or its address.
        limit: largest number of bytes of a file at an address.

    Raises:
        OSError: it cannot be read.
        ValueError: it is an address of a protocol that is not read, or the file is too large.
        ModuleNotFoundError: the package for the protocol is not installed.
    """
    if protocol_of(path) is None:
        return Path(path).read_bytes()
    system, name = _system(path)
    with _failing(path):
        content: bytes = system.cat_file(name, 0, None if limit is None else limit + 1)
    if limit is not None and len(content) > limit:
        raise ValueError(f"{path!r} is larger than {limit // 2**20} MB, the limit for a picture")
    return content


def local_path(path: str) -> str:
    """Return the path of a file on disk, or of a copy of a file at an address.

    Copies are removed at the end of the program, or when all take more than `MAX_COPIED_BYTES`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is an address of a protocol that is not read.
        ModuleNotFoundError: the package for the protocol is not installed.
    """
    if protocol_of(path) is None:
        return path
    with _lock:
        if path not in _copies:
            system, name = _system(path)
            handle, copy = tempfile.mkstemp(prefix="gradeclip-")
            os.close(handle)
            atexit.register(Path(copy).unlink, missing_ok=True)
            with _failing(path):
                system.get_file(name, copy)
            _copies[path] = copy
        _copies[path] = _copies.pop(path)  # the last one used
        while len(_copies) > 1 and sum(map(os.path.getsize, _copies.values())) > MAX_COPIED_BYTES:
            Path(_copies.pop(next(iter(_copies)))).unlink(missing_ok=True)
        return _copies[path]


MAX_COPIED_BYTES = 8 << 30
_copies: dict[str, str] = {}  # of files at addresses; the one that was not used for longest first
_lock = threading.Lock()


def list_files(folder: str) -> Iterator[str]:
    """Yield the paths of all files below an address, relative to it, without hidden ones.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: it is an address of a web server, which lists no files, or of an unknown protocol.
        ConnectionError, PermissionError, ModuleNotFoundError: it cannot be listed.
    """
    if protocol_of(folder) in ("http", "https"):
        raise ValueError(
            f"{folder!r}: a web server does not list its files; give the address of a table or of a .tar"
        )
    system, root = _system(folder)
    with _failing(folder):
        names = system.find(root)
    base = root.rstrip("/") + "/"
    relative = [name.removeprefix(base) for name in names if name.startswith(base)]
    if not relative:
        raise FileNotFoundError(f"there is no file below {folder!r}")
    return (name for name in relative if not any(part.startswith(".") for part in name.split("/")))


def expand(pattern: str) -> list[str]:
    """Return the addresses of the files that match a pattern with wildcards."""
    system, name = _system(pattern)
    with _failing(pattern):
        return [system.unstrip_protocol(one) for one in sorted(system.glob(name))]


def size(path: str) -> int:
    """Return the number of bytes of a file on disk or at an address; 0 if it does not exist."""
    try:
        if protocol_of(path) is None:
            return os.path.getsize(path)  # noqa: PTH202
        system, name = _system(path)
        with _failing(path):
            return int(system.info(name).get("size") or 0)
    except OSError:
        return 0


def fingerprint(address: str) -> str:
    """Return a text that changes with the file at an address: its size, time and checksum there."""
    system, name = _system(address)
    with _failing(address):
        information = system.info(name)
    known = {one: value for one, value in information.items() if one.lower() in _IDENTIFYING}
    return f"{address}{sorted((one, str(value)) for one, value in known.items())}"


_IDENTIFYING = {
    *("size", "etag", "md5hash", "content_md5", "content-md5", "generation", "mtime", "created"),
    *("lastmodified", "last-modified", "last_modified", "updated"),
}


def _system(address: str) -> tuple[Any, str]:
    """Return fsspec's file system of an address, and the path in it."""
    check(address)
    from fsspec.core import url_to_fs

    with _failing(address):
        system, name = url_to_fs(address)
    return system, name


@contextlib.contextmanager
def _failing(address: str) -> Iterator[None]:
    """Raise errors that name the address, in place of those of fsspec and the packages below it.

    They have errors of many kinds: of networks, of credentials, of servers.
    """
    package = PROTOCOLS.get(protocol_of(address) or "", "")
    try:
        yield
    except MemoryError:
        raise
    except ImportError as error:
        use = f"addresses such as {address!r}"
        raise missing_extra(package or str(error.name), EXTRA, use) from error
    except FileNotFoundError as error:
        raise FileNotFoundError(f"there is no file {address!r}") from error
    except PermissionError as error:
        raise PermissionError(f"{address!r} must not be read: check your credentials") from error
    except Exception as error:
        raise ConnectionError(
            f"{address!r} cannot be read ({summarize_error(error)}); check the address, the network and "
            "your credentials, or download it and give its path"
        ) from error
