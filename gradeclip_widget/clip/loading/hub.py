"""The Hugging Face hub: whether it answers, and open_clip and the hub's client kept quiet meanwhile."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import open_clip
from huggingface_hub import constants
from huggingface_hub.utils import get_session  # type: ignore[attr-defined]
from open_clip import pretrained

# The hub's own variable for slow networks. Its default, 10 seconds, is long for "no network".
PATIENCE = "HF_HUB_ETAG_TIMEOUT"
_DEFAULT_PATIENCE = "3.5"

# Held by whoever replaces open_clip's reference to the hub's download function.
switching = threading.RLock()


def hub_answers() -> bool:
    """Return whether the hub answers at all, within a few seconds; ``False`` where it is switched off.

    Raises:
        ValueError: the environment's number of seconds is none.
    """
    if constants.HF_HUB_OFFLINE:
        return False
    patience = _patience()
    answered = threading.Event()

    def ask() -> None:
        # Whatever the answer: that there is one is enough. Whatever the error: there was none.
        with contextlib.suppress(Exception):
            get_session().head(constants.ENDPOINT, timeout=patience)
            answered.set()

    # In a thread, since the look-up of a host's name has no time limit of its own.
    asking = threading.Thread(target=ask, name="hub", daemon=True)
    asking.start()
    asking.join(patience + 0.5)
    return answered.is_set()


def _patience() -> float:
    """Return how many seconds to wait for an answer."""
    given = os.environ.get(PATIENCE, _DEFAULT_PATIENCE)
    try:
        return float(given)
    except ValueError as error:
        raise ValueError(f"{PATIENCE}={given!r} is no number of seconds; unset it") from error


@contextlib.contextmanager
def offline() -> Iterator[None]:
    """Let files come from the cache alone within the context, so that nothing waits for the network.

    The hub's client would try a dozen times, with pauses. open_clip has no switch for that, so its reference
    to the hub's download function is replaced for as long, by one thread at a time; tokenizers and
    configurations of text encoders are fetched by transformers, which heeds the client's own switch.
    """
    with switching:
        download, switch = pretrained.hf_hub_download, constants.HF_HUB_OFFLINE
        pretrained.hf_hub_download = functools.partial(download, local_files_only=True)
        constants.HF_HUB_OFFLINE = True
        try:
            yield
        finally:
            pretrained.hf_hub_download, constants.HF_HUB_OFFLINE = download, switch


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what open_clip and the hub's client log in this thread; errors say it in a sentence.

    open_clip logs by the root logger, and logging by it would install a handler that stays.
    """
    thread = threading.get_ident()
    root, client = logging.getLogger(), logging.getLogger("huggingface_hub.utils._http")
    folder = str(Path(open_clip.__file__).parent)

    def other(record: logging.LogRecord) -> bool:
        from_library = record.name == client.name or record.pathname.startswith(folder)
        return record.thread != thread or not from_library

    handler = None if root.handlers else logging.NullHandler()
    if handler is not None:
        root.addHandler(handler)
    for logger in (root, client):
        logger.addFilter(other)
    try:
        yield
    finally:
        for logger in (root, client):
            logger.removeFilter(other)
        if handler is not None:
            root.removeHandler(handler)
