"""`gradeclip_widget.metrics`, which moved."""

from __future__ import annotations

import pytest

from gradeclip_widget import metrics
from gradeclip_widget.evaluation import pointing


def test_the_old_module_warns_and_has_the_same_functions() -> None:
    with pytest.warns(DeprecationWarning, match=r"now called gradeclip_widget.evaluation.pointing"):
        assert metrics.pointing_hit is pointing.pointing_hit
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        metrics.other  # noqa: B018
