"""Maps of single blocks of the towers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from ...core.progress import Progress
from ...export.payload import to_raw_depth
from .base import Context, Question

if TYPE_CHECKING:
    from ..backend.backend import Backend


class SingleBlocks(Question):
    """Maps of the active prompt in every block of both towers; see `Explainer.block_maps`."""

    asks, answer = "depth", "_depth"

    class Traits(t.HasTraits):
        """Whether the maps are computed, the maps, and which block is shown."""

        depth = t.Bool(False, help="whether maps of single blocks are computed").tag(
            sync=True, control=True, option=True, page=True
        )
        _depth = t.Instance(dict, allow_none=True, help="the maps of single blocks").tag(
            sync=True, page=True, ts="RawDepth"
        )
        image_block = t.Int(
            None,
            allow_none=True,
            min=0,
            help="index of the block of the image tower whose maps are shown; the explained blocks if None",
        ).tag(sync=True, option=True, page=True)
        text_block = t.Int(None, allow_none=True, min=0, help="the same for the text tower").tag(
            sync=True, option=True, page=True
        )

    def arguments(self, value: Any, context: Context, backend: Backend) -> tuple[Any, ...] | None:
        """Return the request without its prompts, and the active prompt.

        A method that does not go block by block has no such maps.
        """
        if not backend.has_blocks(context.request):
            return None
        return context.request.of_picture, context.caption

    def compute(self, backend: Backend, *arguments: Any, progress: Progress | None = None) -> Any:
        """Return the maps as `RawDepth`."""
        request, caption = arguments
        explainer = backend.explainer(request, progress)
        return dict(to_raw_depth(explainer.block_maps(backend.source(request), caption, progress)))
