"""exCLIP: second-order attributions by integrated Jacobians of both towers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.autograd import forward_ad

from ..clip.blocks.attention import no_autocast
from ..clip.blocks.forward_mode import dual_level
from ..clip.blocks.transformer import Transformer, differentiable
from ..clip.image_towers.base import ImageTrace
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from ..core.progress import Progress, no_progress
from .base import Method

_ROWS = 1024  # rows that are run at once, to limit memory: gradients need the results of all blocks


class ExClip(Method):
    """What each pair of a token and a patch contributes to the score, by integrated Jacobians.

    With a_i the patches and b_j the tokens entering a block of their tower, a0 and b0 those of a reference
    without content, and x and t the towers as functions of them, the terms of the score S = x(a) . t(b) are::

        A_ji = (b_j - b0_j)^T K_j^T  J_i (a_i - a0_i)
        J_i = mean over steps of dx/da_i at a0 + s (a - a0),    s = (n + 1/2) / steps;  K_j for t alike

    Summed over all rows of both towers they are S(a, b) - S(a0, b) - S(a, b0) + S(a0, b0), up to the error
    of the midpoint rule. Rows of special tokens (class token, SOT, EOT) also have terms, which are not shown;
    from the second block on these are much of the sum. In the first block (``layer=0``) they are zero, and
    the terms of patches and tokens are the whole sum, except in text towers like RoBERTa, where padding moves
    EOT to another position.

    As a method of this package: the map along a direction d is d^T J_i (a_i - a0_i), which is linear in d,
    and a token contributes K_j (b_j - b0_j) to the embedding, so the interactions of an explanation are A.

    As in the authors' code the reference picture is zero after normalization, so it has the mean color, and
    is run through the blocks below; the reference caption has padding in place of its tokens. Differences:
    the authors' reference has one padding token, for captions of any length, and EOT after it, so that their
    path does not start at a caption. Here it has as many padding tokens as the caption has tokens, between
    the same special tokens, and is run with the caption's attention mask. They evaluate at the upper end of
    each step, which is less exact, and divide by the lengths of the explained embeddings; here the
    normalization is part of the functions, so the sum above is one of cosines. For text towers of unknown
    blocks (`TextTower.has_transformer`) the attributions of Grad-ECLIP are used.

    Args:
        reference: has no effect here.
        steps: points on the path; 10 as in the authors' code.
        layer: the block of each tower that the rows enter; 0 is the first and -1 the last. The authors' code
            uses the last one, in towers of 12 blocks.

    Raises:
        ValueError: an option has an invalid value.

    Reference:
        Moeller, Tilli, Vu, Padó, "Explaining Caption-Image Interactions in CLIP Models with Second-Order
        Attributions", TMLR 2025 (arXiv 2408.14153), equations 9 and 10, and ``exclip/explanation.py``.
    """

    name = "exclip"
    label = "exCLIP"
    purpose = "Which words and patches support each other, from many small steps in place of one derivative."
    limits = "The part of the score that comes from no word or patch. Every word takes a pass."
    needs_transformer = True

    def __init__(self, reference: bool = False, *, steps: int = 10, layer: int = -1) -> None:
        super().__init__(reference)
        if steps < 1:
            raise ValueError(f"steps={steps} of method='exclip': give at least 1")
        self.steps, self.layer = steps, layer

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return signed maps (K, patches), in units of the score.

        ``progress`` is called at the stage "image integration", for each direction and part of the path.
        """
        with torch.no_grad():
            blank = trace.tower.transformer(torch.zeros_like(trace.pixels))
        path = _Path.between(blank, trace.transformer, self.layer, self.steps)
        count, dimensions = directions.shape
        if count <= dimensions:
            return path.pulled(directions.float(), progress)
        basis = torch.eye(dimensions, device=directions.device, dtype=torch.float32)
        with no_autocast(basis):
            return directions.float() @ path.pulled(basis, progress)

    def token_attributions(
        self, trace: TextTrace, image: Tensor | None = None, progress: Progress = no_progress
    ) -> Attributions:
        """Return what each of a caption's T tokens contributes to its embedding, (T, E).

        ``progress`` is called at the stage "text integration", before every step.
        """
        if not trace.tower.has_transformer:
            return super().token_attributions(trace, image, progress)
        ids, special = list(trace.ids), trace.special_tokens
        tokens = special.caption_slice(len(ids))
        ids[tokens] = [special.pad] * (tokens.stop - tokens.start)
        with torch.no_grad():
            blank = trace.tower.transformer(ids, special)
        path = _Path.between(blank, trace.transformer, self.layer, self.steps)
        return Attributions(path.pushed(progress))


