"""The user's model, run by its own methods; the traced towers are compared with it."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .state import ModelState


class OriginalModel:
    """An open_clip model, run by its own ``encode_image`` and ``encode_text``.

    Attributes:
        module: the model; ``None`` after it was deleted.
        tokenizer: its own tokenizer.
        methods: names of its methods that encode pictures and captions.
        advice: a sentence on what to do after the model was changed.
        state: the model's state when it was checked last; ``None`` before that.
    """

    methods = ("encode_image", "encode_text")
    advice = ""

    def __init__(self, module: Any, tokenizer: Any) -> None:
        self.module, self.tokenizer = module, tokenizer
        self.state: ModelState | None = None

    @property
    def image_side(self) -> Any:
        """The part that encodes pictures."""
        return self.module.visual

    @property
    def text_side(self) -> Any:
        """The part that encodes captions."""
        return getattr(self.module, "text", None) or self.module.transformer

    def image(self, pixels: Tensor) -> Tensor:
        """Return image embeddings (B, E), not normalized."""
        return tensor_of(self.module.encode_image(pixels), "encode_image")

    def text(self, ids: Tensor) -> Tensor:
        """Return text embeddings (B, E), not normalized, of padded token ids (B, L)."""
        return tensor_of(self.module.encode_text(ids), "encode_text")

    def ids(self, caption: str, length: int) -> Tensor | None:
        """Return the padded token ids (1, at most length) of its own tokenizer, or ``None`` without one."""
        if not callable(self.tokenizer):
            return None
        with torch.device("cpu"):  # it does not name a device
            ids = ids_of(self.tokenizer([caption]))
        return None if ids is None else ids[:, :length]

    def token_table(self, tower: Any) -> nn.Module:
        """Return the module that it calls with token ids; ``tower`` is the traced text tower."""
        module: nn.Module = tower.token_embedding
        return module


class OriginalTransformersModel(OriginalModel):
    """A model of Hugging Face's transformers whose weights were copied. It is held by a weak reference."""

    methods = ("get_image_features", "get_text_features")
    advice = (
        "it may have changed since it was converted: convert it again with from_transformers(...) "
        "(a copy.deepcopy of it, to go on changing it)"
    )

    def __init__(self, module: Any, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._module: weakref.ref[Any] | None = weakref.ref(module)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state of a copy, which has no model."""
        return vars(self) | {"_module": None}

    @property
    def module(self) -> Any:
        """The model; ``None`` after it was deleted."""
        return self._module and self._module()

    @property
    def image_side(self) -> Any:
        """The part that encodes pictures."""
        return self.module.vision_model

    @property
    def text_side(self) -> Any:
        """The part that encodes captions."""
        return self.module.text_model

    def image(self, pixels: Tensor) -> Tensor:
        """Return image embeddings (B, E), not normalized."""
        return tensor_of(self.module.get_image_features(pixel_values=pixels), "get_image_features")

    def text(self, ids: Tensor) -> Tensor:
        """Return text embeddings (B, E), not normalized, of padded token ids (B, L)."""
        return tensor_of(self.module.get_text_features(input_ids=ids), "get_text_features")

    def ids(self, caption: str, length: int) -> Tensor | None:
        """Return the padded token ids (1, length) of its own tokenizer."""
        coded = self.tokenizer([caption], padding="max_length", truncation=True, max_length=length)
        return torch.tensor(coded["input_ids"], device="cpu")

    def token_table(self, tower: Any) -> nn.Module:
        """Return the module that it calls with token ids."""
        module: nn.Module = self.module.text_model.embeddings.token_embedding
        return module


def tensor_of(output: Any, name: str) -> Tensor:
    """Return the embeddings in a model's output.

    Raises:
        TypeError: there are none.
    """
    inner = getattr(output, "pooler_output", None)  # transformers from version 5 on
    if isinstance(inner, Tensor):
        return inner
    if isinstance(output, Sequence) and output:
        output = output[0]
    if isinstance(output, Tensor) and output.ndim == 3 and output.shape[1] == 1:
        output = output[:, 0]  # one query of CoCa's pooler
    if not isinstance(output, Tensor) or output.ndim != 2:
        raise TypeError(f"{name} returns {type(output).__name__}, not embeddings (B, E)")
    return output


def ids_of(output: Any) -> Tensor | None:
    """Return the token ids (1, L) in a tokenizer's output, or ``None`` if there are none."""
    is_ids = isinstance(output, Tensor) and output.ndim == 2 and not output.is_floating_point()
    return output if is_ids else None
