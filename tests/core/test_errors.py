"""Error messages."""

from __future__ import annotations

import pickle

import pytest

import gradeclip_widget as gw
from gradeclip_widget.core.errors import describe_error, missing_extra, summarize_error


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ValueError("give 0 to 1"), "give 0 to 1"),
        (FileNotFoundError("no picture"), "no picture"),
        (gw.ModelLoadError("could not load it"), "could not load it"),
        (RuntimeError("out of memory"), "RuntimeError: out of memory"),
        (KeyError("x"), "KeyError: 'x'"),
        (ValueError(), "ValueError"),
        (ZeroDivisionError(" "), "ZeroDivisionError"),
    ],
)
def test_a_message_may_need_its_type(error: Exception, word: str) -> None:
    assert describe_error(error) == word


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError("no network.\nTraceback"), "OSError: no network"),
        (AssertionError(), "AssertionError"),
        (RuntimeError("\n  first\nsecond"), "RuntimeError: first"),
    ],
)
def test_a_summary_is_the_type_and_the_first_line(error: Exception, word: str) -> None:
    assert summarize_error(error) == word


def test_a_missing_extra_is_named_and_the_error_can_be_pickled() -> None:
    error = missing_extra("ray", "ray", "runs with engine='ray'")
    assert isinstance(error, ModuleNotFoundError)
    message = "runs with engine='ray' need ray: pip install 'gradeclip-widget[ray]'"
    assert describe_error(error) == message
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.name) == (message, "ray")
