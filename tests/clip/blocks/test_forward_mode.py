"""Tangents that pass a step as rows below the tokens, against torch's own forward mode."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradeclip_widget.clip.blocks import forward_mode as go
from gradeclip_widget.clip.blocks.forward_mode import DualLayout

from .. import invariants as check

LAYOUT = DualLayout(primal=3, pooled=1)

Step = Callable[[Tensor, DualLayout | None], Tensor]


def through(step: Callable[..., Tensor], module: Any) -> Step:
    return lambda x, layout: step(module, x, layout)


STEPS: dict[str, Step] = {
    "linear": through(go.linear, check.enliven(nn.Linear(8, 5))),
    "linear-without-bias": through(go.linear, nn.Linear(8, 5, bias=False)),
    "layer-norm": through(go.norm, check.enliven(nn.LayerNorm(8))),
    "layer-norm-without-gain": through(go.norm, nn.LayerNorm(8, elementwise_affine=False)),
    "rms-norm": through(go.norm, check.enliven(nn.RMSNorm(8))),
    "no-norm": through(go.norm, nn.Identity()),
    "norm-per-head": lambda x, layout: go.norm(HEAD_NORM, x.unflatten(-1, (2, 4)), layout).flatten(
        1
    ),
    "activation": through(go.activate, nn.GELU()),
    "gate": lambda x, layout: go.multiply(x, go.activate(torch.tanh, x, layout), layout),
    "anything": through(go.row_wise, lambda x: x.softmax(-1) * x.norm(dim=-1, keepdim=True)),
}
HEAD_NORM = check.enliven(nn.LayerNorm(4))


@pytest.mark.parametrize("name", STEPS)
@torch.no_grad()
def test_tangents_leave_as_forward_mode_says(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    rows, moves = (torch.randn(n, 8, generator=generator) for n in (3, 2))
    out = STEPS[name](torch.cat([rows, moves]), LAYOUT)
    check.close(out[:3], STEPS[name](rows, None))
    for move, moved in zip(moves, out[3:], strict=True):
        expected = torch.func.jvp(lambda x: STEPS[name](x[None], None)[0], (rows[1],), (move,))
        check.close(moved, expected[1])


@pytest.mark.parametrize("second", ["embedding_jvp", "jvp"])
def test_two_threads_can_differentiate_at_the_same_time(second: str) -> None:
    x, tangents = torch.tensor([1.0, 2.0]), torch.eye(2)
    entered, done = threading.Event(), threading.Event()

    def slow(rows: Tensor) -> Tensor:
        entered.set()
        done.wait(0.3)  # the other thread begins meanwhile
        return rows.square()

    def other() -> Tensor:
        assert entered.wait(30)
        try:
            if second == "jvp":
                return go.jvp(torch.square, (x,), (tangents,))
            return go.embedding_jvp(x, tangents, torch.square)
        finally:
            done.set()

    with ThreadPoolExecutor() as threads:
        results = [threads.submit(go.embedding_jvp, x, tangents, slow), threads.submit(other)]
        for result in results:
            assert torch.equal(result.result(), torch.diag(2 * x))
