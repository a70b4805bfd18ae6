"""Which models can be wrapped: open_clip's and OpenAI's own. For others, advice on what to do."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

import open_clip
import torch
import torch.nn.functional as F
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch import Tensor, nn

from .defaults import torch_defaults

_WRAP = "gw.ClipModel(model, preprocess, tokenizer)"
_CONVERT = "gw.from_transformers(model, processor)"
# Classes of modules that only run the model inside them.
_WRAPPERS = ("DataParallel", "DistributedDataParallel", "OptimizedModule")
_PREPARING = ("Processor", "ProcessorFast", "Tokenizer", "TokenizerFast", "Extractor")


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
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
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
        TypeError: it is of another library, a TorchScript model, or sharded over several processes.
        ValueError: the weights were created under ``torch.inference_mode()``.
    """
    model = unwrapped(model)
    if type(model).__name__ in ("FullyShardedDataParallel", "DeepSpeedEngine"):
        raise TypeError(
            f"{type(model).__name__} may hold only a part of the weights in each process: save all of them "
            "(FSDP: StateDictType.FULL_STATE_DICT), and give the file, as in gw.load('ViT-B-32', "
            "pretrained='weights.pt')"
        )
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
    if not _is_openai(model):
        return model
    with torch_defaults():
        return OpenAIModel(model)


def as_tokenizer(tokenizer: Any, model: Any) -> Any:
    """Return open_clip's tokenizer in place of OpenAI's function ``clip.tokenize``; others unchanged."""
    if not isinstance(tokenizer, types.FunctionType) or not isinstance(model, OpenAIModel):
        return tokenizer
    same = open_clip.SimpleTokenizer(context_length=model.positional_embedding.shape[0])
    probe = ["A photo of two dogs, 3 cars & a café!"]
    with torch.device("cpu"):  # they do not name a device
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


def unwrapped(model: Any) -> Any:
    """Return the model in the wrappers of `torch.compile` and of data parallelism, which compute the same."""
    while isinstance(model, nn.Module) and type(model).__name__ in _WRAPPERS:
        model = model.module if hasattr(model, "module") else model._orig_mod  # noqa: SLF001
    return model


def advice(thing: Any, wrap: str = f"wrap it: {_WRAP}") -> str:
    """Return what an object is that is not a supported model, and how to get a `ClipModel` instead.

    >>> advice(3)
    'int; gw.load(name) gives one, and gw.ClipModel(model, preprocess, tokenizer) wraps one of open_clip'
    >>> advice("ViT-B-32/openai")
    "the text 'ViT-B-32/openai'; gw.load('ViT-B-32/openai') loads a model by its name"
    """
    kind, library = type(thing).__name__, type(thing).__module__.partition(".")[0]
    if isinstance(thing, str):
        return f"the text {thing!r}; gw.load({thing!r}) loads a model by its name"
    if isinstance(thing, type):
        return f"the class {thing.__name__}; give a model of this class, with its weights"
    if isinstance(thing, tuple | list) and any(isinstance(part, nn.Module) for part in thing):
        return (
            f"the tuple that open_clip.create_model_and_transforms returns; {wrap} with its parts"
        )
    if isinstance(thing, Mapping) and any(isinstance(part, Tensor) for part in thing.values()):
        return (
            f"{kind} of {len(thing)} weights; load them into a model with model.load_state_dict(weights), or "
            "save them with torch.save and give the file: gw.load('ViT-B-32', pretrained='weights.pt')"
        )
    if library == "peft":
        return f"{kind} of peft; merge the adapter, and wrap what model.merge_and_unload() returns"
    if library == "sentence_transformers":
        return f"{kind} of sentence-transformers; load CLIP by its name: gw.load('ViT-B-32/openai')"
    if library == "transformers" and kind.endswith(_PREPARING):
        return f"{kind} of transformers, without a model; give both: {_CONVERT}"
    for name in ("module", "_orig_mod", "model"):
        inner = getattr(thing, name, None)
        if isinstance(inner, nn.Module):
            outer = "model" if isinstance(thing, nn.Module) else kind.lower()
            outer = "pipe" if outer.endswith("pipeline") else outer
            return f"{kind} around a {type(inner).__name__}; give the model inside ({outer}.{name})"
    if library == "transformers":
        return f"{kind} of transformers; wrap it: {_CONVERT}"
    if hasattr(thing, "visual") and hasattr(thing, "encode_text"):
        return f"a bare {kind}; {wrap}"
    return f"{kind}; gw.load(name) gives one, and {_WRAP} wraps one of open_clip"
