"""The full explanation of a pair of a run: its picture found again, and explained as the run did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ...core.errors import describe_error
from ..explore import explore
from ..widget import ExplanationWidget

if TYPE_CHECKING:
    from ...clip import ClipModel
    from ...explain.explainer import Explainer

Record = dict[str, Any]


class PictureGoneError(ValueError):
    """The picture of a pair cannot be found any more, or is another one now."""


class Details:
    """Explains pairs of a run, with the run's model, method and options.

    Args:
        record: what the run was made with.
        model: in place of the one that the record names.
        source: in place of the one that the record describes, as `explain_dataset` takes it.
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
            pair: ``caption``, ``image``, ``position`` and ``size`` of its row.

        Raises:
            PictureGoneError: its picture cannot be found any more.
            Exception: the model cannot be loaded, or the picture or caption not explained.
        """
        picture = self.picture(pair)
        model, method = self._load(), self._record["method"]
        from ...explain.explainer import Explainer

        if isinstance(model, Explainer):
            return explore(picture, pair["caption"], model)
        settings = {k: v for k, v in self._record["settings"].items() if v is not None}
        return explore(
            picture,
            pair["caption"],
            model,
            method=method["name"],
            method_options=method["options"] or None,
            **settings,
        )

    def note(self) -> str:
        """Return in what the explanations differ from the run's rows, once a model is loaded; often empty."""
        from ...clip.verification.state import weights_digest

        if self._note is None and self._loaded is not None:
            clip: Any = getattr(
                self._loaded, "clip", self._loaded
            )  # of an `Explainer`, or the model itself
            self._note = ""
            if weights_digest(clip.model) != self._record["model"]["weights"]:
                self._note = (
                    f"The model {clip.name!r} has other weights than the one of the run, so scores and maps "
                    "here are not those of the gallery."
                )
        return self._note or ""

    def picture(self, pair: Record) -> Image.Image:
        """Return the picture of a pair: the file that its row names, or what the source has at its position.

        Raises:
            PictureGoneError: neither is there any more, or it has another size than it had.
        """
        from ...images import read_image

        place, then = pair["image"], tuple(pair["size"])
        on_disk = self._source is None and place and Path(place).is_file()
        try:
            picture = read_image(Path(place) if on_disk else self._of_source(pair))
        except (OSError, TypeError, ValueError, LookupError, ImportError) as error:
            reason, _, _ = describe_error(error).partition("; ")  # without what sources there are
            raise PictureGoneError(
                f"The picture {place!r} cannot be found any more: {reason}. "
                "gw.browse(out, source=...) takes it from where it is now."
            ) from error
        if picture.size != then:
            is_now, was = (f"{width} x {height}" for width, height in (picture.size, then))
            raise PictureGoneError(
                f"The picture {place!r} is another one now: {is_now} pixels, and it was {was}"
            )
        return picture

    def _of_source(self, pair: Record) -> Any:
        """Return the picture at a pair's position of the source."""
        from ...dataset.sources import open_source, reopen

        if self._pairs is None:
            given = self._source
            self._pairs = reopen(self._record["source"]) if given is None else open_source(given)
        found = self._pairs.pair_at(pair["position"])
        if found.id != pair["id"]:
            raise ValueError(
                f"the source has {found.id!r} at position {pair['position']} now, which was {pair['id']!r}"
            )
        return found.image

    def _load(self) -> ClipModel | Explainer:
        """Return the model, loaded when first needed.

        Raises:
            ValueError: the run's model was an object of a program, and none was given.
        """
        if self._loaded is None:
            from ...clip import load

            how = self._record["model"]["load"]
            if self._model is None and how is None:
                name = self._record["model"]["name"]
                raise ValueError(
                    f"The run's model {name!r} was an object of a program and cannot be loaded by name: give "
                    "it to the gallery, gw.browse(out, model=...)"
                )
            if self._model is None:
                self._loaded = load(how["name"], how["pretrained"], dtype=how["dtype"])
            elif isinstance(self._model, str):
                self._loaded = load(self._model)
            else:
                self._loaded = self._model
        return self._loaded
