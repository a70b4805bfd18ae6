"""`browse`: open the folder of a dataset run as a gallery."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...clip import ClipModel
    from ...explain.explainer import Explainer
    from .gallery import Gallery


def browse(
    out: str | PathLike[str],
    other: str | PathLike[str] | None = None,
    *,
    model: str | ClipModel | Explainer | None = None,
    source: Any = None,
    **traits: Any,
) -> Gallery:
    """Show the pairs of a dataset run as a gallery: thumbnails with their maps, to sort, filter and open.

    Rows are read as they come into view, so that a run of any length opens at once. A click on a pair
    explains it anew, as the run did, in the full widget.

    >>> import tempfile, gradeclip_widget as gw
    >>> pairs = [(scene.image, scene.caption) for scene in gw.demo.scenes()[:2]]
    >>> run = gw.explain_dataset(pairs, tempfile.mkdtemp(), progress=False)
    >>> gw.browse(run, sort="score")
    Gallery(Grad-ECLIP · demo: 2 of 2 pairs)

    Args:
        out: what `explain_dataset` returned, or the folder that it wrote.
        other: a second run over the same source, by another method or model: its maps stand
            beside those of ``out``, and pairs can be sorted by how far the two disagree.
        model: explains the pairs that are opened, in place of the run's own model; a name as `load` takes
            it, a `ClipModel`, or an `Explainer`, which then decides the method and its options too.
        source: where the pictures are by now, as `explain_dataset` takes it. By default the files that the
            run read, or its source opened again.
        **traits: first values of the gallery's traits, such as ``sort="score"``; `Gallery` describes them.

    Raises:
        FileNotFoundError: there is no such folder, or no run in it.
        ValueError: a run is damaged, was written by a newer version, or has no pair yet; or ``other`` shares
            no pair with it.
        ImportError: the extra ``dataset`` is not installed.
        TypeError, TraitError: there is no such trait, or it cannot have that value.
    """
    from .details import Details
    from .gallery import Gallery
    from .run import OpenRun, OtherRun

    for name, folder in (("out", out), ("other", other)):
        if not isinstance(folder, str | PathLike) and not (name == "other" and folder is None):
            raise TypeError(f"{name}={folder!r:.80} is not the folder of a run")
    run = OpenRun.open(out)
    compared = None if other is None else OtherRun.open(other, run)
    return Gallery(run, compared, Details(run.record, model, source)).filter(**traits)
