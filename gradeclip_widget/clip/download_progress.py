"""How far the loading of weights is, in bytes where that can be known."""

from __future__ import annotations

import contextlib
import functools
import inspect
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import open_clip
from huggingface_hub import hf_hub_download
from open_clip import pretrained

from ..core.progress import Progress

LOADING = "loading weights"

_following = threading.Lock()


def weights_size(name: str, weights: str | None) -> int | None:
    """Bytes of a checkpoint that lies on this machine under the path given, else ``None``."""
    if name.startswith("local-dir:"):
        files = Path(name.removeprefix("local-dir:")).glob("*.safetensors")
        return sum(file.stat().st_size for file in files) or None
    if weights is None or open_clip.get_pretrained_cfg(name, weights):
        return None
    file = Path(weights)
    return file.stat().st_size if file.is_file() else None


@contextlib.contextmanager
def followed(progress: Progress | None) -> Iterator[None]:
    """Report the hub's downloads that open_clip starts.

    open_clip offers no way to follow them: its name for the hub's function is bound to one that does for the
    time being, by one thread at a time. An older huggingface_hub downloads unseen.
    """
    if progress is None or "tqdm_class" not in inspect.signature(hf_hub_download).parameters:
        yield
        return
    report = progress

    class Bar:
        """As much of tqdm as the hub uses; it tells of the bytes instead of drawing them."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.n, self.total = kwargs.get("initial") or 0, kwargs.get("total")
            self.update(0)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *error: object) -> None:
            self.close()

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            report(LOADING, int(self.n), self.total)

        def close(self) -> None:
            """Nothing is open."""

    with _following:
        before = pretrained.hf_hub_download
        pretrained.hf_hub_download = functools.partial(before, tqdm_class=Bar)
        try:
            yield
        finally:
            pretrained.hf_hub_download = before
