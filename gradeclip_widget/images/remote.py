"""Files at addresses of object stores and web servers, through fsspec."""

from __future__ import annotations

import contextlib
import hashlib
import re
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


def read_file(path: str) -> bytes:
    """Return the content of a file on disk or at an address.

    Raises:
        OSError: it cannot be read.
        ValueError: it is an address of a protocol that is not read, or the server refuses it.
        ModuleNotFoundError: the package for the protocol is not installed.
    """
    if protocol_of(path) is None:
        return Path(path).read_bytes()
    system, name = open_system(path)
    with _failing(path):
        content: bytes = system.cat_file(name)
    return content


def open_system(address: str) -> tuple[Any, str]:
    """Return fsspec's file system of an address, and the path in it.

    Raises:
        ValueError: an address of this protocol is not read.
        ModuleNotFoundError: the package for the protocol is not installed.
    """
    protocol = protocol_of(address)
    if protocol not in PROTOCOLS:
        raise ValueError(
            f"{address!r} is an address of {protocol!r}: these are read: {', '.join(PROTOCOLS)}; download "
            "it and give its path"
        )
    from fsspec.core import url_to_fs

    with _failing(address):
        system, name = url_to_fs(address)
    return system, name


def list_files(folder: str) -> Iterator[str]:
    """Yield the paths of all files below an address, relative to it, without hidden ones."""
    system, root = open_system(folder)
    with _failing(folder):
        names = system.find(root)
    base = root.rstrip("/") + "/"
    for name in names:
        relative = name.removeprefix(base)
        if name.startswith(base) and not any(p.startswith(".") for p in relative.split("/")):
            yield relative


def fingerprint(address: str) -> str:
    """Return a text that changes with the file at an address: from its size, time and checksum there."""
    system, name = open_system(address)
    with _failing(address):
        information = system.info(name)
    names = (
        "size",
        "ETag",
        "etag",
        "md5Hash",
        "content_md5",
        "mtime",
        "created",
        "LastModified",
        "updated",
    )
    values = [f"{one}={information[one]}" for one in names if one in information]
    return hashlib.blake2b("\0".join(values).encode(), digest_size=12).hexdigest()


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
