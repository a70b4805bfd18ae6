"""Compute maps of a caption and its words in single blocks of both towers."""

from __future__ import annotations

from typing import Any

import torch

from ..core.explanation_data import BlockMaps
from ..core.progress import Progress
from ..methods import blockwise
from ..methods.token_attributions import positive_parts, word_sums
from .setup import Setup


def block_maps(setup: Setup, image: Any, caption: str, progress: Progress) -> BlockMaps:
    """Trace both towers in all their blocks and return the maps of each.

    Args:
        setup: model, method and options.
        image: as in `Explainer.__call__`.
        caption: a single caption.
        progress: called at the stages "image tower" and "maps".

    Raises:
        ValueError: the method has no blocks, or does not run them as the model does.
    """
    clip, method = setup.clip, blockwise(setup.method)
    (tokens,) = clip.tokens([caption])
    picture = setup.picture(image)
    if method.reference:
        raise ValueError(
            "reference=True changes the blocks that it explains, so maps of all blocks would belong to "
            "another model; use reference=False"
        )
    image, text = clip.image_tower, clip.text_tower
    image_layers, text_layers = setup.settings.layers
    progress("image tower", 0, None)
    with clip.inference_context():
        pixels = clip.to_device(picture.pixels)
        traces = [image.trace(pixels, n, contributions=False) for n in (image.depth, image_layers)]
        progress("maps", 0, 2)
        sequence = clip.tokenizer.add_special_tokens(tokens.ids)
        whole, trace = text.run([sequence], text.depth, clip.tokenizer.special_tokens)
        shares = method.block_attributions(trace)
        embedded = shares.embedding.to(whole)
        words = torch.stack([word_sums(s, tokens.words) for s in embedded])  # (Lt, W, E)
        explained = words[-text_layers:].sum(0)
        image_maps = method.block_maps(traces[0], torch.cat([whole, explained]))
        progress("maps", 1, 2)
        text_maps = method.image_maps(traces[1], words.flatten(0, 1))
        evidence = shares.of_score(traces[1].embedding, freeze_norms=setup.settings.freeze_norms)
        importance = [word_sums(positive_parts(s), tokens.words) for s in evidence]
    grid = traces[0].grid
    return BlockMaps(
        tokens.caption,
        image_maps.float().unflatten(-1, grid).cpu().numpy(),
        text_maps.float().unflatten(0, words.shape[:2]).unflatten(-1, grid).cpu().numpy(),
        torch.stack(importance).float().cpu().numpy(),
    )
