"""Compare the traced towers with the model itself, on one fixed picture and caption; explain differences."""

from __future__ import annotations

import contextlib
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.errors import summarize_error
from ..image_towers.base import ImageTower
from ..text_towers.base import TextTower
from ..tokenizers.base import Tokenizer
from .original import OriginalModel
from .state import modules_of
from .weights import check_weights, list_names, why_not_finite

CAPTION = "a brown dog in a red car"
_FLOOR = 1e-4  # distance of two unit embeddings, greater than any by rounding of float32
_NOISE = 4.0  # a distance up to this many times the change by rounding of the input is rounding
_UNKNOWN = (
    "The model does something that this package does not know: docs/extending.md describes how to add a "
    "family of towers"
)


@dataclass(frozen=True)
class Side:
    """The picture's or the caption's embedding, by the model itself and as traced.

    Attributes:
        method: name of the model's own method.
        rounding: relative rounding error of the side's arithmetic.
        run: runs the model's own method and returns the unit embedding (E,). Its argument is a relative
            change of the input.
        original, traced: unit embeddings (E,).
        other_ids: whether the model's tokenizer makes other ids than those that are traced.
    """

    method: str
    rounding: float
    run: Callable[[float], Tensor]
    original: Tensor
    traced: Tensor
    other_ids: bool = False

    @property
    def distance(self) -> float:
        """Distance of the two embeddings."""
        return float((self.original - self.traced).norm())

    @property
    def slack(self) -> float:
        """Distance up to which two embeddings count as equal."""
        return max(_FLOOR, self.rounding)

    @property
    def is_finite(self) -> bool:
        """Whether the model's own embedding, and the traced one, are finite."""
        return bool(self.original.isfinite().all() and self.traced.isfinite().all())

    def repeats(self) -> bool:
        """Return whether the model returns the same embedding for the same input."""
        return float((self.run(0.0) - self.original).norm()) <= self.slack

    def agrees(self) -> bool:
        """Return whether rounding explains the distance.

        For weights with few digits, the model is run again with its input changed by one rounding error. All
        later rounding then differs, as it does between two ways to compute the same.
        """
        if self.distance <= self.slack:
            return True
        noise = float((self.run(self.rounding) - self.original).norm())
        return self.distance <= _NOISE * noise and self.repeats()


def check_towers(
    original: OriginalModel,
    image_tower: ImageTower,
    text_tower: TextTower,
    tokenizer: Tokenizer,
    device: torch.device,
    autocast: torch.dtype | None = None,
) -> None:
    """Check that the traced towers return the model's own embeddings, up to rounding.

    The model runs in the mode that the caller has set (evaluation, without gradients), and in the dtype of
    its weights, since autocast only adds noise. Compiled parts run as Python code, and are assumed to compute
    the same.

    Args:
        original: the model.
        image_tower: the tower that is explained as its image side.
        text_tower: the tower that is explained as its text side.
        tokenizer: the tokenizer that is traced.
        device: device of all of them.
        autocast: dtype of the towers; used if the model does not run without it.

    Raises:
        ValueError: the embeddings differ, are not finite, or the model does not run; or its weights are
            quantized or on several devices. The message explains what to do.
    """
    check_weights(original.module)
    with uncompiled(), torch.autocast(device.type, enabled=False):
        image = _image(original, image_tower, device, autocast)
        text = _text(original, text_tower, tokenizer, device, autocast)
        for side, what in ((image, "picture"), (text, "caption")):
            if not side.is_finite:
                raise ValueError(_not_finite(original, side, what))
        differing = [side for side in (image, text) if not side.agrees()]
        if differing:
            raise ValueError(_difference(original, image, text, differing))
        _check_hooks(original, image_tower, image)
        _check_hooks(original, text_tower, text)


def probe_pixels(size: tuple[int, int]) -> Tensor:
    """Return a fixed normalized picture (1, 3, H, W): noise on slopes."""
    height, width = size
    noise = _noise((1, 3, height, width), seed=0)
    rows, cols = (
        torch.linspace(-1, 1, n, dtype=torch.float32, device="cpu") for n in (height, width)
    )
    rows = rows[:, None]
    return 0.5 * noise + torch.stack([rows + 0 * cols, cols - 0 * rows, rows * cols])


