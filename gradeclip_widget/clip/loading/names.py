"""Resolve a model's name: to the embedded model, published weights, a repository, a folder or a file."""

from __future__ import annotations

import json
import os
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip

from ...core.errors import did_you_mean
from ...core.paths import path_of, why_missing
from ..supported_models import advice
from .published import OPENAI_NAMES, architecture_of, hub_names
from .published_names import DEMO

HUB, FOLDER = "hf-hub:", "local-dir:"
_WEB = (
    "https://huggingface.co/",
    "http://huggingface.co/",
    "https://hf.co/",
    "huggingface.co/",
    "hf://",
)
_ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".npz")


@dataclass(frozen=True)
class ModelLocation:
    """What a model is loaded from.

    Attributes:
        name: ``"demo"``, a name of ``open_clip.list_models()``, ``"hf-hub:..."`` or ``"local-dir:..."``.
        tag: tag of published weights.
        file: checkpoint on this machine.
    """

    name: str
    tag: str | None = None
    file: Path | None = None

    @property
    def weights(self) -> str | None:
        """Tag or path of the weights."""
        return self.tag if self.file is None else str(self.file)

    @property
    def label(self) -> str:
        """Name of the model in menus and pictures."""
        if self.name.startswith(FOLDER):
            return self.name
        part = self.tag if self.file is None else self.file.stem
        return self.name if part is None else f"{self.name}/{part}"

    @property
    def needs_hub(self) -> bool:
        """Whether some files may have to be downloaded: weights, or those of a text encoder."""
        if self.name == DEMO:
            return False
        if self.file is None and not self.name.startswith(FOLDER):
            return True
        if "siglip" in self.name.lower():
            return True
        text = open_clip.get_model_config(self.name).get("text_cfg", {})
        return "hf_model_name" in text or "hf_tokenizer_name" in text

    @property
    def identity(self) -> Hashable:
        """Name, tag, and path, size and time of each file: what tells an overwritten checkpoint apart."""
        return self.name, self.tag, tuple(_stamp(file) for file in self._files())

    @property
    def exists(self) -> bool:
        """Whether its files on this machine still exist."""
        return all(file.is_file() for file in self._files())

    @property
    def size(self) -> int | None:
        """Bytes of its checkpoints on this machine; ``None`` for weights to be downloaded."""
        folder = self.name.startswith(FOLDER)
        files = checkpoints_in(Path(self.name.removeprefix(FOLDER))) if folder else self._files()
        return sum(file.stat().st_size for file in files) or None

    def _files(self) -> list[Path]:
        if self.name.startswith(FOLDER):
            folder = Path(self.name.removeprefix(FOLDER))
            return sorted(f for f in folder.iterdir() if f.is_file()) if folder.is_dir() else []
        return [] if self.file is None else [self.file]


def resolve(name: Any, pretrained: Any = None) -> ModelLocation:
    """Return the location that a name and weights stand for, checked without loading anything.

    Args:
        name: as `load` takes it.
        pretrained: as `load` takes it.

    Raises:
        TypeError: the name is neither a string nor a path.
        ValueError: there is no such model, tag, file or folder; the message has the nearest names.
    """
    if not isinstance(name, str | os.PathLike):
        raise TypeError(f"a model's name is a string, not {advice(name)}")
    full_name = os.fspath(name)
    name = full_name.strip()
    weights = None if pretrained is None else os.fspath(pretrained)
    for address in _WEB:
        name = name.removeprefix(address).rstrip("/") if name.startswith(address) else name
    if name == DEMO:
        if weights is not None:
            raise ValueError(f"model 'demo' contains its weights; leave out {weights!r}")
        return ModelLocation(DEMO)
    models = open_clip.list_models()
    published = hub_names().get(name.removeprefix(HUB))
    if name in OPENAI_NAMES:
        published = OPENAI_NAMES[name], "openai"
    if published is not None and (weights is not None or not name.startswith(HUB)):
        model, tag = published
        return _weights(architecture_of(model, tag) if weights else model, weights or tag)
    if name in models:
        return _weights(name, weights)
    head, _, tail = name.partition("/")
    if head in models and tail and weights is None:
        return _weights(head, tail)
    if name.startswith((HUB, FOLDER)) or _is_path(name):
        if weights is not None:
            raise ValueError(
                f"{full_name!r} contains weights, so {weights!r} cannot be given too; leave out one of them, "
                "or give the architecture's name with the latter, as in 'ViT-B-32'"
            )
        if name.startswith(HUB):
            return ModelLocation(name)
        return _folder(name.removeprefix(FOLDER))
    known = _nearest(head, models)
    if tail and "/" not in tail and not known and weights is None:
        return ModelLocation(HUB + name)
    raise _unknown(full_name, models)


