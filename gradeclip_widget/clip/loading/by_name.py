"""Load models by name: the embedded one, and every one that open_clip can build."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from weakref import WeakValueDictionary

import open_clip
import torch
from huggingface_hub.constants import HF_HUB_CACHE

from ...core.errors import did_you_mean, summarize_error
from ...core.progress import Progress, no_progress
from ...demo import model as demo
from ..model import ClipModel
from .download_progress import LOADING, report_downloads, weights_size

DEMO = "demo"

_loaded: WeakValueDictionary[str, ClipModel] = WeakValueDictionary()
_loading = threading.Lock()


class ModelLoadError(RuntimeError):
    """A model's weights could not be downloaded or read."""


def model_names() -> dict[str, list[str]]:
    """Return the names that `load` takes and the pretrained tags of each; the embedded model first."""
    return {
        DEMO: [],
        **{n: open_clip.list_pretrained_tags_by_model(n) for n in open_clip.list_models()},
    }


def load(
    name: str = DEMO,
    pretrained: str | None = None,
    *,
    device: str | torch.device = "auto",
    dtype: torch.dtype | str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> ClipModel:
    """Load a model.

    >>> load("demo").name
    'demo'

    Args:
        name: ``"demo"`` for the embedded model, a name of ``open_clip.list_models()``, ``"hf-hub:..."``, or
            name and weights in one, as in ``"ViT-B-16/openai"``.
        pretrained: tag of the weights, or path of a checkpoint. Checkpoints are read as safetensors or with
            ``weights_only=True``: no code in them runs.
        device: ``"auto"`` takes CUDA, else MPS, else the CPU.
        dtype: ``"bfloat16"`` or ``"float16"`` to run the towers under autocast.
        cache_dir: where downloaded weights are kept; the hub's own folder when ``None``.
        progress: called at the stage "loading weights", in bytes where their number is known. An exception
            that it raises ends the loading and passes through, unless it is an `Exception`.

    Raises:
        ValueError: no such model, tag or device; the nearest ones are named.
        ModelLoadError: weights could not be downloaded or read.
    """
    target = _device(device)
    name, pretrained = _checked(name, pretrained)
    size = demo.WEIGHTS.stat().st_size if name == DEMO else weights_size(name, pretrained)
    (progress or no_progress)(LOADING, 0, size)
    if name == DEMO:
        return ClipModel(
            demo.build().to(target),
            demo.preprocess(),
            demo.tokenizer(),
            name=DEMO,
            dtype=dtype,
            known_tokens=demo.known_token_ids(),
        )
    try:
        with report_downloads(progress):
            model, _, preprocess = open_clip.create_model_and_transforms(
                name,
                pretrained=pretrained,
                device=target,
                cache_dir=None if cache_dir is None else str(cache_dir),
                weights_only=True,
                force_quick_gelu=_wants_quick_gelu(name, pretrained),
            )
        tokenizer = open_clip.get_tokenizer(name)
    except Exception as error:
        folder = cache_dir or HF_HUB_CACHE
        what = f"{name} with weights {pretrained!r}" if pretrained else name
        raise ModelLoadError(
            f"could not load {what}: {summarize_error(error)}. Weights are kept in {folder}; check the "
            "network or put a checkpoint file there and pass its path as pretrained=, or use model='demo', "
            "which needs no download"
        ) from error
    return ClipModel(model, preprocess, tokenizer, name=_label(name, pretrained), dtype=dtype)


def load_once(name: str, progress: Progress | None = None) -> ClipModel:
    """Load a model, or return the same one again while anyone holds it. Safe to call from any thread."""
    with _loading:
        clip = _loaded.get(name)
        if clip is None:
            clip = _loaded[name] = load(name, progress=progress)
    return clip


def label(name: str) -> str:
    """Return what `load` will call the model of that name.

    Raises:
        ValueError: no such model or tag; the nearest ones are named.
    """
    return _label(*_checked(name, None))


def _label(name: str, pretrained: str | None) -> str:
    return name if pretrained is None else f"{name}/{Path(pretrained).stem}"


def _checked(name: str, pretrained: str | None) -> tuple[str, str | None]:
    """Return the name and the weights apart, checked as far as that is possible without loading."""
    hub = name.startswith(("hf-hub:", "local-dir:"))
    if "/" in name and pretrained is None and not hub:
        name, pretrained = name.split("/", 1)
    if name == DEMO and pretrained is not None:
        raise ValueError(f"model 'demo' carries its own weights; leave out {pretrained!r}")
    if name != DEMO and not hub:
        _check_name(name, pretrained)
    return name, pretrained


def _check_name(name: str, pretrained: str | None) -> None:
    models = open_clip.list_models()
    if name not in models:
        hint = did_you_mean(name, [DEMO, *models], count=3)
        raise ValueError(f"no model {name!r}{hint}; `gradeclip models` lists them all")
    tags = open_clip.list_pretrained_tags_by_model(name)
    known = ", ".join(map(repr, tags)) or "none"
    if not pretrained:
        raise ValueError(
            f"model {name!r} needs weights: pass pretrained= one of {known}, or a checkpoint's path. (For "
            "random weights, build it with open_clip and pass it to ClipModel.)"
        )
    if not open_clip.get_pretrained_cfg(name, pretrained) and not Path(pretrained).is_file():
        raise ValueError(
            f"no weights {pretrained!r} for {name!r}: there is no such file, and its tags are {known}"
            f"{did_you_mean(pretrained, tags)}"
        )


def _wants_quick_gelu(name: str, pretrained: str | None) -> bool:
    """Return whether these weights were trained with QuickGELU though the model's configuration says GELU.

    open_clip only warns, and the model then computes other numbers than the published one.
    """
    return bool(pretrained and open_clip.get_pretrained_cfg(name, pretrained).get("quick_gelu"))


def _device(device: str | torch.device) -> torch.device:
    if device == "auto":
        mps = torch.backends.mps.is_available()
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if mps else "cpu")
    try:
        target = torch.device(device)
        torch.empty(0, device=target)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={str(device)!r} is not usable here: {summarize_error(error)}"
        ) from error
    return target
