"""Read checkpoint files without running code in them, and fit them to a model."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from open_clip.convert import convert_state_dict
from open_clip.factory import load_checkpoint
from open_clip.model import (
    convert_to_custom_text_state_dict,
    resize_pos_embed,
    resize_text_pos_embed,
)
from safetensors.torch import load_file
from torch import Tensor

from .failures import CheckpointError

State = dict[str, Tensor]

# Keys under which training code stores weights, and wrappers that put their name before every weight.
_NESTS = ("state_dict", "model_state_dict", "model", "module", "net", "weights", "params")
_WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_ANCHOR = "logit_scale"  # every CLIP model has it at the top level
# Numbers beside the weights in OpenAI's files, and buffers that older libraries wrote.
_NO_WEIGHTS = re.compile(r"(input_resolution|context_length|vocab_size|(.*\.)?position_ids)")
_NAMED = 3  # keys named in a message
_SAVE = "save only the weights in the training code: torch.save(model.state_dict(), 'weights.pt')"


def load_weights(model: Any, path: Path) -> tuple[str, ...]:
    """Load a checkpoint file into a model of open_clip, and return notes on what was assumed.

    Prefixes of wrappers, dictionaries around the weights and a head beside the model are removed.

    Raises:
        CheckpointError: it is not a checkpoint, or one of another model; the message names the difference.
    """
    if path.suffix in (".npz", ".npy"):
        load_checkpoint(model, str(path))
        return ()
    state, notes = _weights_in(_read(path), path)
    state = _without_prefix(state, path)
    state = {key: value for key, value in state.items() if not _NO_WEIGHTS.fullmatch(key)}
    return (*notes, *_fit(model, state, path.name))


def _read(path: Path) -> Any:
    """Return the content of a checkpoint file without running code in it."""
    with path.open("rb") as file:
        start = file.read(200)
    if not start:
        raise CheckpointError(f"{path.name} is empty; save or download it again")
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(
            f"{path.name} is a Git LFS pointer instead of the weights; fetch them with `git lfs pull` in "
            "its folder"
        )
    if start.lstrip()[:1] == b"<":
        raise CheckpointError(
            f"{path.name} is a web page, not a checkpoint; download the file itself (on the hub: 'resolve' "
            "instead of 'blob' in its address)"
        )
    try:
        # A safetensors file begins with the length of its header, which is JSON.
        if start[8:9] == b"{" or path.suffix == ".safetensors":
            return load_file(path)
        if _is_torchscript(path):
            raise CheckpointError(
                f"{path.name} is a TorchScript archive, which is a program; load OpenAI's weights by name "
                "('ViT-B-32/openai'), and of other models " + _SAVE
            )
        with warnings.catch_warnings():  # about versions of the format
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        match = re.search(
            r"(?:Unsupported global: GLOBAL|Unsupported class|Trying to) ([\w.]+)", str(error)
        )
        what = f" ({match[1]})" if match and "." in match[1] else ""
        raise CheckpointError(
            f"{path.name} is not a file of weights only: it is damaged, or contains other objects{what}, "
            "which would run code when read; download it again, or " + _SAVE
        ) from error
    except (CheckpointError, OSError, MemoryError):
        raise
    except Exception as error:  # damaged bytes lead to errors of many classes
        raise CheckpointError(
            f"{path.name} is damaged or cut short, and cannot be read; save or download it again"
        ) from error


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _weights_in(content: Any, path: Path) -> tuple[State, tuple[str, ...]]:
    """Return the weights in a checkpoint's content, a dictionary or one in it, and notes on the choice."""
    if not isinstance(content, Mapping):
        raise CheckpointError(
            f"{path.name} does not contain a dictionary of weights, but {_kind(content)}; " + _SAVE
        )
    for name in _NESTS:
        if isinstance(content.get(name), Mapping):
            weights, notes = _weights_in(content[name], path)
            unused = [
                str(key) for key, value in content.items() if key != name and _are_weights(value)
            ]
            if unused:
                note = f"{path.name} contains several models: {name!r} was taken, not {_listed(unused)}."
                notes = (note, *notes)
            return weights, notes
    state = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    nested = [str(key) for key, value in content.items() if isinstance(value, Mapping)]
    if not state and len(nested) == 1:
        return _weights_in(content[nested[0]], path)
    if not state:
        raise CheckpointError(
            f"{path.name} contains no weights, but {_listed(map(str, content)) or 'an empty dictionary'}; "
            + _SAVE
        )
    return state, ()