def _noise(shape: Sequence[int], seed: int) -> Tensor:
    """Return the same noise on every machine: from the CPU, whatever torch's default device and dtype."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float32, device="cpu")


def _image(
    original: OriginalModel, tower: ImageTower, device: torch.device, autocast: torch.dtype | None
) -> Side:
    pixels, method = probe_pixels(tower.image_size).to(device), original.methods[0]
    noise = _noise(pixels.shape, seed=1).to(device)
    dtypes = _dtypes(original.image_side)

    def embed(change: float, dtype: torch.dtype) -> Tensor:
        return original.image((pixels * (1 + change * noise)).to(dtype))

    what = f"a picture of {pixels.shape[-2]} x {pixels.shape[-1]} px"
    run, x = _run_original(embed, dtypes, device, autocast, f"{method} does not run on {what}")
    traced = _traced("image", lambda: tower.trace(pixels, contributions=True).embedding)
    return Side(method, _rounding(original.image_side, device), run, x, traced)


def _text(
    original: OriginalModel,
    tower: TextTower,
    tokenizer: Tokenizer,
    device: torch.device,
    autocast: torch.dtype | None,
) -> Side:
    ids, method = tokenizer.add_special_tokens(tokenizer(CAPTION).ids), original.methods[1]
    length, special = tower.context_length, tokenizer.special_tokens
    padded = original.ids(CAPTION, length)
    if padded is None:
        padded = torch.tensor([[*ids, *[special.pad] * (length - len(ids))]], device="cpu")
    padded = padded.to(device)
    table = original.token_table(tower)

    def embed(change: float, _: torch.dtype) -> Tensor:
        with with_noise(table, change):
            return original.text(padded)

    what = f"{method} does not run on a caption of {length} token ids"
    run, t = _run_original(embed, (torch.int64,), device, autocast, what)
    traced = _traced("text", lambda: tower.run([ids], 1, special)[0][0])
    other_ids = padded[0, : len(ids)].tolist() != list(ids)
    return Side(method, _rounding(original.text_side, device), run, t, traced, other_ids)


def _run_original(
    embed: Callable[[float, torch.dtype], Tensor],
    dtypes: Sequence[torch.dtype],
    device: torch.device,
    autocast: torch.dtype | None,
    failure: str,
) -> tuple[Callable[[float], Tensor], Tensor]:
    """Run the model itself, in the first dtype of its input that works, without autocast if possible.

    Args:
        embed: returns embeddings (1, E), given a relative change of the input and its dtype.
        dtypes: dtypes of the input to try.
        device: device of the model.
        autocast: dtype of autocast to try if nothing runs without it.
        failure: what to report if nothing runs.

    Returns:
        A function from a relative change of the input to the unit embedding (E,), and the unit embedding of
        the unchanged input.

    Raises:
        ValueError: the model runs in no dtype.
    """
    first: Exception | None = None
    for kind in dict.fromkeys((None, autocast)):
        for dtype in dtypes:

            def run(
                change: float, dtype: torch.dtype = dtype, kind: torch.dtype | None = kind
            ) -> Tensor:
                with torch.autocast(device.type, kind, enabled=kind is not None):
                    return F.normalize(embed(change, dtype)[0].float(), dim=-1)

            try:
                return run, run(0.0)
            except (torch.cuda.OutOfMemoryError, MemoryError):
                raise
            except Exception as error:  # noqa: BLE001
                first = first or error
    raise ValueError(
        f"the model's own {failure}: {summarize_error(first or ValueError())}. A model that does not run "
        "cannot be explained: check its weights, their dtype (model.float() converts all) and its tokenizer"
    ) from first


def _traced(side: str, run: Callable[[], Tensor]) -> Tensor:
    """Return the traced unit embedding (E,)."""
    try:
        return run().float()
    except (torch.cuda.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(
            f"the model runs, but its {side} tower cannot be traced: {summarize_error(error)}. Quantized or "
            "otherwise replaced layers are not supported: give the model in float32, bfloat16 or float16, or "
            "see docs/extending.md on adding a family of towers"
        ) from error


def _not_finite(original: OriginalModel, side: Side, what: str) -> str:
    """Return the message on an embedding with NaN or infinity."""
    if bool(side.original.isfinite().all()):
        return (
            f"{side.method} of this model runs, but its layers, as they are explained, give NaN or infinity "
            f"for the same {what}: use float32 or bfloat16 (model.float(), model.bfloat16())"
        )
    cause = why_not_finite(original.module, lambda: side.run(0.0))
    return f"{side.method} of this model returns NaN or infinity for a fixed {what}: {cause}"


def _difference(original: OriginalModel, image: Side, text: Side, differing: Sequence[Side]) -> str:
    """Return the message on sides that differ."""
    first = differing[0]
    names = " and ".join(side.method for side in differing)
    score, traced = float(image.original @ text.original), float(image.traced @ text.traced)
    what = (
        f"{names} of this model does not return what the model's layers compute, and only layers can be "
        f"explained: for a fixed picture and caption the model's score is {score:+.4f}, that of its layers "
        f"{traced:+.4f} (distance of the embeddings: {first.distance:.2g}). "
    )
    if not first.repeats():
        return what + (
            "Its embedding of the same input changes from call to call: turn off what is random in it"
        )
    if text in differing and text.other_ids and text is first:
        return what + (
            "Its tokenizer returns other token ids than its vocabulary has for the text: pass the tokenizer "
            "without additions, and add them to the captions"
        )
    return what + advice_on(original.module, original.methods, original.advice)


def _check_hooks(original: OriginalModel, tower: Any, side: Side) -> None:
    """Check that no hooks inside a tower's blocks change what the model computes.

    Blocks compute derivatives as further rows of their matrices, and such hooks would change these too.

    Raises:
        ValueError: some do.
    """
    blocks = getattr(tower, "blocks", ())
    parts = [part for block in blocks for value in vars(block).values() for part in _modules(value)]
    hooked = modules_with_hooks(parts)
    if not hooked:
        return
    with without_hooks(hooked):
        try:
            changed = not side.repeats()
        except Exception:  # noqa: BLE001
            changed = True
    if changed:
        names = {id(module): name for name, module in original.module.named_modules()}
        where = list_names([names.get(id(module), type(module).__name__) for module in hooked])
        raise ValueError(
            f"forward hooks, or a replaced forward, change what {where} computes, and derivatives cannot be "
            "computed through them: remove them (handle.remove() of what register_forward_hook returned, "
            "del module.forward), or use a separate module instead"
        )


def _modules(value: Any) -> Iterator[nn.Module]:
    """Yield the modules in an attribute of a block: itself, or the items of a tuple."""
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, nn.Module):
            yield part


def _dtypes(module: nn.Module) -> list[torch.dtype]:
    """Return the dtypes that a module's first layer may need of a picture, the likeliest first."""
    floating = [p for p in module.parameters() if p.is_floating_point()]
    first = [p.dtype for p in floating if p.ndim == 4][:1]
    return list(dict.fromkeys([*first, torch.float32, *(p.dtype for p in floating)]))


