"""How the evidence forms with depth: the maps of a caption and its words in single blocks of both towers."""

from __future__ import annotations

import torch

from ..clip import ClipModel
from ..clip.preprocessing import Picture
from ..clip.tokenizers.open_clip_bpe import Tokens
from ..core.block_maps import Depth
from ..core.progress import Progress
from ..methods import BlockwiseMethod, Method
from ..methods.token_shares import positive_parts, word_sums


def by_block(
    clip: ClipModel,
    method: Method,
    picture: Picture,
    tokens: Tokens,
    image_layers: int,
    text_layers: int,
    progress: Progress,
    *,
    freeze_norms: bool = True,
) -> Depth:
    """Both towers traced in all their blocks.

    Args:
        clip: the model.
        method: one that explains block by block.
        picture: what is explained.
        tokens: by what.
        image_layers: how many of the last image blocks the explanation sums over.
        text_layers: the same of the text blocks.
        progress: called at the stages "image tower" and "maps".
        freeze_norms: as in `Explainer`, for the importance of words.

    Raises:
        ValueError: the method has no blocks, or runs them otherwise than the model does.
    """
    if not isinstance(method, BlockwiseMethod):
        raise ValueError(
            f"method={method.name!r} explains the last block only: it has no maps of single blocks; use "
            "method='grad-eclip'"
        )
    if method.reference:
        raise ValueError(
            "reference=True runs the blocks that it explains otherwise than the model does, so maps of all "
            "blocks would be another model's; use reference=False"
        )
    image, text = clip.image_tower, clip.text_tower
    progress("image tower", 0, None)
    with clip.running():
        pixels = clip.to_device(picture.pixels)
        traces = [image.trace(pixels, n, effects=False) for n in (image.depth, image_layers)]
        progress("maps", 0, 2)
        sequence = clip.tokenizer.framed(tokens.ids)
        caption, trace = text.run([sequence], text.depth, clip.tokenizer.frame)
        shares = method.block_shares(trace)
        embedded = shares.embedded.to(caption)
        words = torch.stack([word_sums(s, tokens.words) for s in embedded])  # (Lt, W, E)
        explained = words[-text_layers:].sum(0)
        image_maps = method.block_maps(traces[0], torch.cat([caption, explained]))
        progress("maps", 1, 2)
        text_maps = method.image_maps(traces[1], words.flatten(0, 1))
        evidence = shares.of_score(traces[1].embedding, freeze_norms=freeze_norms)
        importance = [word_sums(positive_parts(s), tokens.words) for s in evidence]
    grid = traces[0].grid
    return Depth(
        tokens.caption,
        image_maps.float().unflatten(-1, grid).cpu().numpy(),
        text_maps.float().unflatten(0, words.shape[:2]).unflatten(-1, grid).cpu().numpy(),
        torch.stack(importance).float().cpu().numpy(),
    )
