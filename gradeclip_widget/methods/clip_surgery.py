"""CLIP Surgery: patches attend by their values, and what they show for every text is subtracted."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..clip import ClipModel
from ..clip.blocks.attention import attend, no_autocast
from ..clip.blocks.transformer import Transformer
from ..clip.image_towers.base import ImageTrace
from ..clip.tokenizers.base import caption_texts
from ..core.progress import Progress, no_progress
from .base import Method
from .maskclip import embed_patches

_SHARPNESS = 2.0  # of the softmax over labels
_UNIT = 1e-3  # tolerance for the length one of a text's embedding
_EQUAL = 1e-5  # cosine distance below which a text equals a label


class ClipSurgery(Method):
    """Dense features of a second path through the last blocks, compared with a text without redundant parts.

    Architecture: in addition to the unchanged blocks, with inputs x_l, a second path starts at the same rows
    and adds the attention of values to values, without MLPs ("feed-forward networks")::

        y_{l+1} = y_l + proj( softmax(v v^T / sqrt(d)) v ),    v the values of x_l, head by head

    The unit features f_i are the tower's embeddings of the patches of y after the last block. Features: with
    r what all texts have in common in f, the map of a text t is::

        map_i = f_i . (t - r)

    Without ``labels`` r is the embedding of the empty text, as in the authors' code for a single text. With
    labels, the text and the labels are weighted by how well they fit the whole picture x, and r is their
    mean::

        w = softmax(2 x . t_m) / mean,    map_i = f_i . (w t - mean_m w_m t_m)

    That is affine in t. Directions that are no texts, and so not of length one (attributions of tokens,
    differences of texts), use the linear part f_i . d, since what all texts have in common cancels in them.

    The authors define it for class tokens and for CLIP's ResNets. Here a pooling head after a transformer
    uses the values of y, and averaged tokens are used one by one, as in `MaskClip`; ResNets are not
    supported. Three parts of the authors' code are left out: averaging texts over 85 templates, the bias of
    relative positions in the second path, and scaling maps to 0..1. CLIP Surgery defines no attributions for
    text; those of Grad-ECLIP are used.

    Args:
        reference: has no effect here.
        blocks: number of last blocks that the second path passes, at most all. 6 as in the authors' code.
        labels: texts of what else may be in the picture.

    Raises:
        TypeError, ValueError: an option has an invalid value.

    Reference:
        Li, Wang, Duan, Li, "CLIP Surgery for Better Explainability with Enhancement in Open-Vocabulary
        Tasks", arXiv 2304.05653, 2023 (later "A Closer Look at the Explainability of Contrastive
        Language-Image Pre-training", Pattern Recognition 2025), architecture surgery and feature surgery;
        ``clip_feature_surgery`` and ``clip_surgery_model.py`` of their code.
    """

    name = "clip-surgery"
    label = "CLIP Surgery"
    purpose = "Smooth maps, without the specks that patches show for any text."
    limits = (
        "What raises the score: patches are shown by their looks, on a path that the model skips."
    )
    needs_transformer = True

    def __init__(
        self, reference: bool = False, *, blocks: int = 6, labels: Sequence[str] = ()
    ) -> None:
        super().__init__(reference)
        if blocks < 1:
            raise ValueError(f"blocks={blocks} of method='clip-surgery': give at least 1")
        self.blocks = blocks
        self.labels = caption_texts(labels) if labels else ()
        self._embedded: tuple[object, Tensor] | None = None

    def bind(self, clip: ClipModel) -> None:
        """Set the model that is explained.

        Raises:
            ValueError: a label has no words, or cannot be read.
        """
        super().bind(clip)
        ids = [tokens.ids for tokens in clip.tokens(self.labels)] if self.labels else [()]
        self._sequences = [clip.tokenizer.add_special_tokens(one) for one in ids]

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return signed maps (K, patches)."""
        features = surgical_features(trace.transformer, self.blocks)
        redundant = self._redundant_texts().to(features)
        with no_autocast(features):
            x, texts = trace.embedding.to(features), directions.to(features)
            are_texts = ((texts.norm(dim=-1) - 1).abs() < _UNIT).tolist()
            rows = [
                self._distinct(direction, redundant, x) if is_text else direction
                for direction, is_text in zip(texts, are_texts, strict=True)
            ]
            return torch.stack(rows) @ features.T

    def _distinct(self, text: Tensor, redundant: Tensor, x: Tensor) -> Tensor:
        """Return a text's embedding (E,) without what it has in common with other texts.

        Args:
            text: unit embedding (E,) of the text.
            redundant: unit embeddings (M, E) of the labels, or of the empty text.
            x: unit image embedding (E,).
        """
        if not self.labels:
            return text - redundant[0]
        others = redundant[redundant @ text < 1 - _EQUAL]
        texts = torch.cat([text[None], others])
        fit = (_SHARPNESS * texts @ x).softmax(0)
        weighted = (fit / fit.mean())[:, None] * texts
        return weighted[0] - weighted.mean(0)

    def _redundant_texts(self) -> Tensor:
        """Return unit embeddings (M, E) of the labels or the empty text; cached until the model changes."""
        version = self.clip.version
        if self._embedded is None or self._embedded[0] is not version:
            self._embedded = version, self.clip.embed(self._sequences)
        return self._embedded[1]


@torch.no_grad()
def surgical_features(transformer: Transformer, blocks: int) -> Tensor:
    """Return unit features (patches, E) of the second path, through ``blocks`` of the last blocks."""
    first = max(0, len(transformer.blocks) - blocks)
    path = transformer.inputs[first]
    for block, rows in zip(transformer.blocks[first:], transformer.inputs[first:-1], strict=True):
        _, _, v = block.qkv(rows)
        o = attend(v, v, v, block.heads)
        path = path + block.attention_branch(block.post_attention(rows, o))
    return embed_patches(transformer, path).float()
