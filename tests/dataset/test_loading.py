"""Processes that read pictures: odd items fail alone, and no process is left over."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gradeclip_widget as gw
from gradeclip_widget.clip.image_towers.class_token import ClassTokenTower
from gradeclip_widget.clip.preprocessing import ImageProcessor
from gradeclip_widget.dataset.engines.loading import load_pairs
from gradeclip_widget.dataset.pairs import FailedPair, Pair

from .conftest import make_pairs

OPTIONS: dict[str, Any] = {"progress": False, "workers": 2, "batch_size": 4, "rows_per_part": 5}


class Odd(bytes):
    """A picture with a fault of a kind: ``read``, ``exit``, ``die``, ``send`` or ``receive``."""

    def __reduce__(self) -> Any:
        if self == b"send":
            raise RuntimeError("not this one")
        return (fail if self == b"receive" else Odd), (bytes(self),)


def fail(_: bytes) -> Odd:
    raise RuntimeError("not here")


@pytest.fixture(autouse=True)
def decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that meets the faults; processes are forked with it."""
    prepare = ImageProcessor.prepare

    def failing(self: ImageProcessor, image: Any, *options: Any) -> Any:
        match image if isinstance(image, bytes) else None:
            case b"read":
                raise IndexError("no values")
            case b"exit":
                raise SystemExit(3)
            case b"die":
                os._exit(3)
        return prepare(self, image, *options)

    monkeypatch.setattr(ImageProcessor, "prepare", failing)


def test_odd_items_fail_alone(small: gw.ClipModel, tmp_path: Path) -> None:
    """They are the first ones, which a process receives together with others."""
    kinds = ["read", "send", "receive", "exit"]
    pairs = [*((Odd(kind.encode()), kind) for kind in kinds), *make_pairs(12)]
    run = gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    assert run.to_frame().position.tolist() == list(range(4, 16))
    errors = run.errors
    assert errors.caption.tolist() == kinds
    assert errors.error.tolist() == ["IndexError", "TypeError", "TypeError", "SystemExit"]
    assert (
        "of type Odd, cannot be sent to a process: RuntimeError: not this one" in errors.reason[1]
    )
    assert "cannot be sent to a process: RuntimeError: not here" in errors.reason[2]


def test_a_process_that_dies_ends_the_run_and_loses_nothing(
    small: gw.ClipModel, tmp_path: Path
) -> None:
    pairs = [*make_pairs(40), (Odd(b"die"), "a dog")]
    with pytest.raises(RuntimeError, match=r"has ended \(.*workers=0"):
        gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    pairs[-1] = make_pairs(1)[0]
    run = gw.explain_dataset(pairs, tmp_path, model=small, **OPTIONS)
    assert run.explained == 41


def of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def trace_batch(tower: Any, pixels: Any) -> Any:
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(ClassTokenTower, "trace_batch", trace_batch)


def of_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    def share_memory_(tensor: Any) -> Any:
        raise RuntimeError("unable to write to file </torch_1>: No space left on device (28)")

    monkeypatch.setattr("torch.Tensor.share_memory_", share_memory_)


def of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    error = KeyboardInterrupt("while an item is read")

    def item(items: Items, number: int) -> Any:
        if number == 5:
            raise error
        return items.pairs[number]

    monkeypatch.setattr(Items, "__getitem__", item)


class Items:
    """A dataset as PyTorch's."""

    def __init__(self, pairs: list[tuple[bytes, str]]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, number: int) -> Any:
        return self.pairs[number]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (of_the_model, "device-side assert"),
        (of_sending, r"has ended \(.*No space left.*shared memory"),
        (of_the_source, "while an item is read"),
    ],
)
def test_no_process_is_left_over_while_an_error_is_kept(
    small: gw.ClipModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[..., None],
    message: str,
) -> None:
    """A notebook keeps the last error, with its traceback."""
    fault(monkeypatch)
    with pytest.raises(BaseException, match=message) as kept:
        gw.explain_dataset(Items(make_pairs(40)), tmp_path, model=small, **OPTIONS)
    assert not multiprocessing.active_children()
    del kept


def test_errors_of_the_source_pass_unchanged() -> None:
    def pairs() -> Iterator[Pair]:
        yield Pair("0", 0, "a dog", b"", "0")
        raise ConnectionResetError("the bucket has gone")

    with pytest.raises(ConnectionResetError, match="bucket"):
        list(load_pairs(pairs(), lambda pair: FailedPair.of(pair, "source", ValueError()), 1))
