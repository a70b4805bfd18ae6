"""Splitting a caption into words, and assigning its tokens to them."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradeclip_widget.core.words import assign_tokens, split_words


def split(caption: str) -> list[str]:
    return [caption[a:b] for a, b in split_words(caption)]


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("a dog in a car", ["a", "dog", "in", "a", "car"]),
        ("A dog, (a car) -- and: more!", ["A", "dog", "a", "car", "and", "more"]),
        (
            "a well-fed dog isn’t a dog's dog",
            ["a", "well-fed", "dog", "isn’t", "a", "dog's", "dog"],
        ),
        ("'quoted' -dashed- dogs'", ["quoted", "dashed", "dogs"]),
        ("3.5 metres, 1,000 dogs. 7up", ["3.5", "metres", "1,000", "dogs", "7up"]),
        ("snake_case and/or a@b.c", ["snake", "case", "and", "or", "a", "b", "c"]),
        ("café cafe\u0301 naïve", ["café", "cafe\u0301", "naïve"]),
    ],
)
def test_words_contain_hyphens_and_apostrophes_but_no_other_punctuation(
    caption: str, words: list[str]
) -> None:
    assert split(caption) == words


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("كلب في السيارة", ["كلب", "في", "السيارة"]),
        ("собака и кот", ["собака", "и", "кот"]),
        ("कुत्ता और बिल्ली", ["कुत्ता", "और", "बिल्ली"]),
        ("한국어 개", ["한국어", "개"]),
        ("一只狗。", ["一", "只", "狗"]),
        ("赤い車とラーメン", ["赤", "い", "車", "と", "ラーメン"]),
        ("らーめん", ["らーめん"]),
        ("か\u3099く", ["か\u3099く"]),
        ("葛\U000e0100城", ["葛\U000e0100", "城"]),
    ],
)
def test_words_are_found_in_any_script(caption: str, words: list[str]) -> None:
    assert split(caption) == words


@pytest.mark.parametrize(
    "emoji",
    [
        "🐶",
        "👍🏽",
        "👨‍👩‍👧",
        "❤️",
        "🇫🇷",
        "1️⃣",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_an_emoji_is_one_word_with_all_its_parts(emoji: str) -> None:
    assert split(f"a {emoji} dog") == ["a", emoji, "dog"]


@pytest.mark.parametrize("caption", ["", "  \n", "?!…", "--- ''", "<>&;"])
def test_punctuation_and_spaces_are_not_words(caption: str) -> None:
    assert split(caption) == []


@given(st.text(max_size=60))
def test_words_are_in_order_and_contain_no_space(caption: str) -> None:
    end = 0
    for a, b in split_words(caption):
        assert end <= a < b <= len(caption)
        assert not any(c.isspace() for c in caption[a:b])
        end = b


@given(st.text(max_size=60))
def test_every_letter_and_digit_is_in_a_word(caption: str) -> None:
    inside = {k for a, b in split_words(caption) for k in range(a, b)}
    outside = [c for k, c in enumerate(caption) if k not in inside]
    # Digits of unassigned or brand-new blocks may be unknown to either table.
    assert not [c for c in outside if unicodedata.category(c) in {"Lu", "Ll", "Lo", "Nd"}]


def test_a_token_goes_to_the_word_that_it_overlaps_most() -> None:
    words = assign_tokens("ab cd", [(0, 1), (1, 5)], read=2)
    assert [w.tokens for w in words] == [(0,), (1,)]


def test_a_token_of_punctuation_goes_to_no_word() -> None:
    words = assign_tokens("ab, cd", [(0, 2), (2, 3), (4, 6)], read=3)
    assert [w.tokens for w in words] == [(0,), (2,)]


def test_a_word_past_the_context_length_is_marked_as_truncated() -> None:
    words = assign_tokens("ab cd ef", [(0, 2), (3, 4), (4, 5), (6, 8)], read=2)
    assert [w.text for w in words] == ["ab", "cd", "ef"]
    assert [w.tokens for w in words] == [(0,), (1,), ()]
    assert [w.truncated for w in words] == [False, True, True]


def test_a_word_is_known_if_all_its_tokens_are() -> None:
    spans = [(0, 1), (1, 2), (3, 5)]
    words = assign_tokens("ab cd", spans, read=3, known=[True, False, True])
    assert [w.known for w in words] == [False, True]


@given(
    st.lists(st.integers(0, 12), min_size=2, max_size=14, unique=True).map(sorted),
    st.integers(0, 14),
)
def test_every_token_read_is_in_at_most_one_word(edges: list[int], read: int) -> None:
    spans = list(itertools.pairwise(edges))
    words = assign_tokens("ab, c-d e! f", spans, min(read, len(spans)))
    taken = [k for w in words for k in w.tokens]
    assert len(taken) == len(set(taken))
    assert taken == sorted(taken)
    assert all(k < read for k in taken)
