"""Grad-ECLIP without its loosened spatial weights: channel weights from the gradient alone."""

from __future__ import annotations

from torch import Tensor

from ..clip.blocks.attention import PooledAttention
from ..clip.image_towers.base import ImageBatch
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from ..core.progress import Progress, no_progress
from .grad_eclip import GradEclip


class GradEclipWithoutLambda(GradEclip):
    """The paper's ablation: every token has weight one, even if the pooled token hardly attends to it.

    With v the tokens' values and w = dS/do, o the attention output at the pooled token::

        map_i = sum_c w_c  v_ic

    and on the text side J_l v_j in place of J_l (lambda_j v_j). As in `GradEclip` the sign is kept, and
    ``reference=True`` takes the ReLU in every block. A tower that pools its last feature map has no lambda;
    for it the method equals Grad-ECLIP.

    Reference:
        Zhao et al., "Gradient-based Visual Explanation for Transformer-based CLIP", ICML 2024, the ablation
        of the spatial weights; ``withksim=False`` in their code (``generate_emap.py``).
    """

    name = "grad-eclip-without-lambda"
    label = "Grad-ECLIP without λ"
    purpose = "Grad-ECLIP without its weights of patches, to see what they change."
    limits = "Where the model attends: a patch that it ignores counts like any other."

    def token_attributions(
        self, trace: TextTrace, image: Tensor | None = None, progress: Progress = no_progress
    ) -> Attributions:
        """Return the sum over the explained blocks of J_l v_j, (T, E)."""
        return trace.propagate([self.token_values(attention) for attention in trace.attentions])

    def patch_values(self, attention: PooledAttention) -> Tensor:
        """Return the values v_i (patches, D) of one block."""
        return attention.v[attention.tokens].float()

    def batch_values(self, batch: ImageBatch) -> Tensor:
        """Return the values v_i (B, patches, D)."""
        return batch.v.float()

    def token_values(self, attention: PooledAttention) -> Tensor:
        """Return the values v_j (T, D) of a caption's tokens in one block."""
        return attention.v[attention.tokens]
