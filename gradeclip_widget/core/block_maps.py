"""Maps of single blocks of both towers."""

from __future__ import annotations

from dataclasses import dataclass, field

from .explanation_record import Maps


@dataclass(frozen=True, eq=False)
class Depth:
    """What single blocks of both towers say of a picture and a caption, shallowest first.

    The maps of the blocks that an `Explanation` explains sum to its own maps.

    Attributes:
        caption: the caption as given.
        image_maps: (Li, 1 + W, rows, cols) signed maps of the whole caption and of its words in each block of
            the image tower, the text side as explained.
        text_maps: (Lt, W, rows, cols) maps of the words as each block of the text tower alone gives them, the
            image side as explained.
        text_importance: (Lt, W) importance of the words where that text block alone is explained: its tokens'
            share of the caption's positive evidence.
    """

    caption: str
    image_maps: Maps = field(repr=False)
    text_maps: Maps = field(repr=False)
    text_importance: Maps = field(repr=False)