@dataclass(frozen=True, eq=False)
class _Path:
    """The straight path between the rows of a reference and of an input, entering a block.

    Attributes:
        transformer: the tower, with the input's rows.
        layer: index of the block.
        start: rows (N, D) of the reference, float32.
        difference: rows of the input minus those of the reference.
        points: points of the path to differentiate at, from 0 to 1.
    """

    transformer: Transformer
    layer: int
    start: Tensor
    difference: Tensor
    points: Tensor

    @classmethod
    def between(cls, blank: Transformer, transformer: Transformer, layer: int, steps: int) -> _Path:
        """Return the path from a reference to an input.

        Raises:
            ValueError: the tower has no such block.
        """
        depth = len(transformer.blocks)
        if not -depth <= layer < depth:
            raise ValueError(
                f"layer={layer} of method='exclip': this tower has {depth} blocks; give -{depth} to "
                f"{depth - 1}"
            )
        layer %= depth
        start = replace(blank, mask=transformer.mask).inputs[layer].float()
        points = (torch.arange(steps, device=start.device, dtype=start.dtype) + 0.5) / steps
        return cls(transformer, layer, start, transformer.inputs[layer].float() - start, points)

    def at(self, points: Tensor) -> Tensor:
        """Return rows (P, N, D) at points (P,)."""
        return self.start + points[:, None, None] * self.difference

    def pulled(self, directions: Tensor, progress: Progress) -> Tensor:
        """Return d^T J_i (a_i - a0_i) of explained rows, for directions (K, E): (K, explained rows).

        It uses reverse mode, with a backward pass for each direction.
        """
        chunks = self.points.split(max(1, _ROWS // len(self.start)))
        sums = self.start.new_zeros(len(directions), len(self.start))
        for n, some in enumerate(chunks):
            with differentiable(self.start):
                rows = self.at(some).requires_grad_()
                x = self.transformer.embed(rows.to(self.transformer.rows.dtype), self.layer)
                for k, direction in enumerate(directions):
                    done = n * len(directions) + k
                    progress("image integration", done, len(chunks) * len(directions))
                    along = direction.to(x).expand_as(x)
                    (gradient,) = torch.autograd.grad(x, rows, along, retain_graph=True)
                    sums[k] += (gradient.sum(0) * self.difference).sum(-1)
        return sums[:, self.transformer.explained] / len(self.points)

    @torch.no_grad()
    def pushed(self, progress: Progress) -> Tensor:
        """Return K_j (b_j - b0_j) (explained rows, E).

        It uses forward mode, for all rows at once, since there are fewer rows than embedding dimensions.
        """
        rows = torch.arange(len(self.start), device=self.start.device)
        chunks = rows[self.transformer.explained].split(max(1, _ROWS // len(rows)))
        sums, total = list[Tensor](), len(chunks) * len(self.points)
        for some in chunks:
            each = torch.arange(len(some), device=some.device)
            tangents = self.start.new_zeros(len(some), *self.start.shape)
            tangents[each, some] = self.difference[some]
            parts = []
            for n, point in enumerate(self.points):
                progress("text integration", len(sums) * len(self.points) + n, total)
                parts.append(self._derivatives(point[None], tangents))
            sums.append(torch.stack(parts).mean(0))
        return torch.cat(sums)

    def _derivatives(self, point: Tensor, tangents: Tensor) -> Tensor:
        """Return the derivatives (T, E) of the embedding along tangents (T, N, D) at one point (1,)."""
        transformer, dtype = self.transformer, self.transformer.rows.dtype
        rows = self.at(point).expand_as(tangents).to(dtype).contiguous()
        with dual_level(), no_autocast(rows):
            dual = forward_ad.make_dual(rows, tangents.to(dtype))
            for number in range(self.layer, len(transformer.blocks)):
                dual, _ = transformer.attend(number, dual)
            x, along = forward_ad.unpack_dual(transformer.pooling.embed(dual))
        return torch.zeros_like(x) if along is None else along.float()
