"""Captions: which types of input are accepted, and the errors for others."""

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
def test_any_ordered_collection_of_texts_is_a_list_of_captions(captions: Any) -> None:
    items, single = caption_list(captions)
    assert (items, single) == (["a dog", "a cat"], False)
    assert {type(caption) for caption in items} == {str}


def test_a_text_and_a_row_of_ids_are_single_captions() -> None:
    assert caption_list("a dog") == (["a dog"], True)
    (ids,), single = caption_list(IDS)
    assert ids is IDS
    assert single


@pytest.mark.parametrize(
    ("captions", "error", "message"),
    [
        (UserDict(input_ids=IDS), TypeError, "not the UserDict"),
        ({"input_ids": IDS}, TypeError, "input_ids"),
        ({"first": "a dog"}, TypeError, "not a dict"),
        (b"a dog", TypeError, "captions.decode"),
        ({"a dog", "a cat"}, TypeError, "no order"),
        (None, TypeError, "not NoneType"),
        (5, TypeError, "not int: 5"),
        ([49406, 320, 49407], TypeError, "49406.*token ids"),
        (np.array([49406, 320]), TypeError, "token ids"),
        ([], ValueError, "empty"),
        (np.array([], str), ValueError, "empty"),
    ],
)  # fmt: skip
def test_other_inputs_are_refused_and_the_error_names_a_valid_one(
    captions: Any, error: type[Exception], message: str
) -> None:
    for read in (caption_list, caption_texts):
        with pytest.raises(error, match=message):
            read(captions)


def test_prompts_must_be_texts() -> None:
    assert caption_texts("a dog") == ("a dog",)
    for captions in (IDS, ["a dog", IDS], ["a dog", None]):
        with pytest.raises(TypeError, match="prompt is a string"):
            caption_texts(captions)
