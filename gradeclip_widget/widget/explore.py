"""Make a live widget: of a picture and prompts, or of explanations made before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..explain.explanation import Explanation
from ..explain.settings import ExplainSettings
from .request import Request
from .traits import check_options, names_of
from .widget import ExplanationWidget

if TYPE_CHECKING:
    from ..clip import ClipModel
    from ..explain.explainer import Explainer


def explore(
    image: Any,
    prompts: str | Sequence[str],
    model: str | ClipModel | Explainer = "demo",
    *,
    models: Sequence[str | ClipModel] = (),
    method: str = "grad-eclip",
    options: dict[str, Any] | None = None,
    vocabularies: dict[str, Sequence[str]] | None = None,
    **traits: Any,
) -> ExplanationWidget:
    """Explain a picture and show it as a live widget.

    >>> import gradeclip_widget as gw
    >>> scene = gw.demo.scenes()[0]
    >>> widget = gw.explore(scene.image, scene.caption)
    >>> widget.status
    'ready'
    >>> widget.prompt = "a dog"
    >>> widget.wait()
    >>> widget.explanation.caption
    'a dog'

    Args:
        image: path, encoded bytes, PIL image, array, or a normalised tensor (1, 3, H, W); a list of them is
            shown as a strip, the first one in front.
        prompts: a caption, or several to compare.
        model: ``"demo"`` for the embedded model, a name and weights as in ``"ViT-B-16/openai"``, a
            `ClipModel`, or an `Explainer`, which then decides the method and options too.
        models: others to switch to; they are loaded when first used.
        method: name of the method.
        options: further arguments of `Explainer`, such as ``{"resolution": 448, "image_layers": 2}``.
        vocabularies: lists of words that a region can be asked about, by name, beside the built-in ones.
        **traits: how to show it: ``reading``, ``overview``, ``importance``, ``opacity``, ``color_scale``,
            ``contour``, ``sign``, ``theme``, ``controls``; and first values of whatever else can be set.

    Raises:
        TypeError, ValueError, FileNotFoundError: bad input, named.
        ModelLoadError: the model's weights could not be fetched.
    """
    from ..explain.explainer import Explainer
    from .backend import Backend

    check_options(traits)
    if isinstance(model, Explainer):
        if options:
            raise ValueError(f"options={options!r}: the Explainer given has its own")
        method, options, model = model.method.name, model.options, model.clip
    known = [field.name for field in fields(ExplainSettings)]
    if unknown := sorted(set(options or {}) - set(known)):
        raise TypeError(f"options {unknown}: Explainer takes {', '.join(known)}")
    backend = Backend(image, [model, *models], vocabularies)
    captions = (prompts,) if isinstance(prompts, str) else tuple(prompts)
    request = Request(0, captions, backend.models.names[0], method)
    asked = {name: traits.pop(name) for name in names_of(request=True) if name in traits}
    request = request.with_values({**(options or {}), **asked})
    return ExplanationWidget(backend.explain(request), backend, request, **traits)


def show(explanations: Explanation | Sequence[Explanation], **traits: Any) -> ExplanationWidget:
    """Show explanations as a widget that needs no model and no torch.

    Args:
        explanations: one, or several of the same picture.
        **traits: as in `explore`.

    Raises:
        TypeError: something else was given.
    """
    if isinstance(explanations, Explanation):
        explanations = [explanations]
    if not isinstance(explanations, Sequence):
        raise TypeError(f"show takes explanations, not {type(explanations).__name__}")
    return ExplanationWidget(explanations, **traits)
