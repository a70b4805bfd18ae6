"""Examples to measure explanations on: a picture, its caption, and the masks of named things."""

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
    """A phrase of a caption, with the mask of what it names.

    Attributes:
        text: the phrase.
        words: indices of its words.
        mask: (height, width) bool, the pixels of the thing.
    """

    text: str
    words: list[int]
    mask: Mask


@dataclass(frozen=True, eq=False)
class Example:
    """A picture and its caption, and masks of the things that the caption names, if known.

    >>> import numpy as np
    >>> mask = np.zeros((20, 30), bool)
    >>> mask[5:15, 10:20] = True
    >>> Example(np.full((20, 30, 3), 200, np.uint8), "a white square", masks={"white square": mask})
    Example(caption='a white square', id='')

    Args:
        image: path, web address, bytes, PIL image or array, as `Explainer` takes it.
        caption: its caption.
        id: its name in tables; its position among the examples if empty.
        masks: the masks, boolean (height, width), by phrase of the caption, or by the phrase's span
            ``(start, end)`` in characters, which is needed if a phrase occurs twice.
        present: phrases, without an article ("dog", "traffic light"), of things that are known to be in the
            picture, whether or not the caption names them. Things with a mask need not be among them.
        absent: phrases of things that are known not to be in the picture, in the same form.
        scene: the drawn scene, if the example is one.

    Raises:
        TypeError: the caption is not a string.
        ValueError: the caption has no words, a phrase is not in it, or a mask is not valid.
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
        """Yield the phrases that have a mask.

        Args:
            words: words of the caption, as in `Explanation.words`.
        """
        for phrase, mask in self.masks.items():
            text = phrase if isinstance(phrase, str) else self.caption[slice(*phrase)]
            yield MaskedPhrase(text, self._words_of(phrase, words), np.asarray(mask))

    def read(self) -> Image.Image:
        """Return the picture as an upright RGB image.

        Raises:
            TypeError, ValueError, OSError: it cannot be read.
            ValueError: a mask has another size than the picture.
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
        inside = [n for n, word in enumerate(words) if word.start < end and start < word.end]
        if not inside:
            raise ValueError(
                f"the span {phrase} contains no word of the caption {self.caption!r}, which has "
                f"{len(self.caption)} characters"
            )
        return inside


@dataclass(frozen=True)
class FailedExample:
    """An example that cannot be read or explained, and why.

    >>> print(FailedExample("dog.jpg", "there is no such file"))
    'dog.jpg': there is no such file

    Attributes:
        id: as in `Example`.
        reason: why, as a sentence.
    """

    id: str
    reason: str

    def __str__(self) -> str:
        """Return id and reason as text."""
        return f"{self.id!r}: {self.reason}"


Examples = Iterable[Example | FailedExample]


def demo_examples(
    count: int = 100,
    seed: int = 500_000,
    *,
    size: int = 224,
    styles: Sequence[str] = SEEN_STYLES,
) -> Iterator[Example]:
    """Yield drawn scenes of 2 or 3 objects, with the masks of the things that their captions name.

    >>> [example.caption for example in demo_examples(2, seed=500_007)]
    ['an image of a blue triangle, a bus and a gray square', 'a photo of an orange triangle']

    Args:
        count: number of scenes.
        seed: seed of the first scene; the next scenes have the next seeds. Scenes of seeds under 500,000 were
            used to train the embedded model.
        size: width and height in pixels.
        styles: emoji sets to choose from.
    """
    for n in range(seed, seed + count):
        yield scene_example(sample_scene(n, 2 + n % 2, size, styles), f"scene {n}")


def scene_example(scene: Scene, id: str = "") -> Example:  # noqa: A002  # the field's name
    """Return a drawn scene as an example; a phrase has no mask if none of its things is visible."""
    spans = split_words(scene.caption)
    texts = [scene.caption[a:b] for a, b in spans]
    masks: dict[str | Span, Mask] = {}
    position = 0  # of the next word
    for phrase in scene.mentioned:
        things = [thing.mask for thing in scene.objects if thing.phrase == phrase]
        names = counted(phrase, len(things)).split()[-len(phrase.split()) :]
        while texts[position : position + len(names)] != names:
            position += 1
        first, position = position, position + len(names)
        if (mask := np.logical_or.reduce(things)).any():
            masks[spans[first][0], spans[position - 1][1]] = mask
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
