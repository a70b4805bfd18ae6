"""Unchanged models of every kind pass the check; changed ones are explained as changed, or refused."""

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
from .families import ALL, KINDS, SOME, TEXT, wrapped

CAPTION = "a red car"


@pytest.fixture(scope="module", params=SOME)
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
        model_score(model)
    return called[len(called) // 2]


def model_score(model: Any) -> float:
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


def rolled(module: nn.Module, args: Any, out: Any) -> Any:
    return out.roll(1, -1) if isinstance(out, Tensor) else (out[0].roll(1, -1), *out[1:])


class Rolled(nn.Module):
    """A weight with its rows in another order, 10 % larger."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight.roll(1, 0) * 1.1


kinds = pytest.mark.parametrize("name", KINDS, indirect=True, scope="module")


@kinds
def test_hooks_change_the_score_or_are_refused(model: Any, name: str, part: nn.Module) -> None:
    clip, seen = wrapped(model), list[Any]()
    before = score(clip)
    with hooked(part, lambda module, args, out: seen.append(out.shape)):  # does not change anything
        assert score(clip) == pytest.approx(before, abs=1e-4)
    assert seen
    with (
        hooked(model.text if name in TEXT else model.visual, rolled),
        pytest.raises(ValueError, match=r"hooks \((visual|text)\)"),
    ):
        score(clip)
    with hooked(part, rolled):
        assert abs(model_score(model) - before) > 1e-5
        try:
            assert score(clip) == pytest.approx(model_score(model), abs=1e-4)
        except ValueError as error:
            assert "hooks" in str(error)  # noqa: PT017
    assert score(clip) == pytest.approx(before, abs=1e-6)


@kinds
def test_a_parametrized_weight_is_used(model: Any, part: nn.Module) -> None:
    clip = wrapped(model)
    before = score(clip)
    parametrize.register_parametrization(part, "weight", Rolled())
    try:
        assert score(clip) == pytest.approx(model_score(model), abs=1e-4)
        assert abs(score(clip) - before) > 1e-5
    finally:
        parametrize.remove_parametrizations(part, "weight", leave_parametrized=False)


@pytest.mark.skipif(
    not hasattr(torch.compiler, "set_stance"),
    reason="before torch 2.6 the check cannot run a compiled model uncompiled, and with torch 2.4 compiling "
    "a small CoCa does not finish",
)
def test_a_compiled_model_passes(model: Any) -> None:
    before, visual = score(wrapped(model)), model.visual
    model.visual = torch.compile(visual, backend="eager")
    try:
        assert score(wrapped(model)) == pytest.approx(before, abs=1e-5)
    finally:
        model.visual = visual
    compiled = wrapped(torch.compile(model, backend="eager"))
    assert score(compiled) == pytest.approx(before, abs=1e-5)


def test_a_model_passes_in_every_dtype(model: Any) -> None:
    before = score(wrapped(model))
    for dtype in ("bfloat16", "float16"):
        assert score(wrapped(model, dtype=dtype)) == pytest.approx(before, abs=0.1)
    clip = wrapped(model)
    for weights in (
        torch.float16,
        torch.bfloat16,
    ):  # bfloat16 last, since it drops digits of the weights
        model.to(weights)
        assert score(clip) == pytest.approx(before, abs=0.1)
