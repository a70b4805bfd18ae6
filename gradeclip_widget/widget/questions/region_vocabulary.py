"""Which words of a vocabulary a region resembles most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets as t

from ...core.progress import Progress
from .base import Context, RegionQuestion

if TYPE_CHECKING:
    from ..backend.backend import Backend

_COUNT = 12  # words sent


class RegionVocabulary(RegionQuestion):
    """Zero-shot classification of the region; see `Explainer.classify_region`."""

    asks, answer = "vocabulary", "seen"

    class Traits(t.HasTraits):
        """The vocabulary, and the words of it that the region resembles most."""

        vocabulary = t.Unicode(
            "", help="name of the list of words that the region is compared with; empty for none"
        ).tag(sync=True, control=True, option=True, page=True, explained=True)
        seen = t.List(
            t.Dict(), help="the words that the region resembles most, and the cosine of each"
        ).tag(sync=True, page=True, ts="{ word: string; value: number }[]")
        _vocabularies = t.List(t.Unicode(), help="names of the lists of words to choose from").tag(
            sync=True
        )

        @t.validate("vocabulary")
        def _check_vocabulary(self, proposal: Any) -> str:
            if proposal["value"] not in ("", *self._vocabularies):
                known = ", ".join(map(repr, self._vocabularies)) or "none without a model"
                raise t.TraitError(
                    f"no vocabulary {proposal['value']!r}: there are {known}; "
                    "explore(..., vocabularies={name: words}) adds one"
                )
            return str(proposal["value"])

    def arguments(self, value: Any, context: Context, backend: Backend) -> tuple[Any, ...] | None:
        """Return the request without its prompts, which do not matter here, the name and the region."""
        arguments = super().arguments(value, context, backend)
        return arguments and (context.request.of_picture, *arguments[1:])

    def compute(self, backend: Backend, *arguments: Any, progress: Progress | None = None) -> Any:
        """Return the words that the region resembles most, the best first."""
        request, vocabulary, region = arguments
        explainer = backend.explainer(request, progress)
        words = backend.vocabularies(request.model)[vocabulary]
        encoded = backend.encode(request, explainer, progress)
        ranked = explainer.classify_region(encoded, region, words, _COUNT, progress)
        return [{"word": w.word, "value": w.value} for w in ranked]