def _rounding(module: nn.Module, device: torch.device) -> float:
    """Return the relative rounding error of a module's arithmetic."""
    dtypes = {p.dtype for p in module.parameters() if p.is_floating_point()}
    if torch.float32 in dtypes and (device.type == "cuda" or _float32_is_shortened()):
        dtypes.add(torch.float16)  # TF32, which GPUs may use, has the same number of digits
    return max((torch.finfo(dtype).eps for dtype in dtypes), default=0.0)


def _float32_is_shortened() -> bool:
    try:
        return torch.get_float32_matmul_precision() != "highest"
    except (
        RuntimeError
    ):  # set by torch's other functions for it, which cannot be combined with this one
        return True


@contextlib.contextmanager
def without_hooks(modules: Sequence[Any]) -> Iterator[None]:
    """Run modules without their forward hooks and replaced methods, within the context."""
    before = [dict(vars(module)) for module in modules]
    try:
        for module in modules:
            vars(module).update(_forward_hooks=OrderedDict(), _forward_pre_hooks=OrderedDict())
            vars(module).pop("forward", None)
        yield
    finally:
        for module, attributes in zip(modules, before, strict=True):
            vars(module).clear()
            vars(module).update(attributes)


@contextlib.contextmanager
def with_noise(table: nn.Module, change: float) -> Iterator[None]:
    """Multiply what a module returns by 1 + change * noise, within the context."""
    if not change:
        yield
        return

    def add_noise(_module: nn.Module, _args: Any, out: Tensor) -> Tensor:
        noise = _noise(out.shape, seed=1)
        return out * (1 + change * noise).to(out)

    hook = table.register_forward_hook(add_noise)
    try:
        yield
    finally:
        hook.remove()


