"""CLIP and SigLIP models of Hugging Face's transformers, rebuilt from open_clip's and timm's parts."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from open_clip.transformer import LayerNorm, TextTransformer, VisionTransformer
from PIL import Image
from timm.models.vision_transformer import VisionTransformer as TimmTransformer
from torch import Tensor, nn
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from ...core.errors import missing_extra
from ..defaults import torch_defaults
from ..model import ClipModel
from ..supported_models import advice, unwrapped
from ..verification.original import OriginalTransformersModel
from ..verification.weights import check_weights
from .names import wrap_transformers

# Names of a transformers block's parts, and the names of the same parts in open_clip and in timm.
_OPEN_CLIP = {
    "layer_norm1": "ln_1",
    "qkv": "attn.in_proj_",
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_TIMM = {
    "layer_norm1": "norm1",
    "qkv": "attn.qkv.",
    "self_attn.out_proj": "attn.proj",
    "layer_norm2": "norm2",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}


_OTHERS = (
    "(SigLIP 2 of a fixed size is a SiglipModel; Siglip2Model takes pictures cut to patches.) Many other "
    "models load with gw.load(...)"
)


def from_transformers(
    model: Any, processor: Any, *, name: str | None = None, dtype: torch.dtype | str | None = None
) -> ClipModel:
    """Convert a CLIP or SigLIP model of Hugging Face's transformers.

    The weights are copied into the same architecture built from open_clip's and timm's parts, with the same
    dtype and device, and checked against the original model, see `ClipModel.verify`. The original is not
    modified, and both take up memory::

        model = CLIPModel.from_pretrained("openai/clip-vit-base-patch16")
        processor = AutoProcessor.from_pretrained("openai/clip-vit-base-patch16")
        gw.explore("street.jpg", "a dog in a car", model=gw.from_transformers(model, processor))

    Args:
        model: a ``CLIPModel`` or a ``SiglipModel``, or one in the wrapper of ``torch.compile``,
            ``DataParallel`` or ``DistributedDataParallel``. SigLIP 2 models of a fixed size are
            ``SiglipModel`` too.
        processor: its processor, which prepares pictures and captions.
        name: its name in pictures; the name in its configuration when ``None``.
        dtype: as for `ClipModel`.

    Raises:
        TypeError: a model of another class, or a processor without tokenizer or image processor.
        ValueError: a processor with unknown steps; a model that is quantized or on several devices; or the
            model does not compute what its weights imply, as with an adapter that is not merged into them.
        ModuleNotFoundError: transformers is not installed.
    """
    try:
        import transformers
    except ModuleNotFoundError as error:
        raise missing_extra("transformers", "hf", "models of transformers") from error

    model = unwrapped(model)
    if not isinstance(model, transformers.CLIPModel | transformers.SiglipModel):
        if isinstance(model, transformers.PreTrainedModel):
            other = f"{type(model).__name__}. {_OTHERS}"
        elif isinstance(model, str):
            other = f"the text {model!r}; load it first: {wrap_transformers(model)}"
        else:
            other = advice(model)
        raise TypeError(
            f"from_transformers takes a CLIPModel or a SiglipModel of transformers, not {other}"
        )
    for part in ("image_processor", "tokenizer"):
        if getattr(processor, part, None) is None:
            raise TypeError(
                f"processor {type(processor).__name__} has no {part}: pass the one that "
                "transformers.AutoProcessor.from_pretrained(...) returns for the model"
            )
    check_weights(model)
    device = next(model.parameters()).device
    with torch_defaults(), torch.no_grad():
        pair = _clip(model) if isinstance(model, transformers.CLIPModel) else _siglip(model)
    clip = ClipModel(
        pair.to(device).eval(),
        transform_of(processor.image_processor, pair.visual.image_size),
        TokenizerWrapper.of(processor.tokenizer),
        name=name or getattr(model.config, "name_or_path", "") or type(model).__name__,
        dtype=dtype,
        original=OriginalTransformersModel(model, processor.tokenizer),
    )
    clip.verify()  # now, since the original model may be deleted later
    return clip


class DualEncoder(nn.Module):
    """Two towers with logit scale and bias, with the attributes of open_clip's ``CustomTextCLIP``."""

    def __init__(
        self, visual: nn.Module, text: nn.Module, logit_scale: Tensor, logit_bias: Tensor | None
    ) -> None:
        super().__init__()
        self.visual: Any = visual
        self.text: Any = text
        self.logit_scale = nn.Parameter(logit_scale.detach().clone())
        self.logit_bias = None if logit_bias is None else nn.Parameter(logit_bias.detach().clone())

    def encode_image(self, image: Tensor, normalize: bool = False) -> Tensor:
        """Return image embeddings (B, E)."""
        features: Tensor = self.visual(image)
        return F.normalize(features, dim=-1) if normalize else features

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        """Return text embeddings (B, E) of padded token ids (B, L)."""
        features: Tensor = self.text(text)
        return F.normalize(features, dim=-1) if normalize else features


