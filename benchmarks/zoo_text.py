"""Replacements for configurations and tokenizers that open_clip would download: same shape, untrained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from .explain import CAPTION

SENTENCES = [CAPTION, "a photo of a cat on the green grass", "two people ride old bicycles"]
ROBERTA = {"max_position_embeddings": 514, "type_vocab_size": 1}
XLM_LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
MT5 = {"vocab_size": 250_112, "pad_token_id": 0, "eos_token_id": 1}
MT5_XL = {"d_model": 2048, "d_kv": 64, "d_ff": 5120, "num_layers": 24, "num_heads": 32}
NLLB = {
    "vocab_size": 256_206,
    "d_model": 1024,
    "encoder_attention_heads": 16,
    "scale_embedding": True,
}

# Shapes of the public models, by their names on the hub.
ENCODERS = {
    "roberta-base": ("roberta", {**ROBERTA, "vocab_size": 50_265}),
    "xlm-roberta-base": ("xlm-roberta", {**ROBERTA, "vocab_size": 250_002}),
    "xlm-roberta-large": (
        "xlm-roberta",
        {**ROBERTA, **XLM_LARGE, "vocab_size": 250_002, "intermediate_size": 4096},
    ),
    "google/mt5-base": (
        "mt5",
        {**MT5, "d_model": 768, "d_kv": 64, "d_ff": 2048, "num_layers": 12, "num_heads": 12},
    ),
    "google/mt5-xl": ("mt5", {**MT5, **MT5_XL}),
    "facebook/nllb-200-distilled-600M": (
        "m2m_100",
        {**NLLB, "encoder_layers": 12, "decoder_layers": 12, "encoder_ffn_dim": 4096},
    ),
    "facebook/nllb-200-distilled-1.3B": (
        "m2m_100",
        {**NLLB, "encoder_layers": 24, "decoder_layers": 24, "encoder_ffn_dim": 8192},
    ),
}


@dataclass(frozen=True)
class Scheme:
    """How a tokenizer splits and frames a caption.

    Attributes:
        pieces: ``"words"`` (WordPiece), ``"bytes"`` (byte-level BPE) or ``"sentences"`` (SentencePiece).
        frame: special tokens around the caption's own, ``$A``.
        special: all special tokens, by id from 0.
        pad: the token that pads to the context length.
    """

    pieces: str
    frame: str
    special: tuple[str, ...]
    pad: str


FAIRSEQ = ("<s>", "<pad>", "</s>", "<unk>")
T5 = ("<pad>", "</s>", "<unk>")
SCHEMES = {  # by the start of their names on the hub
    "bert-base-uncased": Scheme(
        "words", "[CLS] $A [SEP]", ("[PAD]", "[UNK]", "[CLS]", "[SEP]"), "[PAD]"
    ),
    "roberta-base": Scheme("bytes", "<s> $A </s>", FAIRSEQ, "<pad>"),
    "xlm-roberta": Scheme("sentences", "<s> $A </s>", FAIRSEQ, "<pad>"),
    "facebook/xlm-v": Scheme("sentences", "<s> $A </s>", FAIRSEQ, "<pad>"),
    "facebook/nllb": Scheme("sentences", "eng_Latn $A </s>", (*FAIRSEQ, "eng_Latn"), "<pad>"),
    "google/mt5": Scheme("sentences", "$A </s>", T5, "<pad>"),
    "timm/": Scheme("sentences", "$A </s>", T5, "</s>"),  # SigLIP pads with its end token
}
SIGLIP_2 = Scheme("sentences", "$A <eos>", ("<pad>", "<eos>", "<bos>", "<unk>"), "<pad>")


def replace_downloads(folder: Path) -> None:
    """Register with open_clip, under the same names, models whose text side needs no network.

    Args:
        folder: an empty folder, needed while the models are built.
    """
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        text = config["text_cfg"]
        if encoder := text.get("hf_model_name"):
            text["hf_model_name"] = str(_encoder(encoder, folder / "encoders" / encoder))
        if tokenizer := text.get("hf_tokenizer_name"):
            text["hf_tokenizer_name"] = str(
                _tokenizer(tokenizer, folder / "tokenizers" / tokenizer)
            )
        if encoder or tokenizer:
            models_folder = folder / "models"
            models_folder.mkdir(exist_ok=True)
            (models_folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "models")


def _encoder(name: str, folder: Path) -> Path:
    kind, shape = ENCODERS[name]
    transformers.AutoConfig.for_model(kind, **shape).save_pretrained(folder)
    return folder


def _tokenizer(name: str, folder: Path) -> Path:
    if folder.exists():
        return folder
    scheme = next(s for start, s in SCHEMES.items() if name.startswith(start))
    if "SigLIP2" in name:
        scheme = SIGLIP_2
    raw = _split(scheme)
    special = [(token, scheme.special.index(token)) for token in scheme.special]
    raw.post_processor = processors.TemplateProcessing(single=scheme.frame, special_tokens=special)
    unknown = next(token for token in scheme.special if "unk" in token.lower())
    names: dict[str, Any] = {"pad_token": scheme.pad, "unk_token": unknown}
    end = scheme.frame.split()[-1]
    names["sep_token" if scheme.pieces == "words" else "eos_token"] = end
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=raw, **names)
    fast.save_pretrained(folder)
    return folder


def _split(scheme: Scheme) -> Tokenizer:
    """Train on a few sentences: pieces are shorter than words, like those of rare words."""
    common: dict[str, Any] = {"special_tokens": list(scheme.special), "show_progress": False}
    trainer: Any
    if scheme.pieces == "words":
        raw = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        raw.pre_tokenizer, raw.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece()
        trainer = trainers.WordPieceTrainer(vocab_size=120, **common)
    elif scheme.pieces == "bytes":
        raw = Tokenizer(models.BPE())
        raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
        letters = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=letters, **common)
    else:
        raw = Tokenizer(models.Unigram())
        raw.pre_tokenizer, raw.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=120, unk_token="<unk>", **common)
    raw.train_from_iterator(SENTENCES * 20, trainer)
    return raw
