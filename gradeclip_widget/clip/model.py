"""A CLIP model: its towers, its preprocessing and its tokenizer."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from .image_towers.base import ImageTower
from .image_towers.registry import FAMILIES as IMAGE_FAMILIES
from .preprocessing import ImageProcessor
from .supported_models import as_open_clip, as_tokenizer
from .text_towers.base import TextTower
from .text_towers.registry import FAMILIES as TEXT_FAMILIES
from .tokenizers.base import Tokenizer, Tokens
from .tokenizers.registry import tokenizer_kind
from .verification.original import OriginalModel
from .verification.state import ModelState, modules_of
from .verification.towers import check_towers
from .verification.weights import why_not_finite


@dataclass(frozen=True)
class Foreign:
    """Which pictures differ so much from a model's training data that their explanations are meaningless.

    Attributes:
        rule: a function from the model and its input (B, 3, H, W) to whether each picture is foreign.
        note: the first note of the explanation of such a picture.
    """

    rule: Callable[[Any, Tensor], list[bool]]
    note: str


class ClipModel:
    """A CLIP model, its preprocessing and its tokenizer, on one device.

    >>> import open_clip
    >>> model, _, preprocess = open_clip.create_model_and_transforms("ViT-S-32-alt")
    >>> clip = ClipModel(model, preprocess, open_clip.get_tokenizer("ViT-S-32-alt"))
    >>> clip.image_tower.family
    'vision transformer with a class token'
    >>> clip
    ClipModel('CLIP', 224 x 224 px, float32, cpu)
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
        notes: Sequence[str] = (),
        foreign: Foreign | None = None,
        original: OriginalModel | None = None,
    ) -> None:
        """Wrap a model that the caller already has. It stays on its device and is not modified.

        Only the model's layers can be explained. Before the first computation, and after changes of its
        weights, modules or hooks, they are compared with its own ``encode_image`` and ``encode_text``; see
        `verify`.

        Args:
            model: an open_clip ``CLIP`` or ``CustomTextCLIP``, or a model of OpenAI's ``clip`` package.
            preprocess: its image transform for inference.
            tokenizer: its tokenizer.
            name: its name in explanations; its class name when ``None``.
            dtype: run the towers under autocast to this type (``"bfloat16"`` or ``"float16"``); the maps
                are computed in float32 nevertheless.
            known_tokens: ids that the model was trained on; ``None`` for all.
            notes: sentences for the user on what was assumed of the model; every explanation has them.
            foreign: which pictures differ too much from its training data; ``None`` for none.
            original: the user's model that the layers are compared with, if that is not ``model``.

        Raises:
            TypeError: it is no such model, or a tower or the tokenizer is of no supported kind.
            ValueError: ``preprocess`` has no step that normalizes pixels, ``dtype`` is unknown, or the
                weights were created under ``torch.inference_mode()``.
        """
        model = as_open_clip(model)
        tokenizer = as_tokenizer(tokenizer, model)
        self.model, self.notes, self.foreign = model, tuple(notes), foreign
        self.name = name or type(model).__name__
        self.image_tower: ImageTower = _tower("image", model.visual, IMAGE_FAMILIES)
        self.text_tower: TextTower = _tower("text", model, TEXT_FAMILIES)
        self.image_processor = ImageProcessor.from_transform(
            model, preprocess, self.image_tower.patch_size, self.image_tower.flexible
        )
        tower = self.text_tower
        self.tokenizer: Tokenizer = tokenizer_kind(tokenizer)(
            tokenizer, tower.context_length, known_tokens, tower.ends_at_eot
        )
        self.dtype = _dtype(dtype)
        self._original = original
        self._verified: ModelState | None = None
        self._depth = 0  # number of open `inference_context`s
        self._busy = threading.RLock()

    def __repr__(self) -> str:
        """Return one line: name, size of pictures, type of the weights and of autocast, device."""
        height, width = self.image_processor.image_size
        weights = str(next(self.model.parameters()).dtype).removeprefix("torch.")
        cast = (
            "" if self.dtype is None else f" under autocast to {self.dtype}".replace("torch.", "")
        )
        size = f"{width} x {height} px"
        return f"{type(self).__name__}({self.name!r}, {size}, {weights}{cast}, {self.device})"

    def __getstate__(self) -> dict[str, Any]:
        """Return the state of a copy, in this process or another, without what only this object can use."""
        return vars(self) | {"_busy": None, "_verified": None, "_depth": 0, "_original": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set the state of a copy, which is checked again before its first computation."""
        vars(self).update(state, _busy=threading.RLock())

    @property
    def device(self) -> torch.device:
        """Device of the model."""
        device: torch.device = next(self.model.parameters()).device
        return device

    @property
    def logit_scale(self) -> float:
        """Factor from cosine similarity to logit."""
        return float(self.model.logit_scale.detach().float().exp())

    @property
    def logit_bias(self) -> float | None:
        """Bias that sigmoid models add to the logit; ``None`` for other models."""
        bias = getattr(self.model, "logit_bias", None)
        return None if bias is None else float(bias.detach().float())

    @property
    def logit_notes(self) -> tuple[str, ...]:
        """A note if logits cannot be computed, since their scale or bias is NaN or infinite."""
        factors = {"logit_scale": self.logit_scale, "logit_bias": self.logit_bias or 0.0}
        wrong = [f"{name} of the model is {x}" for name, x in factors.items() if not isfinite(x)]
        if not wrong:
            return ()
        note = (
            f"{' and '.join(wrong)} (the scale is exp(logit_scale)): logits and probabilities cannot be "
            "computed. Scores, which are cosines, and maps do not depend on it."
        )
        return (note,)

    @contextlib.contextmanager
    def inference_context(self) -> Iterator[None]:
        """Run code in evaluation mode, without gradients and under autocast; restore the model afterwards.

        Only one thread at a time can be inside, since some towers are switched to another picture size while
        they run.

        Raises:
            ValueError: the model's layers do not compute its embeddings; see `verify`.
        """
        device, dtype = self.device.type, self.dtype
        with self._busy, self._checked(), torch.autocast(device, dtype, enabled=dtype is not None):
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    def verify(self) -> None:
        """Check that the model's layers, which are explained, compute its own embeddings, up to rounding.

        One plain forward pass of a fixed picture and caption through the model's own ``encode_image`` and
        ``encode_text`` is compared with one through the traced towers. The first computation does this, and
        the first one after changes of weights, modules, hooks or methods. It costs two to three such passes.

        >>> import gradeclip_widget as gw
        >>> gw.load("demo").verify()

        Raises:
            ValueError: the embeddings differ, or the model does not run; the message explains what to do.
        """
        with self._busy, self._checked(force=True):
            pass

    @property
    def version(self) -> object:
        """An object that is replaced after weights, modules, hooks or methods have changed.

        It is up to date inside `inference_context`; outside it is that of the last computation.
        """
        return self._verified

    @contextlib.contextmanager
    def _checked(self, force: bool = False) -> Iterator[None]:
        """Keep the model in evaluation mode without gradients; with ``force`` check it even if unchanged."""
        # States are saved in evaluation mode, so a model that still matches its state is in that mode.
        same = self._depth > 0 or self._is_checked()
        switched = (
            contextlib.nullcontext() if same else _evaluating(self.model, self._reference().module)
        )
        with switched, torch.inference_mode(False), torch.no_grad():
            if force or not (same or self._is_checked()):
                self._check()
            yield

    def _is_checked(self) -> bool:
        """Return whether the model, and the original one, are unchanged since they were checked."""
        verified, original = self._verified, self._original
        if verified is None or not verified.matches(self.model):
            return False
        if original is None or original.module is None:
            return True
        return original.state is not None and original.state.matches(original.module)

    def _check(self) -> None:
        original, state = self._reference(), ModelState(self.model)
        original_state = ModelState(original.module)
        check_towers(
            original, self.image_tower, self.text_tower, self.tokenizer, self.device, self.dtype
        )
        state.ignore_forward_changes(self.model)
        original_state.ignore_forward_changes(original.module)
        if not self._is_checked():
            self._verified, original.state = state, original_state

    def _reference(self) -> OriginalModel:
        """Return the user's model; the wrapped one if that is the same, or was deleted."""
        if self._original is not None and self._original.module is not None:
            return self._original
        return OriginalModel(self.model, self.tokenizer.tokenizer)

    def not_finite(
        self, what: str, pixels: Tensor | None = None, ids: Sequence[int] | None = None
    ) -> ValueError:
        """Return the error for a picture or a caption for which the model computes NaN or infinity.

        Call it inside `inference_context`. The towers run again to find the module that the values come from.

        Args:
            what: what was computed.
            pixels: (1, 3, H, W) of the picture, normalized.
            ids: token ids of the caption, with special tokens.
        """

        def run() -> None:
            if pixels is not None:
                self.image_tower.trace(self.to_device(pixels))
            if ids is not None:
                self.embed([ids])

        cause = why_not_finite(self.model, run)
        return ValueError(f"{self.name} computes NaN or infinity for {what}: {cause}")

    @property
    def nbytes(self) -> int:
        """Bytes of its parameters and buffers."""
        tensors = [*self.model.parameters(), *self.model.buffers()]
        return sum(t.numel() * t.element_size() for t in tensors)

    def tokens(self, captions: Sequence[str | Tensor]) -> list[Tokens]:
        """Tokenize captions.

        Args:
            captions: texts, or token ids (1, context length).

        Raises:
            TypeError: a caption is neither.
            ValueError: the list is empty, or a caption has no words or cannot be read.
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
        """Return unit text embeddings (K, E) of K captions, as token ids with special tokens."""
        embeddings, _ = self.text_tower.run(sequences, 0, self.tokenizer.special_tokens)
        return embeddings

    def are_foreign(self, pixels: Tensor) -> list[bool]:
        """Return for each picture whether it differs too much from the model's training data.

        Args:
            pixels: (B, 3, H, W) normalized, on any device.
        """
        if self.foreign is None:
            return [False] * len(pixels)
        return self.foreign.rule(self.model, self.to_device(pixels))

    def to_device(self, pixels: Tensor) -> Tensor:
        """Return pixels on the model's device."""
        return pixels.to(self.device)


@contextlib.contextmanager
def _evaluating(*models: Any) -> Iterator[None]:
    """Switch models to evaluation mode within the context."""
    modules = {id(module): module for model in models for module in modules_of(model)}
    training = [module for module in modules.values() if module.training]
    try:
        for module in training:
            module.training = False
        yield
    finally:
        for module in training:
            module.training = True


def _tower(side: str, part: Any, families: Sequence[type[Any]]) -> Any:
    reasons = []
    for family in families:
        try:
            return family(part)
        except (TypeError, AttributeError) as error:
            reasons.append(f"{family.family}: {error}")
    raise TypeError(
        f"the {side} tower {type(part).__name__} is of no supported family ({'; '.join(reasons)}). "
        "docs/extending.md describes how to add one"
    )


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    known = {"float32": None, "bfloat16": torch.bfloat16, "float16": torch.float16}
    name = "float32" if dtype is None else str(dtype).removeprefix("torch.")
    if name not in known:
        raise ValueError(f"dtype={name!r}: use one of {', '.join(map(repr, known))}")
    return known[name]
