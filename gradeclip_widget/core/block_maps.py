"""Maps of single blocks of both towers."""

from __future__ import annotations

from dataclasses import dataclass, field

from .explanation_record import Maps


@dataclass(frozen=True, eq=False)
class BlockMaps:
    """Maps of a picture and a caption in single blocks of both towers, shallowest first.

    The maps of the blocks that an `Explanation` explains sum to its own maps.

    Attributes:
        caption: the caption as given.
        image_maps: (Li, 1 + W, rows, cols) signed maps of the whole caption and of its words in each block of
            the image tower; the text side is that of the explanation.
        text_maps: (Lt, W, rows, cols) signed maps of the words from each block of the text tower alone; the
            image side is that of the explanation.
        text_importance: (Lt, W) importance of the words where that text block alone is explained: the sum of
            their tokens' shares of the caption's positive evidence.
    """

    caption: str
    image_maps: Maps = field(repr=False)
    text_maps: Maps = field(repr=False)
    text_importance: Maps = field(repr=False)
