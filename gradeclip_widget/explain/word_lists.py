"""The vocabularies of the package."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from ..core.vocabulary import Vocabulary
from ..demo.world import COLORS, OBJECTS, SHAPES

# The categories of COCO (Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014) that have
# instances in the dataset, in its order.
_COCO = """
    person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant,
    stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe,
    backpack, umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball
    bat, baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife,
    spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair,
    couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote, keyboard, cell phone,
    microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear, hair drier,
    toothbrush
"""


@functools.cache
def vocabularies(model: str = "") -> Mapping[str, Vocabulary]:
    """Return the vocabularies of the package, by name.

    >>> list(vocabularies("demo"))
    ['demo', 'objects', 'imagenet', 'colors']

    Args:
        model: name of the model. The embedded one has a further list, of all objects and shapes it knows.
    """
    from open_clip.zero_shot_metadata import IMAGENET_CLASSNAMES

    lists = [
        Vocabulary("objects", tuple(" ".join(_COCO.split()).split(", "))),
        Vocabulary("imagenet", IMAGENET_CLASSNAMES),
        Vocabulary("colors", tuple(COLORS), "a photo of something {}"),
    ]
    if model == "demo":
        colored = [f"{color} {shape}" for color in COLORS for shape in SHAPES]
        lists.insert(0, Vocabulary("demo", (*OBJECTS, *colored)))
    return {each.name: each for each in lists}
