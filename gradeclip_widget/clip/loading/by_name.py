"""Load models by name: the embedded one, and every one that open_clip can build."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

import open_clip
import torch
from huggingface_hub.constants import HF_HUB_CACHE

from ...core.progress import Progress, no_progress
from ...demo import model as demo
from ...demo.drawn import FOREIGN, are_foreign
from ..model import ClipModel, Foreign
from . import hub
from .checkpoints import load_weights
from .download_progress import LOADING, report_downloads, weights_size
from .failures import CheckpointError, explain_failure, sentence
from .names import DEMO, FOLDER, Source, checkpoints_in, resolve
from .published import recipe_for

_loaded: WeakValueDictionary[Hashable, ClipModel] = WeakValueDictionary()
_origins: WeakKeyDictionary[ClipModel, tuple[Source, Hashable]] = WeakKeyDictionary()
_loading = threading.Lock()


def model_names() -> dict[str, list[str]]:
    """Return the names that `load` takes and the pretrained tags of each; the embedded model first."""
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
            names (``"ViT-L/14@336px"``), repositories of the hub that hold a model of open_clip
            (``"laion/CLIP-ViT-B-32-laion2B-s34B-b79K"``) and folders with an ``open_clip_config.json`` are
            taken too.
        pretrained: tag of the weights, or path of a checkpoint. Checkpoints are read as safetensors or with
            ``weights_only=True``: no code in them runs. Prefixes of wrappers, dictionaries around the
            weights and a head beside the model are seen through.
        device: ``"auto"`` takes CUDA, else MPS, else the CPU.
        dtype: ``"bfloat16"`` or ``"float16"`` to run the towers under autocast.
        cache_dir: where downloaded weights are kept; the hub's own folder when ``None``.
        progress: called at the stage "loading weights", in bytes where their number is known. An exception
            that it raises ends the loading and passes through, unless it is an `Exception`.

    Raises:
        TypeError: the name is an object of another kind; how to wrap it is said.
        ValueError: no such model, tag, file, folder or device; the nearest ones are named.
        ModelLoadError: weights could not be downloaded or read; why, and what to do is said.
    """
    target = _device(device)
    source = resolve(name, pretrained)
    identity = source.identity
    clip = _built(source, target, dtype, cache_dir, progress)
    _origins[clip] = source, identity
    return clip


def load_once(name: str, progress: Progress | None = None) -> ClipModel:
    """Load a model, or return the same one again while anyone holds it. Safe to call from any thread.

    A checkpoint that was overwritten since is another model.
    """
    with _loading:
        key = resolve(name).identity
        clip = _loaded.get(key)
        if clip is None:
            clip = _loaded[key] = load(name, progress=progress)
    return clip


def label(name: str, *, whole: bool = False) -> str:
    """Return what `load` will call the model of that name.

    Args:
        name: as `load_once` takes it.
        whole: with the whole path of a checkpoint, to tell it from another of the same file name.

    Raises:
        ValueError: no such model or tag; the nearest ones are named.
    """
    source = resolve(name)
    return f"{source.name}/{source.weights}" if whole and source.weights else source.label


def same(name: str, other: str) -> bool:
    """Return whether two names stand for the same model."""
    return resolve(name) == resolve(other)


def stands_for(name: str, clip: ClipModel) -> bool:
    """Return whether `load` made a model of what a name stands for."""
    return clip in _origins and _origins[clip][0] == resolve(name)


def is_outdated(clip: ClipModel) -> bool:
    """Return whether other files lie by now where a model was loaded from. Missing ones do not count."""
    if clip not in _origins:
        return False
    source, identity = _origins[clip]
    return source.exists and source.identity != identity


def _built(
    source: Source,
    target: torch.device,
    dtype: torch.dtype | str | None,
    cache_dir: str | os.PathLike[str] | None,
    progress: Progress | None,
) -> ClipModel:
    size = demo.WEIGHTS.stat().st_size if source.name == DEMO else weights_size(source)
    (progress or no_progress)(LOADING, 0, size)
    with _defaults():
        if source.name == DEMO:
            return ClipModel(
                demo.build().to(target),
                demo.preprocess(),
                demo.tokenizer(),
                name=DEMO,
                dtype=dtype,
                known_tokens=demo.known_token_ids(),
                foreign=Foreign(are_foreign, FOREIGN),
            )
        model, preprocess, tokenizer, notes = _parts(source, target, cache_dir, progress)
        return ClipModel(model, preprocess, tokenizer, name=source.label, dtype=dtype, notes=notes)