class TimmVisual(nn.Module):
    """A timm trunk whose pooled features are the embedding, as in open_clip's ``TimmModel``."""

    def __init__(self, trunk: TimmTransformer) -> None:
        super().__init__()
        self.trunk, self.head = trunk, nn.Identity()
        self.image_size = trunk.patch_embed.img_size

    def forward(self, x: Tensor) -> Tensor:
        """Return image embeddings (B, E)."""
        features: Tensor = self.head(self.trunk(x))
        return features


def _clip(model: Any) -> DualEncoder:
    vision, text = model.vision_model, model.text_model
    visual = VisionTransformer(
        **_sizes(vision.config),
        image_size=vision.config.image_size,
        patch_size=vision.config.patch_size,
        output_dim=model.projection_dim,
        **_layers_of(vision),
    )
    _load(
        visual,
        {
            "class_embedding": vision.embeddings.class_embedding,
            "positional_embedding": vision.embeddings.position_embedding.weight,
            "proj": model.visual_projection.weight.T,
            **_parameters("conv1", vision.embeddings.patch_embedding),
            **_parameters("ln_pre", vision.pre_layrnorm),
            **_parameters("ln_post", vision.post_layernorm),
            **_blocks("transformer.resblocks", vision.encoder.layers, _OPEN_CLIP),
        },
    )
    # Old configurations have a wrong end id, 2. Pooling at the largest id finds the true end.
    end = text.config.eos_token_id
    pooled = {"pool_type": "argmax"} if end == 2 else {"pool_type": "eos", "eos_id": end}
    words = _text(text, model.projection_dim, **pooled)
    _load(words, {"text_projection": model.text_projection.weight.T, **_text_weights(text)})
    return DualEncoder(visual, words, model.logit_scale, None)


def _siglip(model: Any) -> DualEncoder:
    vision, text = model.vision_model, model.text_model
    if not getattr(vision, "use_head", True):
        raise TypeError("this SiglipModel has no pooling head (vision_use_head=False)")
    config, functions = vision.config, _layers_of(vision)
    trunk = TimmTransformer(
        img_size=config.image_size,
        patch_size=config.patch_size,
        embed_dim=config.hidden_size,
        depth=config.num_hidden_layers,
        num_heads=config.num_attention_heads,
        mlp_ratio=_mlp_ratio(config),
        class_token=False,
        global_pool="map",
        num_classes=0,
        **functions,
    )
    head, pool = vision.head, "attn_pool"
    size = config.hidden_size
    query, keys_values = (
        {kind: getattr(head.attention, f"in_proj_{kind}")[rows] for kind in ("weight", "bias")}
        for rows in (slice(size), slice(size, None))
    )
    trunk.attn_pool.mlp.act = functions["act_layer"]()
    _load(
        trunk,
        {
            "pos_embed": vision.embeddings.position_embedding.weight[None],
            **_parameters("patch_embed.proj", vision.embeddings.patch_embedding),
            **_blocks("blocks", vision.encoder.layers, _TIMM),
            **_parameters("norm", vision.post_layernorm),
            f"{pool}.latent": head.probe,
            **{f"{pool}.q.{kind}": value for kind, value in query.items()},
            **{f"{pool}.kv.{kind}": value for kind, value in keys_values.items()},
            **_parameters(f"{pool}.proj", head.attention.out_proj),
            **_parameters(f"{pool}.norm", head.layernorm),
            **_parameters(f"{pool}.mlp.fc1", head.mlp.fc1),
            **_parameters(f"{pool}.mlp.fc2", head.mlp.fc2),
        },
    )
    words = _text(
        text, text.head.out_features, no_causal_mask=True, pool_type="last", proj_bias=True
    )
    _load(words, {**_parameters("text_projection", text.head), **_text_weights(text)})
    return DualEncoder(TimmVisual(trunk), words, model.logit_scale, model.logit_bias)


def _text(text: Any, output: int, **options: Any) -> TextTransformer:
    return TextTransformer(
        **_sizes(text.config),
        context_length=text.config.max_position_embeddings,
        vocab_size=text.config.vocab_size,
        output_dim=output,
        **_layers_of(text),
        **options,
    )


def _text_weights(text: Any) -> dict[str, Tensor]:
    return {
        "positional_embedding": text.embeddings.position_embedding.weight,
        **_parameters("token_embedding", text.embeddings.token_embedding),
        **_blocks("transformer.resblocks", text.encoder.layers, _OPEN_CLIP),
        **_parameters("ln_final", text.final_layer_norm),
    }


