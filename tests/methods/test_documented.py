"""What the docs say of methods and measures is what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradeclip_widget.evaluation import ALL
from gradeclip_widget.methods import method_names, method_options
from gradeclip_widget.methods.registry import find_method

PAGE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", method_names())
def test_the_page_has_each_method_as_it_describes_itself(name: str) -> None:
    method = find_method(name)
    options = ", ".join(f"`{option}`" for option in method_options(name))
    row = f"| `{name}` | {method.label} | {method.purpose} | {method.limits} | {options} |"
    assert row in PAGE, f"docs/methods.md should have: {row}"


@pytest.mark.parametrize("measure", [measure.name for measure in ALL])
def test_the_page_has_each_measure(measure: str) -> None:
    assert f"`{measure}`" in PAGE
