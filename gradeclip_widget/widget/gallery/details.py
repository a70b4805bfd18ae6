"""The full explanation of a pair of a run: finds its picture and explains it with the run's settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ...core.errors import describe_error
from ..explore import explore
from ..front_end import closed_on_error
from ..widget import ExplanationWidget

if TYPE_CHECKING:
    from ...clip import ClipModel
    from ...explain.explainer import Explainer

Record = dict[str, Any]


class PictureGoneError(ValueError):
    """The picture of a pair cannot be found any more, or has changed."""


class Details:
    """Explains pairs of a run, with the run's model, method and options.

    Args:
        record: of the run.
        model: in place of the model that the record names.
        source: in place of the source that the record describes; as `explain_dataset` takes it.
    """

    def __init__(
        self, record: Record, model: str | ClipModel | Explainer | None = None, source: Any = None
    ) -> None:
        self._record, self._model, self._source = record, model, source
        self._loaded: ClipModel | Explainer | None = None
        self._pairs: Any = None
        self._note: str | None = None

    def explain(self, pair: Record) -> ExplanationWidget:
        """Return a live widget of a pair.

        Args:
            pair: ``caption``, ``image``, ``picture`` and ``position`` of its row.

        Raises:
            PictureGoneError: its picture cannot be found any more.
            Exception: the model cannot be loaded, or the pair cannot be explained.
        """
        picture = self.picture(pair)
        model, method = self._load(), self._record["method"]
        from ...explain.explainer import Explainer

        if isinstance(model, Explainer):
            return _explained(explore(picture, pair["caption"], model))
        settings = {k: v for k, v in self._record["settings"].items() if v is not None}
        return _explained(
            explore(
                picture,
                pair["caption"],
                model,
                method=method["name"],
                method_options=method["options"] or None,
                **settings,
            )
        )

    def note(self) -> str:
        """Return how the explanations differ from the run's rows; empty if they do not.

        It is empty until a model is loaded, too.
        """
        from ...clip.verification.state import weights_digest

        if self._note is None and self._loaded is not None:
            clip: Any = getattr(self._loaded, "clip", self._loaded)  # an `Explainer` has `clip`
            self._note = ""
            if weights_digest(clip.model) != self._record["model"]["weights"]:
                self._note = (
                    f"The model {clip.name!r} has other weights than the model of the run, so scores and "
                    "maps here differ from those in the gallery."
                )
        return self._note or ""

    def picture(self, pair: Record) -> Image.Image:
        """Return the picture of a pair: the file in its row, else the picture at its position in the source.

        Raises:
            PictureGoneError: neither exists any more, or it is another picture now.
        """
        from ...dataset.identity import digest_of
        from ...images import read_image

        place = pair["image"]
        on_disk = self._source is None and place and Path(place).is_file()
        try:
            picture = read_image(Path(place) if on_disk else self._of_source(pair))
        except (OSError, TypeError, ValueError, LookupError, ImportError) as error:
            reason, _, _ = describe_error(error).partition(
                "; "
            )  # without the list of kinds of sources
            raise PictureGoneError(
                f"The picture {place!r} cannot be found any more: {reason}. "
                "gw.browse(out, source=...) reads it from another place."
            ) from error
        if digest_of(picture) != pair["picture"]:
            raise PictureGoneError(
                f"The picture {place!r} has changed since it was explained: start "
                "gw.explain_dataset(...) again to explain it as it is now."
            )
        return picture

    def _of_source(self, pair: Record) -> Any:
        """Return the picture at a pair's position of the source."""
        from ...dataset.sources import open_source, reopen

        if self._pairs is None:
            source = self._source
            self._pairs = reopen(self._record["source"]) if source is None else open_source(source)
        now = self._pairs.pair_at(pair["position"])
        if now.caption != pair["caption"]:
            raise ValueError(
                f"the source now has the caption {now.caption!r:.80} at position {pair['position']}"
            )
        return now.image

    def _load(self) -> ClipModel | Explainer:
        """Return the model, loaded when first needed.

        Raises:
            ValueError: the run's model was an object in a program, and no model was passed.
        """
        if self._loaded is None:
            from ...clip import load

            arguments = self._record["model"]["load"]
            if self._model is None and arguments is None:
                name = self._record["model"]["name"]
                raise ValueError(
                    f"The run's model {name!r} was an object in a program and cannot be loaded by name: "
                    "pass it, gw.browse(out, model=...)"
                )
            if self._model is None:
                self._loaded = load(**arguments)
            elif isinstance(self._model, str):
                self._loaded = load(self._model)
            else:
                self._loaded = self._model
        return self._loaded


def _explained(widget: ExplanationWidget) -> ExplanationWidget:
    """Return a widget once it has an explanation; if there is an error instead, close it and raise."""
    with closed_on_error(widget):
        widget.first_explanation()
    return widget
