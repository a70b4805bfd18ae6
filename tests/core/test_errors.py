"""Errors as sentences."""

from __future__ import annotations

import pickle

import pytest

import gradeclip_widget as gw
from gradeclip_widget.core.errors import describe_error, missing_extra, summarize_error


@pytest.mark.parametrize(
    ("error", "said"),
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
def test_a_message_stands_alone_where_it_was_written_for_readers(
    error: Exception, said: str
) -> None:
    assert describe_error(error) == said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("no network.\nTraceback"), "OSError: no network"),
        (AssertionError(), "AssertionError"),
        (RuntimeError("\n  first\nsecond"), "RuntimeError: first"),
    ],
)
def test_a_summary_is_the_type_and_the_first_line(error: Exception, said: str) -> None:
    assert summarize_error(error) == said


def test_a_missing_extra_is_a_sentence_that_names_it_and_travels_between_processes() -> None:
    error = missing_extra("ray", "ray", "runs with engine='ray'")
    assert isinstance(error, ModuleNotFoundError)
    said = "runs with engine='ray' need ray: pip install 'gradeclip-widget[ray]'"
    assert describe_error(error) == said, "with no type before it"
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.name) == (said, "ray")
