"""Progress of loading weights, in bytes where their number is known."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from huggingface_hub import hf_hub_download
from open_clip import pretrained

from ...core.progress import Progress
from .hub import switching
from .names import FOLDER, Source, checkpoints_in

LOADING = "loading weights"


def weights_size(source: Source) -> int | None:
    """Return the bytes of a checkpoint on this machine; ``None`` for weights to be downloaded."""
    if source.name.startswith(FOLDER):
        files = checkpoints_in(Path(source.name.removeprefix(FOLDER)))
        return sum(file.stat().st_size for file in files) or None
    return None if source.file is None else source.file.stat().st_size


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

    with switching:
        before = pretrained.hf_hub_download
        pretrained.hf_hub_download = functools.partial(before, tqdm_class=Bar)
        try:
            yield
        finally:
            pretrained.hf_hub_download = before
