"""Every family's model passes the check as it is; changed, it is explained as changed, or refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

import gradeclip_widget as gw

from .. import invariants as check
from .families import ALL, SOME, TEXT, wrapped

CAPTION = "a red car"


@pytest.fixture(scope="module", params=ALL)
def name(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture(scope="module")
def model(name: str) -> Any:
    return ALL[name]()


@pytest.fixture
def part(model: Any, name: str) -> nn.Module:
    """A linear or convolutional layer in the middle of the family's tower that a pass calls."""
    called: list[nn.Module] = []
    tower = model.text if name in TEXT else model.visual
    layers = [m for m in tower.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    with contextlib.ExitStack() as stack:
        for layer in layers:
            hook = layer.register_forward_hook(lambda module, args, out: called.append(module))
            stack.callback(hook.remove)
        own_score(model)
    return called[len(called) // 2]


def own_score(model: Any) -> float:
    clip = wrapped(model)
    pixels = check.picture(*clip.image_tower.image_size)
    with torch.no_grad():
        x = model.encode_image(pixels, normalize=True).flatten(0, -2)
        t = model.encode_text(clip.tokenizer.tokenizer([CAPTION]), normalize=True)
    return float((x @ t.T)[0, 0])


def score(clip: gw.ClipModel) -> float:
    pixels = check.picture(*clip.image_tower.image_size)
    return float(gw.Explainer(clip).scores(pixels, [CAPTION])[0])


@contextlib.contextmanager
def hooked(module: nn.Module, hook: Any) -> Iterator[None]:
    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def turned(module: nn.Module, args: Any, out: Any) -> Any:
    return out.roll(1, -1) if isinstance(out, Tensor) else (out[0].roll(1, -1), *out[1:])


class Turned(nn.Module):
    """A weight with its rows in another order."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight.roll(1, 0) * 1.1


some = pytest.mark.parametrize("name", SOME, indirect=True, scope="module")


@some
def test_hooks_are_followed_or_refused(model: Any, name: str, part: nn.Module) -> None:
    """Never is the score that of the model without them."""
    clip, seen = wrapped(model), list[Any]()
    before = score(clip)
    with hooked(part, lambda module, args, out: seen.append(out.shape)):  # only looks on
        assert score(clip) == pytest.approx(before, abs=1e-4)
    assert seen
    with (
        hooked(model.text if name in TEXT else model.visual, turned),
        pytest.raises(ValueError, match=r"forward hooks \((visual|text)\): remove those"),
    ):
        score(clip)
    with hooked(part, turned):
        assert abs(own_score(model) - before) > 1e-5
        try:
            assert score(clip) == pytest.approx(own_score(model), abs=1e-4)
        except ValueError as error:
            assert "hooks" in str(error)  # noqa: PT017
    assert score(clip) == pytest.approx(before, abs=1e-6)


@some
def test_a_parametrized_weight_is_the_one_that_is_explained(model: Any, part: nn.Module) -> None:
    clip = wrapped(model)
    before = score(clip)
    parametrize.register_parametrization(part, "weight", Turned())
    try:
        assert score(clip) == pytest.approx(own_score(model), abs=1e-4)
        assert abs(score(clip) - before) > 1e-5
    finally:
        parametrize.remove_parametrizations(part, "weight", leave_parametrized=False)


@pytest.mark.skipif(
    not hasattr(torch.compiler, "set_stance"),
    reason="before torch 2.6 the check cannot run a compiled model uncompiled: it compiles it instead, "
    "and with torch 2.4 compiling a small CoCa does not come to an end",
)
def test_it_passes_compiled(model: Any) -> None:
    before, visual = score(wrapped(model)), model.visual
    model.visual = torch.compile(visual, backend="eager")
    try:
        assert score(wrapped(model)) == pytest.approx(before, abs=1e-5)
    finally:
        model.visual = visual
    compiled = wrapped(torch.compile(model, backend="eager"))
    assert score(compiled) == pytest.approx(before, abs=1e-5)


def test_it_passes_in_every_dtype(model: Any) -> None:
    before = score(wrapped(model))
    for dtype in ("bfloat16", "float16"):
        assert score(wrapped(model, dtype=dtype)) == pytest.approx(before, abs=0.1)
    clip = wrapped(model)
    for weights in (torch.float16, torch.bfloat16):  # the last: no float32 digits are left after it
        model.to(weights)
        assert score(clip) == pytest.approx(before, abs=0.1)
