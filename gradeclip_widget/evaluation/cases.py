"""Examples explained by several methods, and the measured values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from ..core.progress import Progress
from ..dataset.pairs import UNREADABLE
from ..explain.explainer import Explainer
from ..explain.explanation import Explanation
from ..explain.setup import EncodedImage
from .bootstrap import Values
from .examples import Example, Examples, FailedExample, MaskedPhrase
from .pointing import seen_pixels

Explain = Callable[[Any, str], Explanation]  # an `Explainer`, or any function with its arguments
Explainers = Explain | Mapping[str, Explain]


class Row(NamedTuple):
    """One measured value.

    Attributes:
        value: the value.
        word: the word or phrase of the value, if it belongs to one.
        group: group of the value, if a measure averages groups separately.
        figure: name of the quantity, if a measure has several; they are averaged separately too.
        curve: (K,) the values along the measure's ``axis``, if it has curves.
    """

    value: float
    word: str = ""
    group: str = ""
    figure: str = ""
    curve: Values | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """One example, explained by one method.

    Attributes:
        example: the example.
        image: the example's picture, upright RGB.
        explanation: the explanation of its picture and caption.
        explainer: the explainer that made it.
        model: an `Explainer` whose model scores altered pictures and captions, if one was given.
        seed: seed of everything random. It depends on the example's id, and is the same for all methods.
        encoded: the picture as the explainer encoded it, to be passed instead of the picture; ``None`` if
            the explainer does not encode pictures.
    """

    example: Example
    image: Image.Image
    explanation: Explanation
    explainer: Explain
    model: Explainer | None
    seed: tuple[int, int]
    encoded: EncodedImage | None = None

    def explain(self, caption: str) -> Explanation:
        """Return the method's explanation of the same picture with another caption."""
        return self.explainer(self.image if self.encoded is None else self.encoded, caption)

    @property
    def scorer(self) -> Explainer:
        """An `Explainer` whose model scores altered pictures and captions.

        Raises:
            ValueError: no `Explainer` was given.
        """
        if self.model is None:
            raise ValueError(
                "altered pictures and captions are scored with a model: give at least one gw.Explainer "
                "among the explainers"
            )
        return self.model

    def rng(self) -> np.random.Generator:
        """Return random numbers that are the same for all methods and measures of this example."""
        return np.random.default_rng(self.seed)

    def phrases(self) -> Iterator[MaskedPhrase]:
        """Yield the phrases of the caption that have a mask."""
        return self.example.phrases(self.explanation.words)

    def seen_phrases(self) -> Iterator[MaskedPhrase]:
        """Yield the phrases of things that the model saw, each with the part of the mask that it saw."""
        for phrase in self.phrases():
            mask = phrase.mask & seen_pixels(phrase.mask.shape, self.explanation.cover)
            if mask.any():
                yield phrase._replace(mask=mask)

    def unseen(self) -> list[str]:
        """Return the phrases of things that the model did not see, as preprocessing cut the picture."""
        seen = {tuple(phrase.words) for phrase in self.seen_phrases()}
        return [phrase.text for phrase in self.phrases() if tuple(phrase.words) not in seen]


def explained(
    explainers: Mapping[str, Explain], example: Example, image: Image.Image, seed: tuple[int, int]
) -> Iterator[tuple[str, Case]]:
    """Yield an example explained by every method; methods with equal options share one image encoding."""
    models = {method: model_of(explainer) for method, explainer in explainers.items()}
    any_model = next((model for model in models.values() if model is not None), None)
    encoded: dict[Any, EncodedImage] = {}
    for method, explainer in explainers.items():
        shared: EncodedImage | None = None
        if isinstance(explainer, Explainer):
            options = (id(explainer.clip), *sorted(explainer.options.items()))
            if options not in encoded:
                encoded[options] = explainer.encode(image)
            shared = encoded[options]
        explanation = explainer(image if shared is None else shared, example.caption)
        model = models[method] or any_model
        yield method, Case(example, image, explanation, explainer, model, seed, shared)


def model_of(explainer: Explain) -> Explainer | None:
    """Return the `Explainer` that an explainer is or wraps, or ``None``."""
    inner = getattr(explainer, "explainer", explainer)
    return inner if isinstance(inner, Explainer) else None


def checked_explainers(explainers: Explainers) -> dict[str, Explain]:
    """Check explainers, and return them by name."""
    if not isinstance(explainers, Mapping):
        label = getattr(explainers, "label", None) or type(explainers).__name__
        explainers = {str(label): explainers}
    if not explainers:
        raise ValueError("there are no explainers; give at least one, as gw.Explainer(clip)")
    for name, explainer in explainers.items():
        if not callable(explainer):
            raise TypeError(
                f"explainer {name!r} is {type(explainer).__name__}, which cannot be called; give a "
                "gw.Explainer, or a function of a picture and a caption that returns an Explanation"
            )
    return {str(name): explainer for name, explainer in explainers.items()}


def read_examples(
    examples: Examples, progress: bool | Progress, left_out: list[FailedExample]
) -> Iterator[tuple[str, Example, Image.Image]]:
    """Yield examples with their ids and pictures, and report progress.

    Args:
        examples: the examples, iterated once.
        progress: as in `evaluate`.
        left_out: list to which examples that cannot be read are added.

    Raises:
        TypeError: a value is not an example.
        ValueError: two examples have the same id.
    """
    ids: set[str] = set()
    for position, example in enumerate(_with_progress(examples, progress)):
        name = _checked_id(example, position, ids)
        if isinstance(example, FailedExample):
            left_out.append(FailedExample(name, example.reason))
            continue
        try:
            image = example.read()
        except UNREADABLE as error:
            left_out.append(FailedExample(name, str(error)))
            continue
        yield name, example, image


def _checked_id(example: Any, position: int, ids: set[str]) -> str:
    """Return an example's id, or its position if it has none, and add it to ``ids``."""
    if not isinstance(example, Example | FailedExample):
        raise TypeError(
            f"examples are Example(image, caption, ...), not {type(example).__name__} (number {position})"
        )
    name = example.id or str(position)
    if name in ids:
        raise ValueError(f"two examples have the id {name!r}; give each another id, or none")
    ids.add(name)
    return name


def _with_progress(
    examples: Examples, progress: bool | Progress
) -> Iterator[Example | FailedExample]:
    total = len(examples) if isinstance(examples, Sized) else None
    if callable(progress):
        for done, example in enumerate(examples):
            progress("examples", done, total)
            yield example
    else:
        yield from tqdm(examples, total=total, unit="example", disable=not progress)
