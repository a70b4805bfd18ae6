"""MaskCLIP: each patch embedded without attention to others, and compared with the text."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..clip.blocks.attention import no_autocast
from ..clip.blocks.transformer import AttentionPooling, RowPooling, Transformer
from ..clip.image_towers.base import ImageTrace
from ..core.progress import Progress, no_progress
from .base import Method


class MaskClip(Method):
    """Cosine of the text with dense features, made of the values of the last attention.

    With x_i the patches entering the last block, v_i their values there, and "rest" all that follows (output
    projection, residual, MLP, final norm, projection to the embedding space)::

        map_i = t . f_i / |f_i|,    f_i = rest(x_i, v_i)

    so that a patch attends only to itself. If an attention pooling head follows the blocks, the head is the
    last attention, and v_i are its values, as in the paper for CLIP's ResNets. If tokens or a feature map are
    averaged, there is no such attention: f_i is then the embedding of one position, as if all others were
    equal to it.

    Not included are the paper's refinements of a segmentation, key smoothing and prompt denoising, which need
    a list of classes and are off by default in the authors' code; their templates for class names; and the
    factor cos(k_class, k_i) in the baseline of the Grad-ECLIP authors. MaskCLIP defines no attributions for
    text; those of Grad-ECLIP are used.

    Args:
        reference: has no effect here.

    Reference:
        Zhou, Loy, Dai, "Extract Free Dense Labels from CLIP", ECCV 2022, section 3.2; for vision
        transformers the authors' code (``mmseg/models/backbones/vit.py``, ``return_qkv``).
    """

    name = "maskclip"
    label = "MaskCLIP"
    purpose = "What each patch by itself looks like to the model."
    limits = "What raises the score: patches that it ignores are shown like all others."

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return signed maps (K, patches): cosines, times the length of the direction."""
        features = dense_features(trace)
        with no_autocast(features):
            return directions.float() @ features.T


@torch.no_grad()
def dense_features(trace: ImageTrace) -> Tensor:
    """Return MaskCLIP's unit features (patches, E) of a picture."""
    if not trace.tower.has_transformer:  # a convolutional network below a pooling head or a mean
        alone = torch.eye(trace.grid[0] * trace.grid[1], dtype=torch.float32, device="cpu")
        return torch.stack([trace.region_embedding(patch) for patch in alone]).float()
    transformer = trace.transformer
    if not isinstance(transformer.pooling, RowPooling):
        return embed_patches(transformer, transformer.inputs[-1])
    block, rows = transformer.blocks[-1], transformer.inputs[-2]
    _, _, values = block.qkv(rows)
    return embed_patches(transformer, block.forward_from_attention(rows, values))


def embed_patches(transformer: Transformer, rows: Tensor) -> Tensor:
    """Return the unit embedding (patches, E) of each patch, as if the tower pooled only this patch.

    Args:
        transformer: the image tower's.
        rows: (N, D) leaving its last block.
    """
    pooling, patches = transformer.pooling, transformer.explained
    if isinstance(pooling, RowPooling):
        return pooling.tail(rows[patches])
    if isinstance(pooling, AttentionPooling):
        _, _, values = pooling.qkv(rows[pooling.skipped :])
        return pooling.tail(F.pad(values, (0, 0, len(rows) - len(values), 0))[patches])
    return torch.stack([pooling.embed(_repeated(row, rows, patches)) for row in rows[patches]])


def _repeated(row: Tensor, rows: Tensor, patches: slice | Tensor) -> Tensor:
    """Return rows (N, D) with every patch replaced by one patch, so that the mean is that patch."""
    rows = rows.clone()
    rows[patches] = row
    return rows