def _sizes(config: Any) -> dict[str, Any]:
    """Return the sizes of a tower, as open_clip's constructors take them."""
    return {
        "width": config.hidden_size,
        "layers": config.num_hidden_layers,
        "heads": config.num_attention_heads,
        "mlp_ratio": _mlp_ratio(config),
    }


def _mlp_ratio(config: Any) -> float:
    """Return the MLP ratio, rounded up: width times ratio is rounded down to the MLP's width."""
    return math.nextafter(config.intermediate_size / config.hidden_size, math.inf)


def _layers_of(tower: Any) -> dict[str, Any]:
    """Return activation and normalization of a tower's blocks, as the constructors take them."""
    activation = tower.encoder.layers[0].mlp.activation_fn
    return {
        "act_layer": lambda: copy.deepcopy(activation),
        "norm_layer": functools.partial(LayerNorm, eps=tower.config.layer_norm_eps),
    }


def _parameters(name: str, module: Any) -> dict[str, Tensor]:
    # By attribute, since a parametrized weight, or one inside an adapter, is a parameter of another name.
    parts = {part: getattr(module, part, None) for part in ("weight", "bias")}
    return {f"{name}.{part}": value for part, value in parts.items() if value is not None}


def _blocks(row: str, layers: Iterable[Any], names: Mapping[str, str]) -> dict[str, Tensor]:
    """Return weights of transformer blocks under new names, with query, key and value in one matrix."""
    weights: dict[str, Tensor] = {}
    for number, layer in enumerate(layers):
        for old, new in names.items():
            if old != "qkv":
                weights |= _parameters(f"{row}.{number}.{new}", layer.get_submodule(old))
        for kind in ("weight", "bias"):
            parts = [getattr(layer.self_attn.get_submodule(f"{p}_proj"), kind) for p in "qkv"]
            weights[f"{row}.{number}.{names['qkv']}{kind}"] = torch.cat(parts)
    return weights


def _load(tower: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy weights into a tower, and give it their dtype."""
    tower.to(next(iter(weights.values())).dtype).load_state_dict(weights)


# Processors


def transform_of(processor: Any, image_size: tuple[int, int]) -> transforms.Compose:
    """Return an image processor as a transform of RGB images to (3, H, W).

    Args:
        processor: an image processor that resizes, perhaps crops the center, and normalizes.
        image_size: (height, width) of the tower's input in pixels.

    Raises:
        ValueError: it has other steps, or its result has another size.
    """
    resample = InterpolationMode[Image.Resampling(processor.resample).name]
    steps: list[Any] = []
    size = _sides(processor.size)
    if processor.do_resize:
        sides = (size["height"], size["width"]) if "height" in size else size.get("shortest_edge")
        if sides is None or "longest_edge" in size:
            raise ValueError(
                f"the image processor resizes pictures to {size}, which is not supported"
            )
        steps.append(transforms.Resize(sides, resample))
    if getattr(processor, "do_center_crop", False):
        crop = _sides(processor.crop_size)
        steps.append(transforms.CenterCrop((crop["height"], crop["width"])))
    scale = 255 * processor.rescale_factor if processor.do_rescale else 255.0
    mean, std = [0.0] * 3, [1.0] * 3
    if processor.do_normalize:
        mean, std = processor.image_mean, processor.image_std
    shifted = [m / scale for m in mean], [s / scale for s in std]
    transform = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize(*shifted)])
    height, width = transform(Image.new("RGB", (40, 30))).shape[1:]
    if (height, width) != tuple(image_size):
        raise ValueError(
            f"the image processor makes pictures of {height} x {width} px, but the model takes "
            f"{image_size[0]} x {image_size[1]}; pass the model's own processor"
        )
    return transform


@dataclass(frozen=True)
class TokenizerWrapper:
    """A tokenizer of transformers, with the attributes of open_clip's ``HFTokenizer``.

    Attributes:
        tokenizer: the tokenizer.
        clean_fn: cleans captions before the tokenizer, which reports positions in the cleaned text.
    """

    tokenizer: Any
    clean_fn: Callable[[str], str]

    @classmethod
    def of(cls, tokenizer: Any) -> TokenizerWrapper:
        """Wrap a tokenizer."""
        return cls(tokenizer, getattr(tokenizer, "canonicalize_text", str))


def _sides(size: Any) -> dict[str, int]:
    """Return the sides that a size has, from a mapping or, in newer versions, an object with attributes."""
    sides = {"height", "width", "shortest_edge", "longest_edge"}
    pairs = size.items() if hasattr(size, "items") else vars(size).items()
    return {name: value for name, value in pairs if name in sides and value is not None}
