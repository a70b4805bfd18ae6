"""Load models by name: the embedded one, and every one that open_clip can build."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import open_clip
import torch
from huggingface_hub.constants import HF_HUB_CACHE
from open_clip.constants import HF_CONFIG_NAME

from ...core.progress import Progress, no_progress
from ...demo import model as demo
from ...demo.drawn import FOREIGN, are_foreign
from ..defaults import torch_defaults
from ..model import ClipModel, Foreign
from . import hub
from .checkpoints import load_weights
from .failures import CheckpointError, explain_failure, sentence
from .names import FOLDER, HUB, ModelLocation, checkpoints_in, resolve
from .published import WEIGHTS_NAMES, published, recipe_for
from .published_names import DEMO

_loaded: WeakValueDictionary[Hashable, ClipModel] = WeakValueDictionary()
_origins: WeakKeyDictionary[ClipModel, tuple[ModelLocation, Hashable]] = WeakKeyDictionary()
_loading = threading.Lock()


def model_names() -> dict[str, list[str]]:
    """Return the names that `load` takes, each with its pretrained tags; the embedded model first."""
    return {
        DEMO: [],
        **{n: open_clip.list_pretrained_tags_by_model(n) for n in open_clip.list_models()},
    }


def load(
    name: str | os.PathLike[str] = DEMO,
    pretrained: str | os.PathLike[str] | None = None,
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
        name: ``"demo"`` for the embedded model, which knows drawings only; for photographs a name of
            ``open_clip.list_models()``, or name and weights in one, as in ``"ViT-B-16/openai"``. OpenAI's
            names (``"ViT-L/14@336px"``), repositories of the hub with a model of open_clip
            (``"laion/CLIP-ViT-B-32-laion2B-s34B-b79K"``) and folders with an ``open_clip_config.json`` are
            accepted too.
        pretrained: tag of the weights, or path of a checkpoint. Checkpoints are read as safetensors or with
            ``weights_only=True``: no code in them runs. Prefixes of wrappers, dictionaries around the
            weights and a head beside the model are removed.
        device: ``"auto"`` takes CUDA, else MPS, else the CPU.
        dtype: ``"bfloat16"`` or ``"float16"`` to run the towers under autocast.
        cache_dir: folder for downloaded weights; the hub's own folder when ``None``.
        progress: called at the stage "loading weights", in bytes if their number is known. A
            `BaseException` that is not an `Exception` ends the loading and passes through.

    Raises:
        TypeError: the name is neither a string nor a path; the message says how to wrap a model.
        ValueError: no such model, tag, file, folder or device; the message has the nearest names.
        ModelLoadError: weights could not be downloaded or read; the message says why, and what to do.
    """
    target = _device(device)
    location = resolve(name, pretrained)
    identity = location.identity
    clip = _built(location, target, dtype, cache_dir, progress)
    _origins[clip] = location, identity
    return clip


def load_once(name: str, progress: Progress | None = None, **options: Any) -> ClipModel:
    """Load a model, or return it again while it is in use anywhere. Safe to call from any thread.

    A checkpoint that was overwritten since then is loaded again.

    Args:
        name: as `load` takes it.
        progress: as `load` takes it.
        **options: ``pretrained``, ``device`` and ``dtype``, as `load` takes them. A model that was loaded
            with other options is another one.
    """
    with _loading:
        others = {key: str(options[key]) for key in sorted(options) if key != "pretrained"}
        key = resolve(name, options.get("pretrained")).identity, *others.items()
        clip = _loaded.get(key)
        if clip is None:
            clip = _loaded[key] = load(name, progress=progress, **options)
    return clip


def label(name: str, pretrained: Any = None, *, whole: bool = False) -> str:
    """Return the label that `load` gives the model of a name.

    Args:
        name: as `load` takes it.
        pretrained: as `load` takes it.
        whole: whether the label has the whole path of a checkpoint, to distinguish files of the same name.

    Raises:
        ValueError: no such model or tag; the message has the nearest names.
    """
    location = resolve(name, pretrained)
    return f"{location.name}/{location.weights}" if whole and location.weights else location.label


def same(name: str, other: str, pretrained: Any = None) -> bool:
    """Return whether a name stands for the same model as another one with its weights."""
    return resolve(name) == resolve(other, pretrained)


def stands_for(name: str, clip: ClipModel) -> bool:
    """Return whether `load` made this model from the location that a name stands for."""
    return clip in _origins and _origins[clip][0] == resolve(name)


def is_outdated(clip: ClipModel) -> bool:
    """Return whether the files that a model was loaded from have changed. Missing files do not count."""
    if clip not in _origins:
        return False
    location, identity = _origins[clip]
    return location.exists and location.identity != identity


