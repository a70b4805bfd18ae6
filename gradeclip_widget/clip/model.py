"""A CLIP model and what the rest of the house needs to know of it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from .image_towers.attention_pooling import AttentionPoolingTower
from .image_towers.base import ImageTower
from .image_towers.class_token import ClassTokenTower
from .image_towers.feature_map import FeatureMapTower
from .image_towers.timm_class_token import TimmClassTokenTower
from .preprocessing import ImageProcessor, optics
from .text_towers.base import TextTower
from .text_towers.bidirectional import BidirectionalTextTower
from .text_towers.causal import CausalTextTower
from .text_towers.huggingface_first_token import HuggingFaceFirstTokenTower
from .text_towers.huggingface_mean import HuggingFaceMeanTower
from .tokenizers.huggingface_fast import HuggingFaceFastTokenizer
from .tokenizers.open_clip_bpe import Tokenizer, Tokens
from .tokenizers.sentencepiece import SentencePieceTokenizer

IMAGE_FAMILIES = (ClassTokenTower, TimmClassTokenTower, AttentionPoolingTower, FeatureMapTower)
_HUGGING_FACE_TOKENIZERS = (HuggingFaceFastTokenizer, SentencePieceTokenizer)
TEXT_FAMILIES = (
    CausalTextTower,
    BidirectionalTextTower,
    HuggingFaceFirstTokenTower,
    HuggingFaceMeanTower,
)


class ClipModel:
    """A CLIP model, its preprocessing and its tokenizer, on one device.

    >>> import open_clip
    >>> model, _, preprocess = open_clip.create_model_and_transforms("ViT-S-32-alt")
    >>> clip = ClipModel(model, preprocess, open_clip.get_tokenizer("ViT-S-32-alt"))
    >>> clip.image_tower.family
    'vision transformer with a class token'
    """

    def __init__(
        self,
        model: Any,
        preprocess: Any,
        tokenizer: Any,
        *,
        name: str | None = None,
        dtype: torch.dtype | str | None = None,
        known_tokens: frozenset[int] | None = None,
    ) -> None:
        """Take a model that the caller already has. It is used where it lies and left as it was.

        Args:
            model: an open_clip ``CLIP`` or ``CustomTextCLIP``.
            preprocess: its image transform for inference.
            tokenizer: its tokenizer.
            name: what to call it in pictures; its class name when ``None``.
            dtype: run the towers under autocast to this type (``"bfloat16"`` or ``"float16"``); the maps
                are computed in float32 all the same.
            known_tokens: ids that it was trained on; ``None`` for all.

        Raises:
            TypeError: its towers are of no supported family.
            ValueError: ``preprocess`` does not say how pixels are normalised.
        """
        if not hasattr(model, "visual") or not hasattr(model, "encode_text"):
            raise TypeError(
                f"{type(model).__name__} is not an open_clip CLIP model: it has no image tower "
                "`visual` or no `encode_text`"
            )
        self.model = model
        self.name = name or type(model).__name__
        self.image_tower: ImageTower = _tower("image", model.visual, IMAGE_FAMILIES)
        self.text_tower: TextTower = _tower("text", model, TEXT_FAMILIES)
        self.image_processor: ImageProcessor = optics(
            model, preprocess, self.image_tower.patch_size, self.image_tower.flexible
        )
        known = (kind for kind in _HUGGING_FACE_TOKENIZERS if kind.wraps(tokenizer))
        kind: type[Tokenizer] = next(known, Tokenizer)
        tower = self.text_tower
        self.tokenizer = kind(tokenizer, tower.context_length, known_tokens, tower.ends_at_eot)
        self.dtype = _dtype(dtype)
        self._busy = threading.RLock()

    @property
    def device(self) -> torch.device:
        """Where the model lies."""
        device: torch.device = next(self.model.parameters()).device
        return device

    @property
    def logit_scale(self) -> float:
        """Factor from cosine to logit."""
        return float(self.model.logit_scale.detach().float().exp())

    @property
    def logit_bias(self) -> float | None:
        """Added to the logit by sigmoid models, else ``None``."""
        bias = getattr(self.model, "logit_bias", None)
        return None if bias is None else float(bias.detach().float())

    @contextlib.contextmanager
    def inference_context(self) -> Iterator[None]:
        """Evaluation mode and autocast; the model is given back as it was, also after an exception.

        One thread at a time: some towers are switched to another picture size while they run.
        """
        device, dtype = self.device.type, self.dtype
        with self._busy:
            training = [m for m in self.model.modules() if m.training]
            try:
                for module in training:
                    module.training = False
                with (
                    torch.inference_mode(False),
                    torch.no_grad(),
                    torch.autocast(device, dtype, enabled=dtype is not None),
                ):
                    yield
            finally:
                for module in training:
                    module.training = True

    @property
    def nbytes(self) -> int:
        """Memory that its parameters and buffers take."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        return sum(t.numel() * t.element_size() for t in tensors)

    def tokens(self, captions: Sequence[str | Tensor]) -> list[Tokens]:
        """Captions, or token ids (1, context length), as the tokens that the model reads.

        Raises:
            TypeError, ValueError: bad input, named.
        """
        if not captions:
            raise ValueError("the list of captions is empty; give at least one")
        return [
            self.tokenizer.from_ids(self._ids(c)) if isinstance(c, Tensor) else self.tokenizer(c)
            for c in captions
        ]

    def _ids(self, caption: Tensor) -> list[int]:
        if caption.ndim != 2 or len(caption) != 1 or caption.is_floating_point():
            raise ValueError(
                f"token ids must be integers of shape (1, {self.text_tower.context_length}), "
                f"not {tuple(caption.shape)} of {caption.dtype}"
            )
        ids: list[int] = caption[0].tolist()
        return ids

    @torch.no_grad()
    def embed(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """Unit text embeddings (K, E) of K framed token sequences."""
        embeddings, _ = self.text_tower.run(sequences, 0, self.tokenizer.special_tokens)
        return embeddings

    def to_device(self, pixels: Tensor) -> Tensor:
        """Pixels on the model's device."""
        return pixels.to(self.device)


def _tower(side: str, part: Any, families: tuple[type[Any], ...]) -> Any:
    reasons = []
    for family in families:
        try:
            return family(part)
        except (TypeError, AttributeError) as error:
            reasons.append(f"{family.family}: {error}")
    raise TypeError(
        f"the {side} tower {type(part).__name__} is of no supported family ({'; '.join(reasons)}). "
        "See gradeclip_widget/clip/README.md for adding one, or use model='demo'"
    )


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    known = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
    name = "float32" if dtype is None else str(dtype).removeprefix("torch.")
    if name not in known:
        raise ValueError(f"dtype={name!r}: use one of {', '.join(map(repr, known))}")
    return known[name]
