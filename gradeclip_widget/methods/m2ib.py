"""M2IB: how much information of each patch and token must pass a bottleneck to keep the score."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..clip.blocks.transformer import Transformer, batch_size, differentiable
from ..clip.image_towers.base import ImageTrace
from ..clip.text_towers.attributions import Attributions
from ..clip.text_towers.base import TextTrace
from ..core.progress import Progress, no_progress
from .base import Method
from .token_attributions import Relevance, scale_by_length, unit_directions

_OPEN = 5.0  # alpha before the first step: 99.3 % of every feature passes
_PASSES = 3  # a forward pass, and a backward pass that costs about two
_SCALE = 1024.0  # scale of gradients in the backward pass, without which most are zero in float16
_ALIKE = 1e-6  # distance up to which unit directions are equal


class M2ib(Method):
    """Information that passes a bottleneck of noise, which is made as narrow as the score allows.

    Between two blocks, the features r (N, D) of the picture are mixed with noise, by a parameter alpha of
    their shape::

        z = lambda r + (1 - lambda) eps,    lambda = sigmoid(alpha),    eps ~ N(0, 1)

    With t the text's embedding and x(z) the picture's, alpha is optimized for every text separately, to
    minimize::

        beta mean( KL[ N(lambda r, (1 - lambda)^2) || N(0, 1) ] )  -  E[ cos(x(z), t) ]

    by Adam from alpha = 5, on few samples of the noise. The map of a patch is its KL, in nats, summed over
    its features. The text side is the same with the towers exchanged: the information of each of the
    caption's tokens along the image embedding, as a fraction of the sum.

    As in the authors' code, r is not normalized before it is compared with N(0, 1), as if features had mean
    0 and variance 1, and the map is the KL before the last step, so that step is not computed. Differences:
    the authors place the bottleneck after the tenth of twelve blocks (which they call 9), and here it is
    after the same fraction of any tower, 5/6, with at least one block after it; the noise is the same for
    every text, so that maps of different texts can be compared and none depends on other texts; and the map
    is not scaled to 0..1. A direction that is no unit vector has the map along the unit vector, times its
    length. For text towers of unknown blocks (`TextTower.has_transformer`) the attributions of Grad-ECLIP are
    used.

    Args:
        reference: has no effect here.
        layer: number of blocks of the image tower below the bottleneck.
        text_layer: number of blocks of the text tower below the bottleneck.
        beta: weight of the information; 0.1 as in the authors' code for both towers.
        steps: steps of the optimization, of which the last is not computed.
        learning_rate: learning rate of Adam.
        samples: samples of the noise in each step.
        seed: seed of the noise. The same seed gives the same bits, also together with other texts.

    Raises:
        ValueError: an option has an invalid value.

    Reference:
        Wang, Rudner, Wilson, "Visual Explanations of Image-Text Representations via Multi-Modal Information
        Bottleneck Attribution", NeurIPS 2023, section 3; constants of their code (``scripts/iba.py``). The
        bottleneck is that of Schulz et al., "Restricting the Flow", ICLR 2020.
    """

    name = "m2ib"
    label = "M2IB"
    purpose = "Which patches and words have the information that the score needs."
    limits = "What counts against the text. Every text takes an optimization."
    needs_transformer = True
    per_text = True

    def __init__(
        self,
        reference: bool = False,
        *,
        layer: int | None = None,
        text_layer: int | None = None,
        beta: float = 0.1,
        steps: int = 10,
        learning_rate: float = 1.0,
        samples: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__(reference)
        for name, count in (("steps", steps), ("samples", samples)):
            if count < 1:
                raise ValueError(f"{name}={count} of method='m2ib': give at least 1")
        for name, value in (("beta", beta), ("learning_rate", learning_rate)):
            if not value > 0:
                raise ValueError(f"{name}={value} of method='m2ib': give a number above 0")
        self.layer, self.text_layer = layer, text_layer
        self.beta, self.steps, self.learning_rate = beta, steps, learning_rate
        self.samples, self.seed = samples, seed

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return maps (K, patches) of information in nats, never negative.

        Parallel directions share one optimization. ``progress`` is called at the stage "image optimization",
        before every step or part of a step.
        """
        transformer = trace.transformer
        layer = _layer("layer", self.layer, transformer)
        unit = unit_directions(directions.float())
        leaders = _parallel_to(unit)
        work = _Counter(progress, "image optimization", len({*leaders} - {None}) * (self.steps - 1))
        maps = dict[int | None, Tensor]()
        for k in leaders:
            if k is not None and k not in maps:
                maps[k] = self._information(transformer, layer, unit[k], work)
        maps[None] = unit.new_zeros(transformer.rows[transformer.explained].shape[0])
        return scale_by_length(torch.stack([maps[k] for k in leaders]), directions)

    def token_attributions(
        self, trace: TextTrace, image: Tensor | None = None, progress: Progress = no_progress
    ) -> Attributions:
        """Return each token's fraction (T,) of the information along the image embedding.

        ``progress`` is called at the stage "text optimization", before every step.

        Raises:
            ValueError: ``image`` is ``None``.
        """
        if not trace.tower.has_transformer:
            return super().token_attributions(trace, image, progress)
        if image is None:
            raise ValueError(
                "method='m2ib' attributes a score to tokens, not an embedding: give the image embedding"
            )
        transformer = trace.transformer
        layer = _layer("text_layer", self.text_layer, transformer)
        work = _Counter(progress, "text optimization", self.steps - 1)
        unit = unit_directions(image.float()[None])[0]
        information = self._information(transformer, layer, unit, work)
        return Relevance.of(information / information.sum(), trace.embedding)

    def _information(
        self, transformer: Transformer, layer: int, direction: Tensor, work: _Counter
    ) -> Tensor:
        """Return the information (explained rows,) that passes after the optimization of alpha."""
        rows = transformer.inputs[layer].float()
        alpha = torch.full_like(rows, _OPEN).requires_grad_()
        optimizer = torch.optim.Adam([alpha], lr=self.learning_rate)
        generator = torch.Generator().manual_seed(self.seed)
        batch = batch_size(transformer, len(transformer.blocks) - layer, _PASSES)
        for _ in range(self.steps - 1):
            noise = torch.randn(
                self.samples, *rows.shape, generator=generator, dtype=rows.dtype, device="cpu"
            )
            with differentiable(rows):
                loss = self.beta * _divergence(rows, alpha).mean()
                (alpha.grad,) = torch.autograd.grad(loss, alpha)
                for some in noise.split(batch):
                    work.report()
                    loss = self._misfit(transformer, layer, direction, alpha, some.to(rows))
                    alpha.grad += torch.autograd.grad(_SCALE * loss, alpha)[0] / _SCALE
            optimizer.step()
            work.done += 1
        return _divergence(rows, alpha.detach()).sum(-1)[transformer.explained]

    def _misfit(
        self,
        transformer: Transformer,
        layer: int,
        direction: Tensor,
        alpha: Tensor,
        noise: Tensor,
    ) -> Tensor:
        """Return minus the contribution of samples of noise (B, N, D) to the mean cosine."""
        rows, passing = transformer.inputs[layer].float(), alpha.sigmoid()
        mixed = passing * rows + (1 - passing) * noise
        embeddings = transformer.embed(mixed.to(transformer.rows.dtype), layer)
        return -(embeddings.float() @ direction).sum() / self.samples


