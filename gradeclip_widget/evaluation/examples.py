"""Examples that explanations are measured on: a picture, its caption, and where what it names is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ..core.words import Span, Word, find_phrase, split_words
from ..demo.scenes import Scene, sample_scene
from ..demo.world import OBJECTS, SEEN_STYLES, counted
from ..images import read_image
from .pointing import Mask, checked_mask


class MaskedPhrase(NamedTuple):
    """What a caption names, and where it is.

    Attributes:
        text: as the caption names it.
        words: indices of its words.
        mask: (height, width) bool, its pixels.
    """

    text: str
    words: list[int]
    mask: Mask


@dataclass(frozen=True, eq=False)
class Example:
    """A picture and its caption, and where the things are that the caption names, if that is known.

    >>> import numpy as np
    >>> mask = np.zeros((20, 30), bool)
    >>> mask[5:15, 10:20] = True
    >>> Example(np.full((20, 30, 3), 200, np.uint8), "a white square", masks={"white square": mask})
    Example(caption='a white square', id='')

    Args:
        image: path, web address, bytes, PIL image or array, as `Explainer` takes it.
        caption: its caption.
        id: what tables call it; its position among the examples where it is left out.
        masks: for phrases of the caption (or their spans ``(start, end)`` in characters, needed where a
            phrase occurs twice) the pixels of what they name, boolean (height, width).
        present: what is known to be in the picture, whether or not the caption names it, as phrases without
            an article ("dog", "traffic light"). What has a mask need not be among them.
        absent: what is known not to be in the picture, in the same form.
        scene: the drawn scene that it is, if it is one.

    Raises:
        TypeError: the caption is no string.
        ValueError: the caption has no words, a phrase is not in it, or a mask is none.
    """

    image: Any = field(repr=False)
    caption: str
    id: str = ""
    masks: Mapping[str | Span, Mask] = field(default_factory=dict, repr=False)
    present: Sequence[str] = field(default=(), repr=False)
    absent: Sequence[str] = field(default=(), repr=False)
    scene: Scene | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the caption and the masks."""
        if not isinstance(self.caption, str):
            raise TypeError(f"an example's caption is a string, not {self.caption!r:.80}")
        words = [Word(self.caption[a:b], a, b) for a, b in split_words(self.caption)]
        if not words:
            raise ValueError(
                f"an example's caption needs words; this one has none: {self.caption!r}"
            )
        for phrase, mask in self.masks.items():
            self._words_of(phrase, words)
            try:
                checked_mask(mask)
            except ValueError as error:
                raise ValueError(f"mask of {phrase!r} ({self.caption!r}): {error}") from error

    def phrases(self, words: Sequence[Word]) -> Iterator[MaskedPhrase]:
        """Yield what has a mask.

        Args:
            words: the caption's, as `Explanation.words` has them.
        """
        for phrase, mask in self.masks.items():
            text = phrase if isinstance(phrase, str) else self.caption[slice(*phrase)]
            yield MaskedPhrase(text, self._words_of(phrase, words), np.asarray(mask))

    def read(self) -> Image.Image:
        """Return the picture, upright RGB.

        Raises:
            TypeError, ValueError, OSError: it cannot be read.
            ValueError: a mask is of another size.
        """
        image = read_image(self.image)
        for phrase, mask in self.masks.items():
            if np.shape(mask) != (image.height, image.width):
                raise ValueError(
                    f"mask of {phrase!r}: its shape (height, width) is {np.shape(mask)}, but the picture's "
                    f"is {(image.height, image.width)}; resize the mask to the picture"
                )
        return image

    def _words_of(self, phrase: str | Span, words: Sequence[Word]) -> list[int]:
        if isinstance(phrase, str):
            return find_phrase(words, phrase)
        start, end = phrase
        found = [n for n, word in enumerate(words) if word.start < end and start < word.end]
        if not found:
            raise ValueError(
                f"the span {phrase} holds no word of the caption {self.caption!r}, which has "
                f"{len(self.caption)} characters"
            )
        return found


@dataclass(frozen=True)
class FailedExample:
    """An example that cannot be read or explained, and why.

    >>> print(FailedExample("dog.jpg", "there is no such file"))
    'dog.jpg': there is no such file

    Attributes:
        id: as of `Example`.
        reason: a sentence.
    """

    id: str
    reason: str

    def __str__(self) -> str:
        """Return both as text."""
        return f"{self.id!r}: {self.reason}"


Examples = Iterable[Example | FailedExample]


def demo_examples(
    count: int = 100,
    seed: int = 500_000,
    *,
    size: int = 224,
    styles: Sequence[str] = SEEN_STYLES,
) -> Iterator[Example]:
    """Yield drawn scenes with 2 or 3 objects in view, with the masks of what their captions name.

    >>> [example.caption for example in demo_examples(2, seed=500_007)]
    ['an image of a blue triangle, a bus and a gray square', 'a photo of an orange triangle']

    Args:
        count: how many.
        seed: of the first; those of the others follow. Seeds under 500,000 trained the embedded model.
        size: width and height in pixels.
        styles: emoji sets to choose from.
    """
    for one in range(seed, seed + count):
        yield scene_example(sample_scene(one, 2 + one % 2, size, styles), f"scene {one}")


def scene_example(scene: Scene, id: str = "") -> Example:  # noqa: A002  # as the field is called
    """Return a drawn scene as an example; phrases of whose things nothing is visible have no mask."""
    spans = split_words(scene.caption)
    texts = [scene.caption[a:b] for a, b in spans]
    masks: dict[str | Span, Mask] = {}
    reached = 0
    for phrase in scene.mentioned:
        things = [thing.mask for thing in scene.objects if thing.phrase == phrase]
        naming = counted(phrase, len(things)).split()[-len(phrase.split()) :]
        while texts[reached : reached + len(naming)] != naming:
            reached += 1
        first, reached = reached, reached + len(naming)
        if (mask := np.logical_or.reduce(things)).any():
            masks[spans[first][0], spans[reached - 1][1]] = mask
    inside = {thing.phrase for thing in scene.objects}
    return Example(
        scene.image,
        scene.caption,
        id,
        masks,
        present=list(dict.fromkeys(thing.phrase for thing in scene.objects if thing.mask.any())),
        absent=[name for name in OBJECTS if name not in inside],
        scene=scene,
    )
