"""open_clip's models with random weights, small enough to run: memory is allocated after cutting towers."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import open_clip
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.utils.flop_counter import FlopCounterMode

import gradeclip_widget as gw

LEAST = 2  # minimum number of blocks of a row
VOCABULARY = 50_000  # maximum number of tokens; CLIP's vocabulary is smaller


@dataclass(frozen=True)
class Built:
    """A model ready to be explained.

    Attributes:
        clip: the model.
        tokenizer: its tokenizer.
        preprocess: its image transform.
        cuts: descriptions of the removed parts; empty for a whole model.
    """

    clip: gw.ClipModel
    tokenizer: Any
    preprocess: Any
    cuts: tuple[str, ...]


def build(name: str, work: float) -> Built:
    """Build a model.

    Args:
        name: one of ``open_clip.list_models()``.
        work: approximate maximum of floating-point operations of a forward pass; larger towers are cut.

    Raises:
        TypeError: its towers are of no known family.
    """
    with _matrices_without_memory():
        model, _, preprocess = open_clip.create_model_and_transforms(
            name, pretrained_text=False, device=None
        )
    model.eval()
    tokenizer = open_clip.get_tokenizer(name)
    cuts = []
    if hasattr(model, "text_decoder"):
        del model.text_decoder
        cuts.append("no caption writer")
    text = model.text if hasattr(model, "text") else model.transformer
    cuts += _shorten("image", model.visual, work / 2 / _image_operations(model))
    cuts += _shorten("text", text, work / 4 / _text_operations(text, tokenizer(["a"])))
    cuts += _fewer_tokens(model)
    _fill(model)
    clip = gw.ClipModel(model, preprocess, tokenizer, name=name)
    return Built(clip, tokenizer, preprocess, tuple(cuts))


@contextlib.contextmanager
def _matrices_without_memory() -> Iterator[None]:
    """Create matrices on the meta device, and constants and small tensors as usual."""

    def replace(_: nn.Module, __: str, parameter: nn.Parameter) -> nn.Parameter | None:
        if parameter is None or parameter.ndim != 2 or parameter.is_meta:  # so that ties stay tied
            return None
        return nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)

    handle = register_module_parameter_registration_hook(replace)
    try:
        yield
    finally:
        handle.remove()


def _image_operations(model: Any) -> float:
    """Return the floating-point operations of one picture, counted without running them."""
    visual = copy.deepcopy(model.visual).to("meta").requires_grad_(False)
    size = visual.image_size
    pixels = torch.empty(1, 3, *((size, size) if isinstance(size, int) else size), device="meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        visual(pixels)
    return float(counter.get_total_flops())


def _text_operations(text: nn.Module, ids: Tensor) -> float:
    """Return those of one caption, approximately: every matrix except token tables at every position."""
    tables = {t.weight for t in text.modules() if isinstance(t, nn.Embedding)}
    matrices = [p for p in text.parameters() if p.ndim == 2 and p not in tables]
    return float(2 * ids.shape[1] * sum(m.numel() for m in matrices))


def _shorten(side: str, tower: nn.Module, part: float) -> list[str]:
    """Keep a fraction of a tower's longest rows of blocks, and as many blocks of the other rows."""
    rows = [
        (parent, name, row)
        for parent in tower.modules()
        for name, row in parent.named_children()
        if type(row) in (nn.Sequential, nn.ModuleList) and len(row) > LEAST and _alike(row)
    ]
    longest = max((len(row) for *_, row in rows), default=0)
    keep = max(LEAST, int(longest * part))
    if keep >= longest:
        return []
    for parent, name, row in rows:
        setattr(parent, name, row[:keep])
    total = sum(len(row) for *_, row in rows)
    return [f"{side} {sum(min(keep, len(row)) for *_, row in rows)} of {total} blocks"]


def _alike(row: Any) -> bool:
    """Return whether the blocks after the first one, which may change the shape, can be removed."""
    shapes = [(type(block), [p.shape for p in block.parameters()]) for block in list(row)[1:]]
    return bool(shapes[0][1]) and all(shape == shapes[0] for shape in shapes)


def _fewer_tokens(model: nn.Module) -> list[str]:
    cuts = []
    for table in model.modules():
        if isinstance(table, nn.Embedding) and table.num_embeddings > VOCABULARY:
            cuts.append(f"{VOCABULARY:,} of {table.num_embeddings:,} tokens")
            table.weight = nn.Parameter(table.weight[:VOCABULARY])
            table.num_embeddings = VOCABULARY
    return cuts


def _fill(model: nn.Module) -> None:
    """Set random weights, of one seed, that preserve the scale of activations."""
    generator = torch.Generator().manual_seed(0)
    filled: dict[nn.Parameter, nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if parameter not in filled:
                # Uniform of standard deviation 1, or less by what is summed over, since quick to draw.
                values = torch.empty(parameter.shape).uniform_(
                    -(3**0.5), 3**0.5, generator=generator
                )
                if parameter.ndim < 2:
                    values = 0.5 + 0.2 * values
                else:
                    values /= max(1, parameter[0].numel()) ** 0.5
                filled[parameter] = nn.Parameter(values)
            setattr(module, name, filled[parameter])