class _Counter:
    """Counts the steps of all optimizations, and reports them."""

    def __init__(self, progress: Progress, stage: str, total: int) -> None:
        self.done = 0
        self._progress, self._stage, self._total = progress, stage, total

    def report(self) -> None:
        self._progress(self._stage, self.done, self._total)


def _divergence(rows: Tensor, alpha: Tensor) -> Tensor:
    """Return KL[ N(lambda r, (1 - lambda)^2) || N(0, 1) ] of every feature (N, D), in nats."""
    passing, noise = alpha.sigmoid(), (-alpha).sigmoid()
    return 0.5 * ((passing * rows) ** 2 + noise**2 - 1) - F.logsigmoid(-alpha)


def _layer(option: str, value: int | None, transformer: Transformer) -> int:
    """Return how many blocks of a transformer are below the bottleneck.

    Raises:
        ValueError: ``value`` leaves no block above the bottleneck, or is negative.
    """
    depth = len(transformer.blocks)
    if value is None:
        return min(5 * depth // 6, depth - 1)
    if not 0 <= value < depth:
        raise ValueError(
            f"{option}={value} of method='m2ib': this tower has {depth} blocks, one of which must follow the "
            f"bottleneck; give 0 to {depth - 1}"
        )
    return value


def _parallel_to(unit: Tensor) -> list[int | None]:
    """Return for each direction (K, E) the first one parallel to it; ``None`` for zeros."""
    leaders: list[int | None] = []
    for k, direction in enumerate(unit):
        same = ((unit[: k + 1] - direction).norm(dim=-1) <= _ALIKE).nonzero()
        leaders.append(int(same[0]) if direction.any() else None)
    return leaders
