"""Which models can be wrapped: open_clip's and OpenAI's own. For others, advice on what to do."""

from __future__ import annotations

import types
from typing import Any

import open_clip
import torch
import torch.nn.functional as F
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch import Tensor, nn

_WRAP = "gw.ClipModel(model, preprocess, tokenizer)"
_CONVERT = "gw.from_transformers(model, processor)"


class OpenAIModel(CLIP):  # type: ignore[misc]  # open_clip has no types
    """A model of OpenAI's ``clip`` package in open_clip's layout. Both share the same parameters.

    Attributes:
        original: the model itself, which still embeds pictures and captions.
    """

    def __init__(self, model: Any) -> None:
        visual, blocks = model.visual, model.transformer.resblocks
        dtype = visual.conv1.weight.dtype
        residual = hasattr(visual, "layer1")
        vision = CLIPVisionCfg(
            layers=tuple(len(getattr(visual, f"layer{n}")) for n in (1, 2, 3, 4))
            if residual
            else len(visual.transformer.resblocks),
            width=visual.layer1[0].conv1.weight.shape[0] if residual else len(visual.ln_pre.weight),
            head_width=64,
            patch_size=None if residual else visual.conv1.weight.shape[-1],
            image_size=visual.input_resolution,
        )
        context_length, width = model.positional_embedding.shape
        text = CLIPTextCfg(
            context_length=context_length,
            vocab_size=model.token_embedding.weight.shape[0],
            width=width,
            heads=blocks[0].attn.num_heads,
            layers=len(blocks),
        )
        quick = type(blocks[0].mlp.gelu).__name__ == "QuickGELU"
        half = dtype if dtype in (torch.float16, torch.bfloat16) else None
        size = model.text_projection.shape[1]
        super().__init__(size, vision, text, quick_gelu=quick, cast_dtype=half)
        if not residual:
            for ours, theirs in zip(
                self.visual.transformer.resblocks, visual.transformer.resblocks, strict=True
            ):
                ours.attn.num_heads = theirs.attn.num_heads
                ours.attn.head_dim = theirs.attn.head_dim
        known = dict(self.named_parameters()).keys() | dict(self.named_buffers()).keys()
        plain = getattr(model, "_orig_mod", model)  # without the wrapper of `torch.compile`
        for name, tensor in (*plain.named_parameters(), *plain.named_buffers()):
            if name not in known:
                raise TypeError(f"{type(model).__name__} is not OpenAI's CLIP: it also has {name}")
            owner, _, leaf = name.rpartition(".")
            setattr(self.get_submodule(owner), leaf, tensor)
        self.token_embedding = model.token_embedding
        self.original = model
        self.eval()

    def encode_image(self, image: Tensor, normalize: bool = False) -> Tensor:
        """Return image embeddings (B, E) of the original model."""
        features: Tensor = self.original.encode_image(image)
        return F.normalize(features, dim=-1) if normalize else features

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        """Return text embeddings (B, E) of the original model."""
        features: Tensor = self.original.encode_text(text)
        return F.normalize(features, dim=-1) if normalize else features


def as_open_clip(model: Any) -> Any:
    """Return a model in open_clip's layout: OpenAI's own models with the same weights, others unchanged.

    Raises:
        TypeError: it is of another library, or a TorchScript model.
        ValueError: the weights were created under ``torch.inference_mode()``.
    """
    if not hasattr(model, "visual") or not hasattr(model, "encode_text"):
        raise TypeError(f"ClipModel takes a CLIP model of open_clip, not {advice(model, _WRAP)}")
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError(
            "the layers of a TorchScript model cannot be traced; load it with clip.load(name, jit=False)"
        )
    if any(weights.is_inference() for weights in model.parameters()):
        raise ValueError(
            f"the weights of this {type(model).__name__} were made under torch.inference_mode(), where "
            "gradients are impossible; build the model outside of it (torch.no_grad() is allowed)"
        )
    return OpenAIModel(model) if _is_openai(model) else model


def as_tokenizer(tokenizer: Any, model: Any) -> Any:
    """Return open_clip's tokenizer in place of OpenAI's function ``clip.tokenize``; others unchanged."""
    if not isinstance(tokenizer, types.FunctionType) or not isinstance(model, OpenAIModel):
        return tokenizer
    same = open_clip.SimpleTokenizer(context_length=model.positional_embedding.shape[0])
    probe = ["A photo of two dogs, 3 cars & a café!"]
    return same if tokenizer(probe).tolist() == same(probe).tolist() else tokenizer


def _is_openai(model: Any) -> bool:
    visual = model.visual
    return (
        not isinstance(model, CLIP)
        and hasattr(visual, "input_resolution")
        and not hasattr(visual, "image_size")
        and all(hasattr(model, part) for part in ("transformer", "token_embedding", "ln_final"))
        and isinstance(getattr(model, "text_projection", None), Tensor)
    )


def advice(thing: Any, wrap: str = f"wrap it: {_WRAP}") -> str:
    """Return what an object is that is not a supported model, and how to get a `ClipModel` instead.

    >>> advice(3)
    'int; gw.load(name) gives one, and gw.ClipModel(model, preprocess, tokenizer) wraps one of open_clip'
    """
    kind, library = type(thing).__name__, type(thing).__module__.partition(".")[0]
    if isinstance(thing, tuple | list) and any(isinstance(part, nn.Module) for part in thing):
        return (
            f"the tuple that open_clip.create_model_and_transforms returns; {wrap} with its parts"
        )
    if library == "peft":
        return f"{kind} of peft; merge the adapter, and wrap what model.merge_and_unload() returns"
    if library == "transformers":
        return f"{kind} of transformers; wrap it: {_CONVERT}"
    if library == "sentence_transformers":
        return f"{kind} of sentence-transformers; load CLIP by its name: gw.load('ViT-B-32/openai')"
    inner = getattr(thing, "module", getattr(thing, "_orig_mod", None))
    if isinstance(thing, nn.Module) and isinstance(inner, nn.Module):
        return f"{kind} around a {type(inner).__name__}; give the model inside ({_inside(thing)})"
    if hasattr(thing, "visual") and hasattr(thing, "encode_text"):
        return f"a bare {kind}; {wrap}"
    return f"{kind}; gw.load(name) gives one, and {_WRAP} wraps one of open_clip"


def _inside(thing: Any) -> str:
    return "model.module" if hasattr(thing, "module") else "model._orig_mod"
