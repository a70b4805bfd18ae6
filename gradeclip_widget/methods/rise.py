"""RISE: how the score changes with the parts of the picture that random masks show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from ..clip.blocks.attention import no_autocast
from ..clip.blocks.transformer import batch_size
from ..clip.image_towers.base import ImageTrace
from ..core.progress import Progress, no_progress
from .base import Method

# Covariances (E, patches) by picture and by the options of its masks.
_CACHE: WeakKeyDictionary[ImageTrace, dict[tuple[object, ...], Tensor]] = WeakKeyDictionary()


class Rise(Method):
    """Covariance of the score with masks that each show a random half of the picture.

    A mask M is a grid of cells, each 1 with probability p and otherwise 0, enlarged bilinearly to a size one
    cell larger than the picture, and cropped at a random place. It multiplies the normalized pixels, so that
    hidden parts become the mean color. With x_i the unit embedding of the picture under mask M_i, and t the
    text, the paper's map of a pixel is the mean score of the masks that show it (equation 6)::

        1/(N p)  sum_i (x_i . t) M_i

    Cosines of CLIP are close together and far from zero for all masks: this map is about their mean, with
    small differences, and positive everywhere. Here the mean of the scores is subtracted from each::

        1/(N p)  sum_i (x_i . t - mean_k x_k . t) M_i

    which is cov(score, M) / p: how much higher than average the score is when the pixel is shown. It is zero
    for a pixel that does not matter, and negative if hiding the pixel raises the score. The paper's map
    differs by a constant (the mean score) and by noise from that constant: a pixel that more masks show than
    others gets more of it. The map of a patch is the mean over its pixels.

    The map is linear in t, so the masked pictures are embedded once for all texts, and the result is cached
    with the trace. Cells are square, with ``cells`` of them along the picture's shorter side; the paper uses
    only square pictures. RISE defines no attributions for text; those of Grad-ECLIP are used.

    Args:
        reference: has no effect here.
        masks: number of masks; 2000 as in the Grad-ECLIP paper's comparison.
        cells: number of cells along the shorter side.
        keep: probability p that a cell is shown.
        batch: masked pictures that are embedded at once; ``None`` for as many as take about a tenth of a
            second.
        seed: seed of the masks. The same seed and batch give the same bits.

    Raises:
        ValueError: an option has an invalid value.

    Reference:
        Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models",
        BMVC 2018, equation 6 and section 3.2.
    """

    name = "rise"
    label = "RISE"
    purpose = "How the score changes when parts of the picture are hidden."
    limits = "Small things: the hidden parts are large. Every picture takes thousands of passes."

    def __init__(
        self,
        reference: bool = False,
        *,
        masks: int = 2000,
        cells: int = 8,
        keep: float = 0.5,
        batch: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(reference)
        for name, value, least in (("masks", masks, 2), ("cells", cells, 1), ("batch", batch, 1)):
            if value is not None and value < least:
                raise ValueError(f"{name}={value} of method='rise': give at least {least}")
        if not 0 < keep < 1:
            raise ValueError(f"keep={keep} of method='rise': give a probability between 0 and 1")
        self.masks, self.cells, self.keep = masks, cells, keep
        self.batch, self.seed = batch, seed

    def image_maps(
        self, trace: ImageTrace, directions: Tensor, progress: Progress = no_progress
    ) -> Tensor:
        """Return signed maps (K, patches), in units of the score.

        ``progress`` is called at the stage "masks", before every batch, but not for further texts.
        """
        with no_autocast(directions):
            return directions.float() @ self._covariance(trace, progress).to(directions.device)

    def _covariance(self, trace: ImageTrace, progress: Progress) -> Tensor:
        """Return the covariance (E, patches) of the embedding with the masks, divided by p."""
        cache = _CACHE.setdefault(trace, {})
        key = (self.masks, self.cells, self.keep, self.batch, self.seed)
        if key not in cache:
            embeddings, shown = self._embed_masked(trace, progress)
            with no_autocast(embeddings):
                deviations = embeddings - embeddings.mean(0)
                cache[key] = deviations.T @ shown / (self.masks * self.keep)
        return cache[key]

    def _embed_masked(self, trace: ImageTrace, progress: Progress) -> tuple[Tensor, Tensor]:
        """Return embeddings (N, E) under the masks, and how much of each patch they show (N, patches)."""
        size = trace.pixels.shape[-2:]
        embeddings, shown, done = [], [], 0
        for masks in self._draw(size[0], size[1], self.batch or _batch_size(trace)):
            progress("masks", done, self.masks)
            masked = trace.pixels * masks[:, None].to(trace.pixels)
            embeddings.append(trace.tower.encode(masked).float())
            shown.append(F.adaptive_avg_pool2d(masks, trace.grid).flatten(1))
            done += len(masks)
        x = torch.cat(embeddings)
        return x, torch.cat(shown).to(x)

    def _draw(self, height: int, width: int, batch: int) -> Iterator[Tensor]:
        """Yield all masks in batches (B, H, W); they do not depend on the size of the batch."""
        cell = math.ceil(min(height, width) / self.cells)
        rows, cols = math.ceil(height / cell), math.ceil(width / cell)
        generator = torch.Generator().manual_seed(self.seed)
        with torch.device("cpu"):  # not on torch's default device
            grids = torch.rand(self.masks, rows, cols, generator=generator, dtype=torch.float32)
            shifts = torch.randint(cell, (self.masks, 2), generator=generator)
        grids = (grids < self.keep).float()
        size = ((rows + 1) * cell, (cols + 1) * cell)
        for some, at in zip(grids.split(batch), shifts.split(batch), strict=True):
            large = F.interpolate(some[:, None], size, mode="bilinear")[:, 0]
            yield torch.stack(
                [
                    one[top : top + height, left : left + width]
                    for one, (top, left) in zip(large, at.tolist(), strict=True)
                ]
            )


def _batch_size(trace: ImageTrace) -> int:
    if not trace.tower.has_transformer:
        return 1  # since `ImageTower.encode` embeds them one by one
    return batch_size(trace.transformer, len(trace.transformer.blocks))