def _built(
    location: ModelLocation,
    target: torch.device,
    dtype: torch.dtype | str | None,
    cache_dir: str | os.PathLike[str] | None,
    progress: Progress | None,
) -> ClipModel:
    size = demo.WEIGHTS.stat().st_size if location.name == DEMO else location.size
    (progress or no_progress)(hub.LOADING, 0, size)
    with torch_defaults():
        if location.name == DEMO:
            return ClipModel(
                demo.build().to(target),
                demo.preprocess(),
                demo.tokenizer(),
                name=DEMO,
                dtype=dtype,
                known_tokens=demo.known_token_ids(),
                foreign=Foreign(are_foreign, FOREIGN),
            )
        model, preprocess, tokenizer, notes = _parts(location, cache_dir, progress)
        return ClipModel(
            model.to(target), preprocess, tokenizer, name=location.label, dtype=dtype, notes=notes
        )


def _parts(
    location: ModelLocation, cache_dir: str | os.PathLike[str] | None, progress: Progress | None
) -> tuple[Any, Any, Any, tuple[str, ...]]:
    """Return model, image transform, tokenizer, and notes on what was assumed.

    Raises:
        ModelLoadError: it could not be loaded; the message says why.
    """
    folder = str(cache_dir or HF_HUB_CACHE)
    answers = not location.needs_hub or hub.hub_answers()
    download = functools.partial(
        hub.download, cache_dir=cache_dir, offline=not answers, progress=progress
    )
    try:
        with hub.quiet(), contextlib.nullcontext() if answers else hub.offline():
            files = _files(location, download)
            model, _, preprocess = open_clip.create_model_and_transforms(
                files.name,
                load_weights=False,
                pretrained_text=False,
                cache_dir=None if cache_dir is None else str(cache_dir),
                **files.options,
            )
            with torch.no_grad():
                notes = (*files.notes, *load_weights(model, files.weights))
            return model, preprocess, open_clip.get_tokenizer(files.tokenizer), notes
    except Exception as error:
        raise explain_failure(location, error, folder, answers) from error


@dataclass(frozen=True)
class _Files:
    """A model's files on this machine, and how open_clip is to use them.

    Attributes:
        name: the model's name, as open_clip takes it.
        weights: path of the checkpoint.
        tokenizer: name by which open_clip finds the tokenizer.
        options: keywords of ``open_clip.create_model_and_transforms``.
        notes: sentences on what was assumed.
    """

    name: str
    weights: Path
    tokenizer: str
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def _files(location: ModelLocation, download: Callable[..., Path]) -> _Files:
    """Return a model's files, downloaded by ``download`` if they are published."""
    name = location.name
    if location.file is not None:
        recipe = recipe_for(name)
        return _Files(name, location.file, name, recipe.options, recipe.notes)
    if name.startswith(FOLDER):
        weights, notes = _checkpoint_in(Path(name.removeprefix(FOLDER)))
        return _Files(name, weights, name, notes=notes)
    if location.tag is not None:
        repository, names, options = published(name, location.tag)
        return _Files(name, download(repository, names), name, options)
    repository = name.removeprefix(HUB)
    folder = f"{FOLDER}{download(repository, [HF_CONFIG_NAME]).parent}"
    weights = download(repository, WEIGHTS_NAMES)
    # In a folder, open_clip would look for the files of a tokenizer that the configuration only names.
    named = "hf_tokenizer_name" in open_clip.get_model_config(folder).get("text_cfg", {})
    return _Files(folder, weights, tokenizer=name if named else folder)


def _checkpoint_in(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the checkpoint in a folder of open_clip's, and a note if there are several."""
    files = checkpoints_in(folder)
    if not files:
        raise CheckpointError(f"{str(folder)!r} has an open_clip_config.json, but no checkpoint")
    usual = [f for f in files if f.stem in ("open_clip_model", "open_clip_pytorch_model", "model")]
    chosen = min(usual or files, key=lambda f: (f.suffix != ".safetensors", f.name))
    if len(files) == 1:
        return chosen, ()
    return chosen, (f"Assumed: the weights in {chosen.name}, one of {len(files)} checkpoints.",)


def _device(device: str | torch.device) -> torch.device:
    mps = torch.backends.mps.is_available()
    if isinstance(device, str) and device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if mps else "cpu")
    try:
        target = torch.device(device)
        torch.empty(0, device=target)
        reason = "" if target.type != "meta" else "tensors have no values there"
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = shorten(sentence(error), 120, placeholder=" ...")
    if reason:
        usable = [*(f"cuda:{n}" for n in range(torch.cuda.device_count())), *["mps"] * mps, "cpu"]
        raise ValueError(
            f"device={str(device)!r} is not usable here ({reason}); there is "
            f"{', '.join(map(repr, usable))}, and device='auto' takes a GPU if there is one"
        )
    return target
