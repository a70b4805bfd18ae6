"""open_clip's own tokenizer: its tokens, and the characters that each came from."""

from __future__ import annotations

import difflib

import open_clip
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradeclip_widget.clip.tokenizers import alignment
from gradeclip_widget.clip.tokenizers.base import MAX_CHARACTERS, Tokens
from gradeclip_widget.clip.tokenizers.open_clip_bpe import OpenClipTokenizer
from gradeclip_widget.clip.tokenizers.registry import tokenizer_kind

RAW = open_clip.SimpleTokenizer()
TOKENIZER = OpenClipTokenizer(RAW, 77)


def by_word(caption: str) -> dict[str, list[str]]:
    """Each word's tokens as text."""
    tokens = TOKENIZER(caption)
    return {w.text: [tokens.pieces[k] for k in w.tokens] for w in tokens.words}


def cleaned_by_word(caption: str) -> dict[str, str]:
    """The text of each word's tokens."""
    tokens = TOKENIZER(caption)
    return {w.text: RAW.decode([tokens.ids[k] for k in w.tokens]).strip() for w in tokens.words}


# Text that people write, with unusual characters that cleaning rewrites.
_ODD = "dog well-fed isn't 'S &amp; &eacute; <b> cafe\u0301 İzmir ΟΔΟΣ ß ﬁne １２ 🐶 👩‍🚀 كلب 狗 Ã© â€™ !?"
captions = st.lists(
    st.sampled_from([*_ODD.split(), "  ", "\t\n", "\u200b"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    max_size=12,
).map(" ".join)


def tokens_or_none(caption: str) -> Tokens | None:
    try:
        return TOKENIZER(caption)
    except ValueError:
        return None


@settings(max_examples=200, deadline=None)
@given(captions)
def test_tokens_are_those_of_the_tokenizer(caption: str) -> None:
    tokens = tokens_or_none(caption)
    if tokens is not None:
        assert list(tokens.ids) == RAW.encode(caption)
        framed = TOKENIZER.add_special_tokens(tokens.ids)
        assert framed + [0] * (77 - len(framed)) == RAW(caption)[0].tolist()


@settings(max_examples=200, deadline=None)
@given(captions)
def test_tokens_lie_in_the_caption_in_order(caption: str) -> None:
    tokens = tokens_or_none(caption)
    if tokens is not None:
        assert len(tokens.pieces) <= 75
        assert all(piece in caption for piece in tokens.pieces)
        taken = [k for w in tokens.words for k in w.tokens]
        assert taken == sorted(set(taken))
        assert all(caption[w.start : w.end] == w.text for w in tokens.words)


def test_sub_word_tokens_belong_to_their_word() -> None:
    assert by_word("a xylophonist") == {
        "a": ["a"],
        "xylophonist": ["xy", "lo", "ph", "onist"],
    }


def test_a_contraction_and_a_hyphenated_word_have_all_their_tokens() -> None:
    assert by_word("it isn't well-fed") == {
        "it": ["it"],
        "isn't": ["isn", "'t"],
        "well-fed": ["well", "-", "fed"],
    }


def test_case_and_white_space_are_cleaned_and_kept_in_the_caption() -> None:
    tokens = TOKENIZER("  A\n\n DOG\t ")
    assert [w.text for w in tokens.words] == ["A", "DOG"]
    assert tokens.pieces == ("A", "DOG")
    assert list(tokens.ids) == RAW.encode("a dog")


@pytest.mark.parametrize(
    ("caption", "word", "read"),
    [
        ("a caf&eacute; and a dog", "dog", "dog"),
        ("salt &amp;amp; pepper", "pepper", "pepper"),
        ("rock &amp; roll", "rock", "rock"),
        ("voilÃ  un chien", "chien", "chien"),  # mojibake across a space
        ("itâ€™s a dog", "dog", "dog"),
        ("a cafe\u0301 and a dog", "cafe\u0301", "café"),
        ("İstanbul dog", "dog", "dog"),
        ("İİİ dog", "dog", "dog"),
        ("ΟΔΟΣ dog", "ΟΔΟΣ", "οδος"),
        ("ﬁne １２ dog", "dog", "dog"),
        ("“a dog”", "dog", "dog"),
    ],
)
def test_rewritten_text_stays_with_its_word(caption: str, word: str, read: str) -> None:
    assert cleaned_by_word(caption)[word] == read


def test_a_letter_that_becomes_two_in_lower_case_is_still_one_letter() -> None:
    tokens = TOKENIZER("İstanbul’da bir köpek")
    assert [w.text for w in tokens.words] == ["İstanbul’da", "bir", "köpek"]
    assert tokens.pieces[:2] == ("İ", "İ")
    assert all(w.tokens for w in tokens.words)


@pytest.mark.parametrize("caption", ["🐶 dog", "👨‍👩‍👧 dog", "👍🏽 dog", "كلب dog", "一只狗 dog"])
def test_every_word_of_any_script_has_tokens(caption: str) -> None:
    tokens = TOKENIZER(caption)
    assert all(w.tokens for w in tokens.words)
    assert sum(len(w.tokens) for w in tokens.words) == len(tokens.ids)


def test_words_past_the_context_length_are_marked_as_truncated() -> None:
    tokens = TOKENIZER("a dog " * 250)
    assert len(tokens.words) == 500
    assert len(tokens.pieces) == 75
    assert [w.truncated for w in tokens.words] == [False] * 75 + [True] * 425
    assert len(TOKENIZER.add_special_tokens(tokens.ids)) == 77


def test_the_model_reads_nothing_after_a_literal_end_of_text() -> None:
    tokens = TOKENIZER("a dog <end_of_text> a cat")
    assert tokens.pieces == ("a", "dog")
    assert [w.text for w in tokens.words if w.truncated][-2:] == ["a", "cat"]
    assert TOKENIZER.add_special_tokens(tokens.ids) == [49406, *RAW.encode("a dog"), 49407]


def test_a_literal_end_of_text_is_a_word_if_the_model_reads_on() -> None:
    tokens = OpenClipTokenizer(RAW, 77, ends_at_eot=False)("a dog <end_of_text> a cat")
    assert tokens.words[-1].text == "cat"
    assert tokens.words[-1].tokens == (4,)


@pytest.mark.parametrize("caption", ["", "   ", "\n", "?!...", "&", "<end_of_text> a dog"])
def test_a_caption_without_words_is_refused(caption: str) -> None:
    with pytest.raises(ValueError, match="no words"):
        TOKENIZER(caption)


def test_half_a_character_is_refused_and_the_error_names_its_position() -> None:
    with pytest.raises(ValueError, match="position 4"):
        TOKENIZER("dog \ud83d")


def test_a_very_long_caption_is_refused() -> None:
    with pytest.raises(ValueError, match="20,000"):
        TOKENIZER("a" * (MAX_CHARACTERS + 1))


@pytest.mark.parametrize("text", ["dog &amp; cat ", "â€™ dog Ã  ", "İ"])
def test_long_texts_are_aligned_in_proportion(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """difflib takes quadratic time: 80 s for the longest caption."""
    lengths = [0]

    class Recorded(difflib.SequenceMatcher[str]):
        def __init__(self, junk: None, a: str, b: str, autojunk: bool) -> None:
            lengths.append(len(a) + len(b))
            super().__init__(junk, a, b, autojunk)

    monkeypatch.setattr(alignment.difflib, "SequenceMatcher", Recorded)
    TOKENIZER((text * MAX_CHARACTERS)[: MAX_CHARACTERS - 1] + "z")
    assert max(lengths) <= 400


@pytest.mark.parametrize(
    "caption", ["a dog isn't a well-fed cat", "🐶 👨‍👩‍👧 dog", "كلب 狗", "İstanbul", "a " * 500]
)
def test_token_ids_round_trip(caption: str) -> None:
    ids = RAW(caption)[0].tolist()
    tokens = TOKENIZER.from_ids(ids)
    assert [i for i in ids if i] == TOKENIZER.add_special_tokens(tokens.ids)
    again = TOKENIZER.from_ids(torch.tensor(TOKENIZER.add_special_tokens(tokens.ids)).tolist())
    assert again == tokens


def test_token_ids_spell_whole_characters() -> None:
    tokens = TOKENIZER.from_ids(RAW("a 👨‍👩‍👧 dog")[0].tolist())
    assert tokens.caption == "a 👨‍👩‍👧 dog"
    assert [w.text for w in tokens.words] == ["a", "👨‍👩‍👧", "dog"]
    assert len(tokens.words[1].tokens) == 4


def test_token_ids_that_end_within_a_character_are_decoded() -> None:
    ids = RAW.encode("dog 狗")[:-1]
    tokens = TOKENIZER.from_ids([49406, *ids, 49407])
    assert tokens.caption.startswith("dog ")
    assert list(tokens.ids) == ids


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "SOT"),
        ([320, 1929, 49407], "SOT"),
        ([49406, 320, 1929], "EOT"),
        ([49406, 49407, 0, 0], "no words"),
        ([49406, 60000, 49407], "60000"),
        ([49406, -1, 49407], "vocabulary"),
    ],
)
def test_invalid_token_ids_are_refused(ids: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TOKENIZER.from_ids(ids)


def test_an_unknown_tokenizer_is_refused() -> None:
    with pytest.raises(TypeError, match="tokenizer object"):
        tokenizer_kind(object())
