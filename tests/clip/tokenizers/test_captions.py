"""Captions as users give them."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from gradeclip_widget.clip.tokenizers.base import caption_list, caption_texts

IDS = torch.tensor([[49406, 320, 1929, 49407]])


@pytest.mark.parametrize(
    "captions",
    [
        ["a dog", "a cat"],
        ("a dog", "a cat"),
        np.array(["a dog", "a cat"]),
        pd.Series(["a dog", "a cat"]),
        (caption for caption in ("a dog", "a cat")),
        {"a dog": 1, "a cat": 2}.keys(),
    ],
    ids=["list", "tuple", "array", "series", "generator", "keys"],
)
def test_texts_in_an_order_are_captions(captions: Any) -> None:
    found, single = caption_list(captions)
    assert (found, single) == (["a dog", "a cat"], False)
    assert {type(caption) for caption in found} == {str}


def test_one_text_and_one_rows_ids_are_single_captions() -> None:
    assert caption_list("a dog") == (["a dog"], True)
    (ids,), single = caption_list(IDS)
    assert ids is IDS
    assert single


@pytest.mark.parametrize(
    ("captions", "error", "said"),
    [
        (UserDict(input_ids=IDS), TypeError, "not the UserDict that a processor makes of them: give"),
        ({"input_ids": IDS}, TypeError, r"the texts themselves, or .* \['input_ids'\], as a tensor"),
        ({"first": "a dog"}, TypeError, "not a dict: give its keys or values as a list"),
        (b"a dog", TypeError, "give captions.decode"),
        ({"a dog", "a cat"}, TypeError, "have no order; give a list"),
        (None, TypeError, "not NoneType"),
        (5, TypeError, "not int: 5"),
        ([49406, 320, 49407], TypeError, "not int: 49406. Token ids go in as a tensor"),
        (np.array([49406, 320]), TypeError, "Token ids go in as a tensor"),
        ([], ValueError, "the list of captions is empty"),
        (np.array([], str), ValueError, "the list of captions is empty"),
    ],
)  # fmt: skip
def test_what_is_no_caption_is_refused_with_what_to_give(
    captions: Any, error: type[Exception], said: str
) -> None:
    for read in (caption_list, caption_texts):
        with pytest.raises(error, match=said):
            read(captions)


def test_captions_to_be_edited_are_texts() -> None:
    assert caption_texts("a dog") == ("a dog",)
    for captions in (IDS, ["a dog", IDS], ["a dog", None]):
        with pytest.raises(TypeError, match="a prompt is a string, not"):
            caption_texts(captions)
