"""Captions as users give them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor


def caption_list(captions: Any) -> tuple[list[str | Tensor], bool]:
    """Return captions as a list, and whether a single one was given.

    Args:
        captions: a text, a list (or other iterable with an order) of texts, or token ids (1, context length).

    Raises:
        TypeError: they are of another kind, as what a processor makes of captions.
        ValueError: there are none.
    """
    if isinstance(captions, str | Tensor):
        return [captions], True
    if isinstance(captions, Mapping):
        if "input_ids" in captions:
            raise TypeError(
                f"captions are texts, not the {type(captions).__name__} that a processor makes of them: give "
                "the texts themselves, or a caption's token ids, ['input_ids'], as a tensor"
            )
        raise TypeError(
            f"captions are a text or a list of texts, not a {type(captions).__name__}: give its keys or "
            "values as a list"
        )
    if isinstance(captions, bytes | bytearray):
        raise TypeError("captions are texts, not bytes: give captions.decode('utf-8')")
    if isinstance(captions, set | frozenset):
        raise TypeError("captions in a set have no order; give a list")
    if not isinstance(captions, Iterable):
        raise TypeError(
            f"captions are a text or a list of texts, not {type(captions).__name__}: {captions!r:.80}"
        )
    found = [str(c) if isinstance(c, str) else c for c in captions]  # NumPy's strings as Python's
    if not found:
        raise ValueError("the list of captions is empty; give at least one")
    if not isinstance(found[0], str | Tensor) and all(hasattr(c, "__index__") for c in found):
        raise TypeError(
            f"a caption is a string, not {type(found[0]).__name__}: {found[0]!r:.80}. Token ids go in as a "
            "tensor (1, context length), as the model's tokenizer makes them"
        )
    return found, False


def caption_texts(captions: Any) -> tuple[str, ...]:
    """Return captions that are to be edited and shown as texts; token ids are refused.

    Raises:
        TypeError, ValueError: as `caption_list` does.
    """
    found, _ = caption_list(captions)
    texts = tuple(c for c in found if isinstance(c, str))
    if len(texts) < len(found):
        wrong = next(c for c in found if not isinstance(c, str))
        raise TypeError(f"a prompt is a string, not {type(wrong).__name__}: {wrong!r:.80}")
    return texts