@contextlib.contextmanager
def uncompiled() -> Iterator[None]:
    """Run compiled functions as plain Python code, within the context."""
    stance = getattr(torch.compiler, "set_stance", None)
    if stance is None or "torch._dynamo" not in sys.modules:  # nothing was compiled
        yield
        return
    with stance("force_eager"):
        yield


def advice_on(model: Any, methods: Iterable[str], default: str = "") -> str:
    """Return sentences on how a model differs from its known towers, and what to do about it.

    Args:
        model: the user's model.
        methods: names of the methods that encode pictures and captions.
        default: a sentence for a model without adapters, hooks and replaced methods.
    """
    adapters, hooked, patched = [], [], []
    for name, module in model.named_modules():
        attributes = vars(module)
        if "base_layer" in attributes["_modules"] or "lora_A" in attributes["_modules"]:
            adapters.append(name)
        elif attributes["_forward_hooks"] or attributes["_forward_pre_hooks"]:
            hooked.append(name)
        if _replaced(module):
            patched.append(name)
    replaced = [name for name in methods if name in vars(model)]
    sentences = []
    if adapters:
        sentences.append(
            f"It has adapters of peft ({list_names(adapters)}): merge them into the weights, with "
            "model = peft_model.merge_and_unload(), and give that model"
        )
    if hooked:
        sentences.append(
            f"It has forward hooks ({list_names(hooked)}): remove those that change outputs, by "
            "handle.remove() of what register_forward_hook returned"
        )
    if patched:
        sentences.append(
            f"The method forward is replaced on {list_names(patched)}: restore it, with del module.forward"
        )
    if replaced:
        sentences.append(
            f"The method {' and '.join(replaced)} is replaced on the model: restore it, with "
            f"del model.{replaced[0]}, or put what it adds into the tower itself"
        )
    if not sentences and default:
        sentences.append(default[0].upper() + default[1:])
    if not sentences and (names := _overriding(model, methods)):
        sentences.append(
            f"Its class {type(model).__name__} defines {' and '.join(names)} itself, and that does more than "
            "its towers; move that into the tower (docs/extending.md describes how to add a family), or give "
            "the model without it"
        )
    return ". ".join(sentences or [_UNKNOWN])


def _overriding(model: Any, methods: Iterable[str]) -> list[str]:
    """Return which of these methods a class outside the known libraries defines."""
    libraries = ("open_clip", "transformers", "gradeclip_widget")
    overridden = []
    for name in methods:
        owner = next((kind for kind in type(model).__mro__ if name in vars(kind)), None)
        if owner is not None and owner.__module__.partition(".")[0] not in libraries:
            overridden.append(name)
    return overridden


def modules_with_hooks(parts: Iterable[Any]) -> list[Any]:
    """Return the modules among some parts, and inside them, with forward hooks or a replaced ``forward``."""
    modules = {id(module): module for part in parts for module in modules_of(part)}
    return [
        module
        for module in modules.values()
        if module._forward_hooks or module._forward_pre_hooks or _replaced(module)  # noqa: SLF001
    ]


def _replaced(module: Any) -> bool:
    """Return whether a module's ``forward`` is replaced, and not by `torch.compile`."""
    return "forward" in vars(module) and not hasattr(module, "_orig_mod")
