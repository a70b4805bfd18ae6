"""Examples explained by several methods, and the rows that measures make of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from ..core.progress import Progress
from ..dataset.prepare import UNREADABLE
from ..explain.explainer import Explainer
from ..explain.explanation import Explanation
from ..explain.setup import EncodedImage
from .bootstrap import Values
from .examples import Example, Examples, FailedExample, MaskedPhrase

Explain = Callable[[Any, str], Explanation]  # an `Explainer`, or anything that is called like one
Explainers = Explain | Mapping[str, Explain]


class Row(NamedTuple):
    """One measured value.

    Attributes:
        value: the value.
        word: the word or phrase that it is of, where it is of one.
        group: of values that are averaged by themselves, where a measure has several.
        figure: which of a measure's figures it is, where it has several; averaged by itself, too.
        curve: (K,) what was measured at each of the measure's ``axis``, where it has curves.
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
        image: its picture, upright RGB.
        explanation: of its picture and caption.
        explainer: what made the explanation.
        model: an `Explainer` whose model scores altered pictures and captions, if there is one.
        seed: of everything random. It depends on the example's id, and is the same for all methods.
        encoded: what the explainer made of the picture, if it can be given in the picture's place.
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
            ValueError: there is none.
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
        """Yield what the caption names and has a mask."""
        return self.example.phrases(self.explanation.words)


def explained(
    explainers: Mapping[str, Explain], example: Example, image: Image.Image, seed: tuple[int, int]
) -> Iterator[tuple[str, Case]]:
    """Yield an example explained by every method; the image tower runs once for all with equal options."""
    models = {method: model_of(explainer) for method, explainer in explainers.items()}
    any_model = next((model for model in models.values() if model is not None), None)
    encoded: dict[Any, EncodedImage] = {}
    for method, explainer in explainers.items():
        given: EncodedImage | None = None
        if isinstance(explainer, Explainer):
            options = (id(explainer.clip), *sorted(explainer.options.items()))
            if options not in encoded:
                encoded[options] = explainer.encode(image)
            given = encoded[options]
        explanation = explainer(image if given is None else given, example.caption)
        model = models[method] or any_model
        yield method, Case(example, image, explanation, explainer, model, seed, given)


def model_of(explainer: Explain) -> Explainer | None:
    """Return an explainer, or the one that it is made of."""
    inner = getattr(explainer, "explainer", explainer)
    return inner if isinstance(inner, Explainer) else None


def checked_explainers(explainers: Explainers) -> dict[str, Explain]:
    """Return explainers by name, checked."""
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
        examples: gone through once.
        progress: as in `evaluate`.
        left_out: those that cannot be read are added to it.

    Raises:
        TypeError: one is no example.
        ValueError: two have the same id.
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
    """Return an example's id, its position where it has none, and remember it."""
    if not isinstance(example, Example | FailedExample):
        raise TypeError(
            f"examples are Example(image, caption, ...), not {type(example).__name__} (number {position})"
        )
    name = example.id or str(position)
    if name in ids:
        raise ValueError(f"two examples have the id {name!r}; give each its own, or none")
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
