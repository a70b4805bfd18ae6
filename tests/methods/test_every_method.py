"""Every method: the same maps twice, and a model that is not changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from gradeclip_widget.methods import method_names

from ..clip import invariants as check
from . import families

# Few steps for slow methods.
QUICK: dict[str, dict[str, Any]] = {
    "exclip": {"steps": 2},
    "m2ib": {"steps": 2, "samples": 2},
    "rise": {"masks": 8},
}


@pytest.mark.parametrize("name", method_names())
def test_maps_are_the_same_twice_and_the_model_is_not_changed(name: str) -> None:
    clip = check.wrap(families.model("open_clip"))
    before = {key: value.clone() for key, value in clip.model.state_dict().items()}
    first, second = (families.explain(clip, name, **QUICK.get(name, {})) for _ in range(2))
    assert np.ptp(first.signed_map) > 0
    np.testing.assert_array_equal(first.signed_map, second.signed_map)
    np.testing.assert_array_equal(first.interactions, second.interactions)
    assert all(torch.equal(before[key], value) for key, value in clip.model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in clip.model.parameters())
    assert not any(any(check.hooks(module)) for module in clip.model.modules())
