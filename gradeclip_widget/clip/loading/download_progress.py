"""Progress of loading weights, in bytes where their number is known."""

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

from ...core.progress import Progress

LOADING = "loading weights"

_patching = threading.Lock()


def weights_size(name: str, weights: str | None) -> int | None:
    """Return the bytes of a checkpoint given by its path; ``None`` for weights to be downloaded."""
    if name.startswith("local-dir:"):
        files = Path(name.removeprefix("local-dir:")).glob("*.safetensors")
        return sum(file.stat().st_size for file in files) or None
    if weights is None or open_clip.get_pretrained_cfg(name, weights):
        return None
    file = Path(weights)
    return file.stat().st_size if file.is_file() else None


@contextlib.contextmanager
def report_downloads(progress: Progress | None) -> Iterator[None]:
    """Report the downloads that open_clip starts within the context.

    open_clip has no hook for that, so its reference to the hub's download function is replaced for as long,
    by one thread at a time. Downloads of older versions of huggingface_hub are not reported.
    """
    if progress is None or "tqdm_class" not in inspect.signature(hf_hub_download).parameters:
        yield
        return
    report = progress

    class Bar:
        """The part of tqdm's interface that the hub uses; it reports bytes instead of drawing a bar."""

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
            """Do nothing: there is nothing to close."""

    with _patching:
        before = pretrained.hf_hub_download
        pretrained.hf_hub_download = functools.partial(before, tqdm_class=Bar)
        try:
            yield
        finally:
            pretrained.hf_hub_download = before
