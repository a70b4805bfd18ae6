"""The Hugging Face hub: whether it answers, downloads and their progress, and quiet libraries."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import open_clip
from huggingface_hub import constants, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

from ...core.progress import Progress

LOADING = "loading weights"  # the stage that downloads report

# The hub's own variable for slow networks. Its default, 10 seconds, is long if there is no network.
PATIENCE = "HF_HUB_ETAG_TIMEOUT"
_DEFAULT_PATIENCE = "3.5"

_switching = threading.RLock()  # one thread at a time switches the hub's client off


def hub_answers() -> bool:
    """Return whether the hub answers within a few seconds; ``False`` if it is switched off.

    Raises:
        ValueError: the number of seconds in the environment is not a number.
    """
    if constants.HF_HUB_OFFLINE:
        return False
    patience = _patience()
    answered = threading.Event()

    def ask() -> None:
        # Any response, even an error status, means that the hub is reachable; any exception, that it is not.
        with contextlib.suppress(Exception):
            get_session().head(constants.ENDPOINT, timeout=patience)
            answered.set()

    # In a thread, since looking up a host's name has no time limit.
    thread = threading.Thread(target=ask, name="hub", daemon=True)
    thread.start()
    thread.join(patience + 0.5)
    return answered.is_set()


def _patience() -> float:
    """Return how many seconds to wait for an answer."""
    seconds = os.environ.get(PATIENCE, _DEFAULT_PATIENCE)
    try:
        return float(seconds)
    except ValueError as error:
        raise ValueError(f"{PATIENCE}={seconds!r} is not a number of seconds; unset it") from error


def download(
    repository: str,
    names: Sequence[str],
    cache_dir: str | os.PathLike[str] | None = None,
    *,
    offline: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Return the path of a repository's file, in the cache or downloaded to it.

    Args:
        repository: owner and name.
        names: names of the file, the preferred one first; the first that the repository has is taken.
        cache_dir: folder of the cache; the hub's own folder when ``None``.
        offline: look in the cache only.
        progress: called in bytes. Versions of `huggingface_hub` before 1.1 report nothing.

    Raises:
        EntryNotFoundError: the repository has none of the files, or the cache if ``offline``.
        Exception: others that ``hf_hub_download`` raises.
    """
    options: dict[str, Any] = {"cache_dir": cache_dir, "local_files_only": offline}
    if progress is not None and "tqdm_class" in inspect.signature(hf_hub_download).parameters:
        options["tqdm_class"] = _bar_of(progress)
    *preferred, last = names
    for name in preferred:
        with contextlib.suppress(EntryNotFoundError):
            return Path(hf_hub_download(repository, name, **options))
    return Path(hf_hub_download(repository, last, **options))


def _bar_of(progress: Progress) -> type:
    """Return a class with the part of tqdm's interface that the hub uses, which reports bytes."""

    class Bar:
        def __init__(self, *args: Any, **options: Any) -> None:
            self.n, self.total = options.get("initial") or 0, options.get("total")
            self.update(0)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            progress(LOADING, int(self.n), self.total)

    return Bar


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Switch the hub's client off within the context: it would try a dozen times, with pauses.

    transformers, which fetches tokenizers and configurations of text encoders for open_clip, reads the same
    switch.
    """
    with _switching:
        switch, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, True
        try:
            yield
        finally:
            constants.HF_HUB_OFFLINE = switch


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what open_clip and the hub's client log in this thread; errors contain the same.

    open_clip logs by the root logger, which would install a handler that stays.
    """
    thread = threading.get_ident()
    root, client = logging.getLogger(), logging.getLogger("huggingface_hub.utils._http")
    folder = str(Path(open_clip.__file__).parent)

    def passes(record: logging.LogRecord) -> bool:
        from_library = record.name == client.name or record.pathname.startswith(folder)
        return record.thread != thread or not from_library

    handler = None if root.handlers else logging.NullHandler()
    if handler is not None:
        root.addHandler(handler)
    for logger in (root, client):
        logger.addFilter(passes)
    try:
        yield
    finally:
        for logger in (root, client):
            logger.removeFilter(passes)
        if handler is not None:
            root.removeHandler(handler)