def _weights(name: str, weights: str | None) -> ModelLocation:
    """Return a known architecture's weights: a tag, a file, or the only checkpoint in a folder."""
    tags = open_clip.list_pretrained_tags_by_model(name)
    known = ", ".join(map(repr, tags)) or "none"
    if not weights:
        raise ValueError(
            f"model {name!r} needs weights: pass pretrained= one of {known}, or a checkpoint's path. (For "
            "random weights, build it with open_clip and pass it to ClipModel.)"
        )
    if open_clip.get_pretrained_cfg(name, weights):
        return ModelLocation(name, tag=weights)
    path = path_of(weights)
    if path.is_dir():
        path = _only_checkpoint(path, name)
    if not path.is_file():
        is_file = weights.endswith(_ENDINGS) or set(weights) & set("/\\")
        raise ValueError(
            f"no weights {weights!r} for {name!r}: there is no such file"
            f"{why_missing(weights) if is_file else ''}; its tags are {known}"
            f"{did_you_mean(weights, tags)}"
        )
    return ModelLocation(name, file=path.absolute())


def _only_checkpoint(folder: Path, name: str) -> Path:
    files = checkpoints_in(folder)
    if len(files) != 1:
        content = ", ".join(file.name for file in files[:4]) if files else "no checkpoint"
        raise ValueError(
            f"the folder {str(folder)!r} contains {content}; give the path of the file with all weights of "
            f"{name!r} as pretrained="
        )
    return files[0]


def checkpoints_in(folder: Path) -> list[Path]:
    """Return the files of a folder with the ending of a checkpoint."""
    return sorted(f for f in folder.iterdir() if f.suffix in _ENDINGS and f.is_file())


def _folder(text: str) -> ModelLocation:
    """Return the location of a model in a folder as open_clip writes it."""
    path = path_of(text)
    if path.is_file():
        raise ValueError(
            f"{str(path)!r} is a file, which does not name the model of its weights; give the name too: "
            f"gw.load('ViT-B-32', pretrained={str(path)!r})"
        )
    if not path.is_dir():
        what = "file" if path.suffix in _ENDINGS else "folder"
        raise ValueError(f"there is no {what} {str(path)!r}{why_missing(text)}")
    if (path / "open_clip_config.json").is_file():
        return ModelLocation(f"{FOLDER}{path.resolve()}")
    if _model_type(path / "config.json"):
        raise ValueError(
            f"{str(path)!r} contains a model of transformers; load and wrap it: "
            f"{wrap_transformers(str(path))}"
        )
    raise ValueError(
        f"{str(path)!r} has no open_clip_config.json, which names the model of the weights; give the "
        "name and the file: gw.load('ViT-B-32', pretrained='path of the file')"
    )


def wrap_transformers(name: str) -> str:
    """Return Python code that loads and wraps a model of transformers, by its repository or folder."""
    return (
        f"gw.from_transformers(AutoModel.from_pretrained({name!r}), "
        f"AutoProcessor.from_pretrained({name!r}))"
    )


def _model_type(config: Path) -> str:
    try:
        return str(json.loads(config.read_text(encoding="utf-8")).get("model_type", ""))
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""


def _is_path(name: str) -> bool:
    return (
        name.startswith((FOLDER, "~", ".", os.sep))
        or name.endswith(_ENDINGS)
        or Path(name).is_dir()
    )


def _nearest(name: str, models: Iterable[str]) -> str:
    """Return the known name nearest to a misspelled one; empty if none is near."""
    return did_you_mean(name, [DEMO, *models]).partition("'")[2].partition("'")[0]


def _unknown(name: str, models: list[str]) -> ValueError:
    if users := open_clip.list_pretrained_models_by_tag(name):
        model = "ViT-B-32" if "ViT-B-32" in users else users[0]
        return ValueError(f"{name!r} names weights, not a model; give both, as in '{model}/{name}'")
    lower = {model.lower(): model for model in (DEMO, *models)}
    head, slash, tail = name.partition("/")
    if head.lower() in lower:
        hint = f"; did you mean {lower[head.lower()] + slash + tail!r}?"
    else:
        name = head if _nearest(head, models) else name  # weights follow it
        hint = did_you_mean(name, [DEMO, *models, *OPENAI_NAMES], count=3)
    return ValueError(
        f"no model {name!r}{hint}; `gradeclip models` lists them all. Give a repository of the hub as "
        "'owner/name', a folder as its path"
    )


def _stamp(file: Path) -> Hashable:
    """Return path, size, time and inode of a file, to recognize a file that replaced it."""
    try:
        status = file.stat()
    except OSError:
        return str(file), None
    return str(file), status.st_size, status.st_mtime_ns, status.st_ino