def _without_prefix(state: State, path: Path) -> State:
    """Return the weights with the names that the model itself uses."""
    state = {
        ".".join(part for part in key.split(".") if part not in _WRAPPERS): value
        for key, value in state.items()
    }
    prefixes = {key.removesuffix(_ANCHOR) for key in state if f".{key}".endswith(f".{_ANCHOR}")}
    if any("lora_" in key for key in state):
        raise CheckpointError(
            f"{path.name} contains an adapter beside the weights ({_first(state, 'lora_')}); merge it first: "
            "model.merge_and_unload() of peft, then torch.save(model.state_dict(), 'weights.pt')"
        )
    if any(f".{key}".rpartition(".vision_model.")[1] for key in state):
        raise CheckpointError(
            f"{path.name} contains weights of a model of transformers ({_first(state, 'vision_model.')}); "
            "load it there, and wrap it: gw.from_transformers(model, processor)"
        )
    if "" in prefixes or not prefixes:
        return state
    if len(prefixes) > 1:
        raise CheckpointError(
            f"{path.name} contains {len(prefixes)} models ({_listed(sorted(prefixes))}); save the weights "
            "of one"
        )
    (prefix,) = prefixes
    # Weights without the prefix are beside the model, such as a head; `_fit` notes that they are left out.
    return {key.removeprefix(prefix): value for key, value in state.items()}


def _fit(model: Any, state: State, file: str) -> tuple[str, ...]:
    """Load weights into a model, converted as open_clip does, and return notes on what was assumed."""
    notes: list[str] = []
    state = dict(convert_state_dict(model, state))
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = convert_to_custom_text_state_dict(state)
    for key in ("logit_scale", "logit_bias"):
        parameter = getattr(model, key, None)
        if parameter is not None and key in state and state[key].numel() == 1:
            state[key] = state[key].reshape(parameter.shape)
    expected: dict[str, Tensor] = model.state_dict()
    if "logit_bias" in expected and "logit_bias" not in state:
        state["logit_bias"] = torch.zeros_like(expected["logit_bias"])
        notes.append(f"Assumed: a logit bias of 0, as {file} has none.")
    before = {key: value.shape for key, value in state.items()}
    resize_pos_embed(state, model)
    resize_text_pos_embed(state, model)
    for key, shape in before.items():
        if state[key].shape != shape:
            notes.append(
                f"{file} is for another size: its {key} {tuple(shape)} was interpolated to "
                f"{tuple(state[key].shape)}."
            )
    tops = {key.partition(".")[0] for key in expected}
    beside = [key for key in state if key.partition(".")[0] not in tops]
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected and key not in beside]
    if beside and not missing:
        notes.append(f"{file} contains more than the model; left out: {_listed(beside)}.")
    else:
        unexpected += beside
    if missing or unexpected:
        raise CheckpointError(
            f"{file} is of another model"
            + (f"; it lacks {_listed(missing)}" if missing else "")
            + (f"; the model has no {_listed(unexpected)}" if unexpected else "")
        )
    wrong = [key for key in expected if state[key].shape != expected[key].shape]
    if wrong:
        key = wrong[0]
        raise CheckpointError(
            f"{file} is of another size than the model: {key} is {tuple(state[key].shape)} in the file and "
            f"{tuple(expected[key].shape)} in the model; give the architecture that it was trained as"
        )
    model.load_state_dict({key: state[key] for key in expected})
    return tuple(notes)


def _are_weights(value: Any) -> bool:
    return isinstance(value, Mapping) and any(isinstance(v, Tensor) for v in value.values())


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"one tensor {tuple(value.shape)}"
    return f"an object of type {type(value).__name__}"


def _first(keys: Iterable[str], part: str) -> str:
    return next(key for key in keys if part in key)


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more
