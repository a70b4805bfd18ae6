"""Published weights: the files of a name on the hub, and the options that weights need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import open_clip
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
from open_clip.pretrained import _PRETRAINED

_PIXELS = {  # key of a tag's configuration: keyword of open_clip's factory, and its name in notes
    "mean": ("image_mean", "mean"),
    "std": ("image_std", "standard deviation"),
    "interpolation": ("image_interpolation", "interpolation"),
    "resize_mode": ("image_resize_mode", "fitting to a square"),
}
_SIBLING = "-quickgelu"
WEIGHTS_NAMES = [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME]  # in a repository of open_clip


@dataclass(frozen=True)
class Recipe:
    """Options for a checkpoint file, which does not contain them.

    Attributes:
        options: keywords of ``open_clip.create_model_and_transforms``.
        notes: sentences on what was assumed.
    """

    options: Mapping[str, Any]
    notes: tuple[str, ...]


def recipe_for(name: str) -> Recipe:
    """Return the options for a checkpoint file of an architecture, by the weights published under its name.

    If these agree, the file gets their options. If they do not, or there are none, it gets open_clip's, and a
    note says what was assumed.

    >>> recipe_for("ViT-B-16-SigLIP").options["image_mean"]
    (0.5, 0.5, 0.5)
    >>> recipe_for("ViT-L-14-336").options["force_quick_gelu"]
    True
    """
    tags = {tag: open_clip.get_pretrained_cfg(name, tag) for tag in _tags(name)}
    options: dict[str, Any] = {}
    notes = [_activation(name, tags, options)]
    for key, (keyword, title) in _PIXELS.items():
        values = {tag: cfg[key] for tag, cfg in tags.items() if key in cfg}
        if values and len(set(values.values())) == 1:
            options[keyword] = next(iter(values.values()))
        elif values:
            notes.append(_disagreement(title, values, _default(key)))
    if not tags:
        notes.append(
            f"Assumed: pixels normalized and fitted as for OpenAI's CLIP, since {name} has no published "
            "weights."
        )
    return Recipe(options, tuple(note for note in notes if note))


def _tags(name: str) -> Sequence[str]:
    tags: Sequence[str] = open_clip.list_pretrained_tags_by_model(name)
    return tags


def _activation(name: str, tags: Mapping[str, Mapping[str, Any]], options: dict[str, Any]) -> str:
    """Set the activation, and return a note on what was assumed; empty if nothing was."""
    if name + _SIBLING not in open_clip.list_models():
        return ""
    quick = [tag for tag, cfg in tags.items() if cfg.get("quick_gelu")]
    if quick and len(quick) == len(tags):
        options["force_quick_gelu"] = True
        return f"Assumed: QuickGELU, with which all published weights of {name} were trained."
    if not quick:
        return ""
    return (
        f"Assumed: GELU, as in open_clip's {name}; weights tuned from {_listed(quick)} need QuickGELU "
        f"({name}{_SIBLING})."
    )


def _disagreement(title: str, values: Mapping[str, Any], assumed: Any) -> str:
    tags = [tag for tag, value in values.items() if value != assumed]
    other = _short(values[tags[0]])
    return f"Assumed: {title} {_short(assumed)}; weights tuned from {_listed(tags)} need {other}."


def _default(key: str) -> Any:
    from open_clip.transform import PreprocessCfg

    return getattr(PreprocessCfg(), key)


def _short(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    return f"({', '.join(f'{v:.3g}' for v in value)})"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def published(name: str, tag: str) -> tuple[str, list[str], dict[str, Any]]:
    """Return repository, file names (the preferred one first), and open_clip's options of published weights.

    >>> published("ViT-B-32", "openai")[0]
    'timm/vit_base_patch32_clip_224.openai'

    The options contain the activation: a model's configuration may have GELU and its weights need QuickGELU.
    open_clip only warns, and the model then computes other numbers than the published one.
    """
    cfg = open_clip.get_pretrained_cfg(name, tag)
    repository, _, file = cfg["hf_hub"].rpartition("/")
    files = [file] if file else WEIGHTS_NAMES
    if file.endswith((".bin", ".pth")):
        files = [f"{file[:-4]}.safetensors", file]
    options = {keyword: cfg[key] for key, (keyword, _) in _PIXELS.items() if key in cfg}
    return repository, files, {**options, "force_quick_gelu": bool(cfg.get("quick_gelu"))}


def hub_names() -> dict[str, tuple[str, str]]:
    """Return the name and tag of the weights published in a repository of the hub, by the repository's id."""
    names = dict(_OPENAI_REPOSITORIES)
    for name, tags in _PRETRAINED.items():
        for tag, cfg in tags.items():
            repository = "/".join(cfg.get("hf_hub", "").split("/")[:2])
            if repository and not name.endswith(_SIBLING):
                names.setdefault(repository, (name, tag))
    return names


# OpenAI's names, and its repositories; open_clip has the same weights.
OPENAI_NAMES = {
    "ViT-B/32": "ViT-B-32",
    "ViT-B/16": "ViT-B-16",
    "ViT-L/14": "ViT-L-14",
    "ViT-L/14@336px": "ViT-L-14-336",
}
_OPENAI_REPOSITORIES = {
    "openai/clip-vit-base-patch32": ("ViT-B-32", "openai"),
    "openai/clip-vit-base-patch16": ("ViT-B-16", "openai"),
    "openai/clip-vit-large-patch14": ("ViT-L-14", "openai"),
    "openai/clip-vit-large-patch14-336": ("ViT-L-14-336", "openai"),
}


def architecture_of(name: str, tag: str) -> str:
    """Return the architecture's name for weights tuned from published ones, with their activation."""
    quick = open_clip.get_pretrained_cfg(name, tag).get("quick_gelu")
    return name + _SIBLING if quick and name + _SIBLING in open_clip.list_models() else name