def _parts(
    source: Source,
    target: torch.device,
    cache_dir: str | os.PathLike[str] | None,
    progress: Progress | None,
) -> tuple[Any, Any, Any, tuple[str, ...]]:
    """Return model, image transform, tokenizer, and notes on what was assumed.

    Raises:
        ModelLoadError: it could not be loaded; the message says why.
    """
    folder = str(cache_dir or HF_HUB_CACHE)
    answers = not source.needs_hub or hub.hub_answers()
    try:
        with hub.quiet(), contextlib.ExitStack() as stack:
            if not answers:
                stack.enter_context(hub.offline())
            stack.enter_context(report_downloads(progress))
            files = source.file is not None or source.name.startswith(FOLDER)
            make = _from_file if files else _published
            model, preprocess, notes = make(source, target, cache_dir)
            return model, preprocess, open_clip.get_tokenizer(source.name), notes
    except Exception as error:
        raise explain_failure(source, error, folder, answers) from error


def _published(
    source: Source, target: torch.device, cache_dir: str | os.PathLike[str] | None
) -> tuple[Any, Any, tuple[str, ...]]:
    """Return a model with weights that open_clip knows, or finds in a repository."""
    model, _, preprocess = open_clip.create_model_and_transforms(
        source.name,
        pretrained=source.weights,
        device=target,
        cache_dir=None if cache_dir is None else str(cache_dir),
        weights_only=True,
        force_quick_gelu=_wants_quick_gelu(source),
        # Without it, open_clip goes on with random weights where those of a repository are missing.
        require_pretrained=True,
    )
    return model, preprocess, ()


def _from_file(
    source: Source, target: torch.device, cache_dir: str | os.PathLike[str] | None
) -> tuple[Any, Any, tuple[str, ...]]:
    """Return a model with the weights in a file or folder, and notes on what was assumed."""
    notes: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    file = source.file
    if file is None:
        file, notes = _checkpoint_in(Path(source.name.removeprefix(FOLDER)))
    else:
        recipe = recipe_for(source.name)
        options, notes = dict(recipe.options), recipe.notes
    model, _, preprocess = open_clip.create_model_and_transforms(
        source.name,
        load_weights=False,
        pretrained_text=False,
        cache_dir=None if cache_dir is None else str(cache_dir),
        **options,
    )
    with torch.no_grad():
        notes = (*notes, *load_weights(model, file))
    return model.to(target), preprocess, notes


def _checkpoint_in(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the checkpoint in a folder of open_clip's, and a note where there are several."""
    found = checkpoints_in(folder)
    if not found:
        raise CheckpointError(f"{str(folder)!r} has an open_clip_config.json, but no checkpoint")
    usual = [f for f in found if f.stem in ("open_clip_model", "open_clip_pytorch_model", "model")]
    chosen = min(usual or found, key=lambda f: (f.suffix != ".safetensors", f.name))
    if len(found) == 1:
        return chosen, ()
    return chosen, (f"Assumed: the weights in {chosen.name}, one of {len(found)} checkpoints.",)


def _wants_quick_gelu(source: Source) -> bool:
    """Return whether these weights were trained with QuickGELU though the model's configuration says GELU.

    open_clip only warns, and the model then computes other numbers than the published one.
    """
    if source.tag is None:
        return False
    return bool(open_clip.get_pretrained_cfg(source.name, source.tag).get("quick_gelu"))


@contextlib.contextmanager
def _defaults() -> Iterator[None]:
    """Build with torch's defaults, whatever the caller has set: weights are kept for others, too.

    Tensors made under ``torch.inference_mode()`` have no gradients for good; those made on the device
    "meta", or with another default type, would not hold the weights.
    """
    before = torch.get_default_dtype()
    with torch.inference_mode(False), contextlib.ExitStack() as stack:
        if torch.empty(0).device.type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if before is not torch.float32:
            torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            if before is not torch.float32:
                torch.set_default_dtype(before)


def _device(device: str | torch.device) -> torch.device:
    if device == "auto":
        mps = torch.backends.mps.is_available()
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if mps else "cpu")
    try:
        target = torch.device(device)
        torch.empty(0, device=target)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"device={str(device)!r} is not usable here ({sentence(error)}); device='auto' takes "
            "what there is"
        ) from error
    return target
