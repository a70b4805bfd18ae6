"""Hugging Face tokenizers in open_clip's wrapper, trained here on a few sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transformer import TextTransformer

import gradeclip_widget as gw
from gradeclip_widget.clip.tokenizers.huggingface import HuggingFaceFastTokenizer

from .. import invariants as check
from ..text_towers.test_bidirectional import Custom

transformers = pytest.importorskip("transformers")
LENGTH = 24
TEXTS = ["a brown dog in a red car", "the well-fed cat isn't waiting for traffic lights", "dogs!"]


def built(kind: str) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    if (
        kind == "sentence-pieces"
    ):  # like SigLIP's: no start token, and an end token that is also the padding
        raw = Tokenizer(models.Unigram())
        raw.pre_tokenizer = pre_tokenizers.Metaspace()
        raw.decoder = __import__("tokenizers").decoders.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=150, special_tokens=["<unk>", "</s>"], unk_token="<unk>"
        )
        raw.train_from_iterator(TEXTS * 20, trainer)
        raw.post_processor = processors.TemplateProcessing(
            single="$A </s>", special_tokens=[("</s>", 1)]
        )
        return transformers.PreTrainedTokenizerFast(
            tokenizer_object=raw, eos_token="</s>", pad_token="</s>", unk_token="<unk>"
        )
    raw = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    raw.normalizer = normalizers.BertNormalizer()
    raw.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    raw.decoder = __import__("tokenizers").decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    raw.train_from_iterator(
        TEXTS * 20, trainers.WordPieceTrainer(vocab_size=150, special_tokens=special)
    )
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="[PAD]",
        unk_token="[UNK]",
        sep_token="[SEP]",
        cls_token="[CLS]",
    )


OPTIONS = {
    "sentence-pieces": {"clean": "canonicalize"},
    "word-pieces": {},
    "word-pieces-stripped": {"strip_sep_token": True},
}


@pytest.fixture(scope="module", params=OPTIONS)
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    built(request.param).save_pretrained(folder)
    return open_clip.tokenizer.HFTokenizer(
        str(folder), context_length=LENGTH, **OPTIONS[request.param]
    )


@pytest.fixture
def tokenizer(original: Any) -> HuggingFaceFastTokenizer:
    assert HuggingFaceFastTokenizer.wraps(original)
    return HuggingFaceFastTokenizer(original, LENGTH)


CAPTIONS = [*TEXTS, "Dogs,  dogs;\tand a RED car", "dog", "dog " * 30, "un caf\u00e9"]


@pytest.mark.parametrize("caption", CAPTIONS)
def test_ids_with_special_tokens_are_those_of_the_tokenizer(
    tokenizer: HuggingFaceFastTokenizer, original: Any, caption: str
) -> None:
    framed = tokenizer.add_special_tokens(tokenizer(caption).ids)
    padded = framed + [tokenizer.special_tokens.pad] * (LENGTH - len(framed))
    assert padded == original([caption])[0].tolist()
    assert list(tokenizer(caption).ids) == tokenizer.encode(caption)


@pytest.mark.parametrize("caption", CAPTIONS)
def test_every_word_has_its_tokens(tokenizer: HuggingFaceFastTokenizer, caption: str) -> None:
    tokens = tokenizer(caption)
    for word in tokens.words:
        assert caption[word.start : word.end] == word.text
        assert word.tokens or word.truncated
        spelled = "".join(tokens.pieces[t] for t in word.tokens)
        if not word.truncated:
            assert set(filter(str.isalpha, word.text)) <= set(spelled)
    assert tokens.words[-1].truncated == (len(tokens.ids) > tokenizer.room)


def test_ids_are_decoded_to_their_caption(
    tokenizer: HuggingFaceFastTokenizer, original: Any
) -> None:
    ids = original(["a brown dog in a red car"])[0].tolist()
    tokens = tokenizer.from_ids(ids)
    assert tokens.caption == "a brown dog in a red car"
    assert tokens.words == tokenizer(tokens.caption).words
    with pytest.raises(ValueError, match="must start with"):
        tokenizer.from_ids([9, 9, 9, 9])


def test_a_siglip_text_tower_works_with_it(
    original: Any, tokenizer: HuggingFaceFastTokenizer
) -> None:
    text = TextTransformer(
        context_length=LENGTH, width=32, heads=2, layers=2, output_dim=check.EMBEDDING,
        no_causal_mask=True, pool_type="last", proj_bias=True, vocab_size=300,
    )  # fmt: skip
    model = Custom(text)
    pixels = check.picture(96, 96)
    e = gw.Explainer(check.wrap(model, original))(pixels, "a brown dog in a red car")
    with torch.no_grad():
        t = model.encode_text(original(["a brown dog in a red car"]), normalize=True)
        score = model.encode_image(pixels, normalize=True) @ t.T
    assert e.score == pytest.approx(float(score), abs=1e-5)
    assert [w.text for w in e.words] == "a brown dog in a red car".split()
    assert all(w.tokens for w in e.words)
    assert np.abs(e.raw_map("dog")).max() > 0


def test_an_unknown_tokenizer_mode_is_refused(original: Any) -> None:
    original.tokenizer_mode = "clips"
    try:
        with pytest.raises(TypeError, match="'clips'"):
            HuggingFaceFastTokenizer(original, LENGTH)
    finally:
        original.tokenizer_mode = ""
