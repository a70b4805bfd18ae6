"""Checks of the example control in Python, run in a copy of the project that has it."""

from __future__ import annotations

import gradeclip_widget as gw

from ..factories import make_explanation


def test_the_control_is_a_keyword_and_can_be_named() -> None:
    widget = gw.show(make_explanation(), grayscale=True, controls=["grayscale"])
    assert widget.grayscale


def test_its_trait_is_off_at_first() -> None:
    assert not gw.show(make_explanation()).grayscale
