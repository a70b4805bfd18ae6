"""Make a widget: of a picture and captions, or of explanations that exist."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from .. import methods
from ..clip.tokenizers.base import caption_texts, check_caption
from ..explain.explanation import Explanation
from ..explain.setup import ExplainSettings
from .backend.backend import Backend
from .backend.model_cache import NamedModel
from .front_end import closed_on_error
from .request import Request
from .traits import check_options, first_values
from .widget import ExplanationWidget, is_stored_at_once

if TYPE_CHECKING:
    from ..clip import ClipModel
    from ..explain.explainer import Explainer

_SETTINGS = {field.name: field.default for field in fields(ExplainSettings)}
_OTHER_NAMES = ("caption", "prompt")  # a single one; the widget's trait is `prompt`


def explore(
    image: Any = None,
    captions: str | Sequence[str] | None = None,
    model: str | ClipModel | Explainer = "demo",
    *,
    models: Sequence[str | ClipModel] = (),
    method: str = "grad-eclip",
    method_options: Mapping[str, Any] | None = None,
    pretrained: str | None = None,
    device: str | None = None,
    dtype: str | None = None,
    vocabularies: dict[str, Sequence[str]] | None = None,
    layout: Any = None,
    **options: Any,
) -> ExplanationWidget:
    """Explain a picture and show it as a live widget.

    The widget is returned at once. A worker thread imports PyTorch, loads the model and explains; the widget
    shows how far it is. `ExplanationWidget.wait`, and reading its ``explanation``, wait for that. In a
    notebook that is executed without a reader, as by nbconvert, this function waits.

    >>> import gradeclip_widget as gw
    >>> scene = gw.demo.scenes()[0]
    >>> widget = gw.explore(scene.image, scene.caption, opacity=0.5)
    >>> round(widget.explanation.score, 1)
    0.8
    >>> widget.prompt = "a dog"
    >>> widget.wait()
    >>> widget.explanation.caption
    'a dog'

    Args:
        image: anything that `Explainer` takes as a picture: path, web address, bytes, open file, PIL image,
            array, tensor; a list of them is shown as a strip, and the first one is explained.
            ``explore()`` without arguments shows a drawn scene.
        captions: a caption, or several to compare, as `Explainer` takes them. ``caption=`` and ``prompt=``
            are other names for it.
        model: ``"demo"`` for the embedded model, which knows drawings only; for photographs a name and
            weights as in ``"ViT-B-16/openai"``; a `ClipModel`; or an `Explainer`, whose method and options
            are used then.
        models: more models to choose from; they are loaded when first used.
        method: name of the method.
        method_options: options of the method, as `Explainer` takes them; or, to compare methods, options of
            several methods by name, as in ``{"rise": {"masks": 500}, "m2ib": {"steps": 5}}``.
        pretrained: weights of a model given by name, as `load` takes them.
        device: of a model given by name, as `load` takes it.
        dtype: of a model given by name, as `load` takes it.
        vocabularies: lists of words to compare a region with, by name, besides the built-in ones.
        layout: an `ipywidgets.Layout`, or its values as a dictionary.
        **options: options of `Explainer` (``fit``, ``readings``, ``reference``, ``resolution``,
            ``image_layers``, ``text_layers``, ``freeze_norms``, ``integrated_gradients``) and first values of
            the widget's traits, as `ExplanationWidget` describes them.

    Raises:
        TypeError: there is no such option; an image without captions or captions without an image.
        TypeError, ValueError, FileNotFoundError: the picture, a caption or an option cannot be used; the
            message names it.

    What is found only after PyTorch was imported, such as a `ModelLoadError`, is shown in the widget, and
    raised by ``wait``.
    """
    captions = _captions(captions, options)
    check_options(options, inspect.signature(explore).parameters)
    image, captions = _scene(image, captions)
    settings = {name: options.pop(name) for name in _SETTINGS if name in options}
    if _is_explainer(model):
        if settings:
            raise ValueError(f"{', '.join(settings)}: an Explainer has these options already")
        method_options = {model.method.name: model.method_options, **(method_options or {})}
        method, settings, model = model.method.name, model.options, model.clip
    loading = {"pretrained": pretrained, "device": device, "dtype": dtype}
    of_methods = _by_method(method, method_options)
    prompts = caption_texts(captions)
    for prompt in prompts:
        check_caption(prompt)
    backend = Backend(image, [_with_options(model, loading), *models], vocabularies, of_methods)
    request = Request(0, prompts, backend.models.names[0], method).with_values(settings)
    if "picture" in options:
        request = request.with_values({"picture": options.pop("picture")})
    widget = _laid_out(ExplanationWidget((), backend, request, **options), layout)
    if is_stored_at_once():
        widget.wait()
    return widget


def show(
    explanations: Explanation | Sequence[Explanation], *, layout: Any = None, **traits: Any
) -> ExplanationWidget:
    """Show explanations as a widget that needs no model and no torch.

    Args:
        explanations: one, or several of the same picture.
        layout: as in `explore`.
        **traits: first values of the widget's traits, as `ExplanationWidget` describes them.

    Raises:
        TypeError: not an explanation, or there is no such trait.
        ValueError: there are no explanations.
    """
    if isinstance(explanations, Explanation):
        explanations = [explanations]
    if not isinstance(explanations, Sequence):
        raise TypeError(f"show takes explanations, not {type(explanations).__name__}")
    return _laid_out(ExplanationWidget(explanations, **traits), layout)


def _is_method(name: str) -> bool:
    """Return whether there surely is a method of that name; without importing methods if possible."""
    registry: Any = sys.modules.get("gradeclip_widget.methods.registry")
    if hasattr(registry, "method_names"):  # not while it is being imported
        return name in registry.method_names()
    return Path(methods.__file__).with_name(f"{name.replace('-', '_')}.py").is_file()


def _by_method(method: str, options: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    """Return options by the methods' names, from the options of one method or of several.

    Raises:
        ValueError: there is no such method or option, or a value is not allowed.
    """
    if not options and _is_method(method):
        return {}
    from ..methods import get_method, method_names

    named = set(options or {}) & set(method_names())
    by_method = dict(options or {}) if named or not options else {method: options}
    get_method(method)  # checks the name
    for name, method_options in by_method.items():
        get_method(name, options=method_options)  # and the options
    return by_method


def _captions(
    captions: str | Sequence[str] | None, options: dict[str, Any]
) -> str | Sequence[str] | None:
    """Return the captions, and remove their other names from the options."""
    values = {
        name: value for name in _OTHER_NAMES if (value := options.pop(name, None)) is not None
    }
    if captions is not None:
        values["captions"] = captions
    if len(values) > 1:
        raise TypeError(f"{' and '.join(sorted(values))} are names for the same; give one of them")
    return next(iter(values.values()), None)


def _scene(image: Any, captions: str | Sequence[str] | None) -> tuple[Any, str | Sequence[str]]:
    """Return a picture and captions; those of a drawn scene if both are ``None``."""
    if image is None and captions is None:
        from ..demo.scenes import first_scene

        scene = first_scene()
        return scene.image, scene.caption
    if captions is None:
        raise TypeError("no caption for the picture: explore(image, 'a dog on a sofa')")
    if image is None:
        raise TypeError(f"no picture for {captions!r:.80}: explore(image, captions)")
    return image, captions


def _is_explainer(model: Any) -> TypeGuard[Explainer]:
    """Return whether a model is an `Explainer`; there are none until its module is imported."""
    module = sys.modules.get("gradeclip_widget.explain.explainer")
    return isinstance(model, getattr(module, "Explainer", ()))


def _with_options(model: Any, loading: dict[str, Any]) -> Any:
    """Return a model with the options for loading it, if there are any."""
    options = {name: value for name, value in loading.items() if value is not None}
    if not options:
        return model
    if not isinstance(model, str):
        raise ValueError(
            f"{', '.join(options)}: only for a model given by name, not for an object; give the name, or "
            "load the model with gw.load(name, ...)"
        )
    return NamedModel(model, options)


def _laid_out(widget: ExplanationWidget, layout: Any) -> ExplanationWidget:
    with closed_on_error(widget):
        if layout is not None:
            widget.layout = layout
    return widget


def _spell_out(function: Any, keywords: Iterable[tuple[str, Any]]) -> None:
    """Name the keywords behind ``**`` in a function's signature, for `help` and completion."""
    signature = inspect.signature(function)
    named = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in keywords
        if name not in signature.parameters
    ]
    function.__signature__ = signature.replace(parameters=[*named, *more])


_spell_out(
    explore, {**dict.fromkeys(_OTHER_NAMES), **_SETTINGS, **first_values(option=True)}.items()
)
_spell_out(show, first_values(option=True).items())
