"""Check a model's weights: their device and kind, and whether they and what they compute are finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

# Attributes of quantized layers without a weight: of torch.ao, of GPTQ and AWQ, of HQQ.
_PACKED = ("_packed_params", "qweight", "W_q")
_SHARDED = "torch.distributed"  # the module of the class of FSDP's tensors
_LISTED = 3  # tensors or modules that a message names
_TRAINING = (
    "The training may have diverged, or the file is damaged: load an earlier checkpoint, or "
    "download the file again"
)


def check_weights(model: Any) -> None:
    """Check that a model's weights are on one device, have values, and are plain numbers.

    Raises:
        ValueError: they are on several devices, on the device "meta" or divided among processes, or some
            layers are quantized; the message names them and explains what to do.
    """
    _check_devices(model)
    parts = [name for name, t in _tensors(model) if type(t).__module__.startswith(_SHARDED)]
    if parts:
        raise ValueError(
            f"the weights of this {type(model).__name__} are divided among processes ({list_names(parts)}): "
            "collect them, with get_model_state_dict of torch.distributed.checkpoint.state_dict and "
            "full_state_dict=True, and load them into a model that is not divided"
        )
    if layers := [
        f"{name} ({type(module).__name__})"
        for name, module in model.named_modules()
        if _is_quantized(module) and not name.endswith(_PACKED)
    ]:
        raise ValueError(
            f"{type(model).__name__} has quantized layers ({list_names(layers)}), and derivatives cannot be "
            "computed through these: load the model without quantization (without quantization_config, "
            "load_in_8bit or load_in_4bit; before quantize_dynamic). In bfloat16 it takes half the memory of "
            "float32: dtype=torch.bfloat16"
        )


def _check_devices(model: Any) -> None:
    places: dict[torch.device, list[str]] = {}
    for name, tensor in _tensors(model):
        places.setdefault(tensor.device, []).append(name)
    kind = type(model).__name__
    if empty := places.get(torch.device("meta")):
        raise ValueError(
            f"{len(empty)} weights of this {kind} are on the device 'meta', where they have no values: "
            f"{list_names(empty)}. Load it without device_map, offloading and init_empty_weights(), or load "
            "its weights before it is wrapped"
        )
    if len(places) > 1:
        where = "; ".join(f"{list_names(names)} on {device}" for device, names in places.items())
        first = next(iter(places))
        raise ValueError(
            f"the weights of this {kind} are on several devices: {where}. Both towers must be on one: load "
            f"the model without device_map, or move it with model.to({str(first)!r})"
        )


def _is_quantized(module: Any) -> bool:
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor):
        return any(hasattr(module, name) for name in _PACKED)
    library = type(weight).__module__.partition(".")[0]
    return not weight.is_floating_point() or library in ("torchao", "optimum", "quanto")


def _tensors(model: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield a model's parameters and buffers with their names, each once."""
    yield from model.named_parameters()
    yield from model.named_buffers()


def not_finite(model: Any) -> list[str]:
    """Return the weights with NaN or infinity, as "visual.proj has 1 NaN of 4096 values".

    A buffer may have -infinity, as masks of attention do.
    """
    parameters = {id(tensor) for tensor in model.parameters()}
    sentences = []
    for name, tensor in _tensors(model):
        if not tensor.is_floating_point() or tensor.is_meta or _is_finite(tensor):
            continue
        nans = int(tensor.isnan().sum())
        infinite = tensor.isinf() if id(tensor) in parameters else tensor.isposinf()
        counts = {"NaN": nans, "infinite": int(infinite.sum())}
        if parts := [f"{count} {what}" for what, count in counts.items() if count]:
            sentences.append(f"{name} has {' and '.join(parts)} of {tensor.numel()} values")
    return sentences


def _is_finite(tensor: Tensor) -> bool:
    # One sum in place of a comparison of every value: it is finite only if all values are. The sum of finite
    # values may overflow, so that the values are compared then.
    return bool(tensor.detach().sum(dtype=torch.float32).isfinite()) or bool(
        tensor.isfinite().all()
    )


def why_not_finite(model: Any, run: Callable[[], Any]) -> str:
    """Return why a model computes NaN or infinity, and what to do, as the end of a message.

    Args:
        model: the model, whose modules are named.
        run: computes NaN or infinity with it.
    """
    if weights := not_finite(model):
        return f"its weights contain them: {list_names(weights)}. {_TRAINING}"
    origin = _first_not_finite(model, run)
    if origin is None:
        return (
            "its weights and the outputs of its modules are finite, so the values overflow between modules, "
            "or in derivatives: use float32 (model.float(), dtype='float32')"
        )
    name, module, dtype = origin
    what = (
        f"its weights are finite, and the first module with such an output is {name or 'the model itself'} "
        f"({type(module).__name__}), in {str(dtype).removeprefix('torch.')}"
    )
    if dtype == torch.float16:
        return (
            f"{what}, whose largest number is {torch.finfo(dtype).max:.0f}: use bfloat16 or float32, as "
            "dtype='float32' where the model is loaded, model.float() or model.bfloat16()"
        )
    return f"{what}. {_TRAINING}"


def _first_not_finite(
    model: Any, run: Callable[[], Any]
) -> tuple[str, nn.Module, torch.dtype] | None:
    """Return name, module and dtype of the first output with NaN or infinity, or ``None``."""
    names = {id(module): name for name, module in model.named_modules()}
    first: list[tuple[str, nn.Module, torch.dtype]] = []

    def look(module: nn.Module, _args: Any, out: Any) -> None:
        if first or id(module) not in names:
            return
        for tensor in _tensors_in(out):
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                first.append((names[id(module)], module, tensor.dtype))
                return

    hook = register_module_forward_hook(look)
    try:
        run()
    finally:
        hook.remove()
    return first[0] if first else None


def _tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors_in(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors_in(part)


def list_names(names: list[str]) -> str:
    """Return the first few names of modules or weights, and the number of the others."""
    first = [name or "the model itself" for name in names[:_LISTED]]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")
