"""A backend that returns invented explanations, and a gate at which its jobs can wait."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.core.explanation_data import BlockMaps
from gradeclip_widget.core.progress import Progress, no_progress
from gradeclip_widget.core.vocabulary import SeenWord, Vocabulary, VocabularyMaps
from gradeclip_widget.explain.explanation import Explanation
from gradeclip_widget.widget.backend.backend import Backend
from gradeclip_widget.widget.request import Request

from .factories import GRID, SIZE, make_explanation, picture

_backends = itertools.count()


class Gate:
    """While it is shut, threads that pass it wait."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()
        self.reached = threading.Event()

    def shut(self) -> None:
        self.reached.clear()
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def passed(self) -> None:
        self.reached.set()
        assert self._open.wait(30), "the gate was not opened"


class FakeExplainer:
    """Returns invented explanations."""

    def __init__(self, clip: gw.ClipModel, backend: FakeBackend, request: Request) -> None:
        self.clip, self.backend, self.request = clip, backend, request

    def encode(self, image: Any, progress: Progress | None = None) -> Any:
        self.backend.encoded += 1
        return image

    def __call__(
        self, image: Any, captions: Sequence[str], progress: Progress | None = None
    ) -> list[Explanation]:
        report = progress or no_progress
        self.backend.calls.append((list(captions), self.request.method))
        report("tokens", 0, None)
        self.backend.gate.passed()
        report("maps", 0, len(captions))
        if self.request.method == "magic":
            raise ValueError("no method 'magic'")
        if "crash" in captions:
            raise ZeroDivisionError("division by zero")
        if any(not c.strip() for c in captions):
            raise ValueError("caption has no words")
        scores = self.unrelated_scores(image, "") if self.backend.sentences_known else None
        return [
            make_explanation(
                c, method=self.request.method, model=self.request.model, unrelated_scores=scores
            )
            for c in captions
        ]

    def classify_region(
        self,
        image: Any,
        region: Any,
        vocabulary: Vocabulary,
        count: int | None = 12,
        progress: Progress | None = None,
    ) -> list[SeenWord]:
        self.backend.calls.append(([vocabulary.name], "vocabulary"))
        (progress or no_progress)("words", 0, None)
        self.backend.gate.passed()
        rows, cols = GRID
        maps = np.zeros((len(vocabulary.words), rows, cols), np.float32)
        for k in range(len(maps)):  # every word has another column, weaker from left to right
            maps[k, :, k % cols] = 1 / (1 + k)
        lengths, cover = np.ones(len(maps), np.float32), (0.0, 0.0, float(SIZE[0]), float(SIZE[1]))
        return VocabularyMaps(vocabulary.words, maps, lengths, SIZE, cover).rank(region, count)

    def block_maps(self, image: Any, caption: str, progress: Progress | None = None) -> BlockMaps:
        self.backend.calls.append(([caption], "depth"))
        words = len(caption.split())
        return BlockMaps(
            caption,
            image_maps=np.ones((3, 1 + words, *GRID), np.float32),
            text_maps=np.ones((2, words, *GRID), np.float32),
            text_importance=np.ones((2, words), np.float32),
        )

    def with_unrelated_scores(self, explanation: Explanation, image: Any) -> Explanation:
        scores = self.unrelated_scores(image, explanation.caption)
        return replace(explanation, unrelated_scores=scores)

    def unrelated_scores(
        self, image: Any, caption: str, progress: Progress | None = None
    ) -> np.ndarray[Any, Any]:
        (progress or no_progress)("unrelated sentences", 0, 200)
        return np.linspace(0.125, 0.25, 200, dtype=np.float32)

    def scores(self, image: Image.Image, captions: Sequence[str]) -> np.ndarray[Any, Any]:
        self.backend.calls.append((list(captions), "scores"))
        self.backend.erased_pictures.append(image)
        return np.arange(len(captions), dtype=np.float32)


class FakeBackend(Backend):
    """A backend that records the calls of its explainers."""

    def __init__(self, clip: gw.ClipModel, images: Any = None, **more: Any) -> None:
        if images is None:  # a picture of its own: what is computed of equal ones is shared
            images = picture()
            images.putpixel((0, 0), (0, *divmod(next(_backends), 256)))
        super().__init__(images, [clip], **more)
        self.clip = clip
        self.gate = Gate()
        self.calls: list[tuple[list[str], str]] = []
        self.erased_pictures: list[Image.Image] = []
        self.encoded = 0
        self.sentences_known = (
            True  # whether explanations have scores of unrelated sentences at once
        )

    def explainer(self, request: Request, progress: Progress | None) -> Any:
        return FakeExplainer(self.models.get(request.model, progress), self, request)


def explored(*args: Any, **options: Any) -> gw.ExplanationWidget:
    """A widget of `gw.explore`, after its first explanation."""
    widget = gw.explore(*args, **options)
    widget.wait(60)
    return widget


def live_widget(
    backend: FakeBackend, captions: Sequence[str] = ("a dog", "a red cat runs"), **traits: Any
) -> gw.ExplanationWidget:
    """A widget with a model, as `gw.explore` makes it."""
    request = Request(0, tuple(captions), backend.clip.name)
    widget = gw.ExplanationWidget(backend.explain(request), backend, request, **traits)
    backend.calls.clear()
    return widget
