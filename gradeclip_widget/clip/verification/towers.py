"""Compare the traced towers with the model itself, on one fixed picture and caption."""

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
from .original import GivenModel
from .state import modules_of

CAPTION = "a brown dog in a red car"
_FLOOR = 1e-4  # distance of two unit embeddings that float32 arithmetic does not reach
_NOISE = 4.0  # how often the change made by rounding the input may fit into an explainable distance


@dataclass(frozen=True)
class Side:
    """The picture's or the caption's embedding, by the model itself and as traced.

    Attributes:
        way_in: the model's own method.
        rounding: relative rounding error of the side's arithmetic.
        run: the model's own way from the input to the unit embedding (E,), given a relative change of it.
        own, traced: unit embeddings (E,).
        other_ids: whether the model's tokenizer makes other ids than those that are traced.
    """

    way_in: str
    rounding: float
    run: Callable[[float], Tensor]
    own: Tensor
    traced: Tensor
    other_ids: bool = False

    @property
    def distance(self) -> float:
        """How far apart the two embeddings are."""
        return float((self.own - self.traced).norm())

    @property
    def slack(self) -> float:
        """Distance that is taken for none."""
        return max(_FLOOR, self.rounding)

    def repeats(self) -> bool:
        """Return whether the model gives the same for the same input."""
        return float((self.run(0.0) - self.own).norm()) <= self.slack

    def agrees(self) -> bool:
        """Return whether rounding explains the distance.

        Where weights have few digits, the model is run again with its input changed by one rounding error:
        from there on all further rounding differs, as it does between two ways to compute the same.
        """
        if self.distance <= self.slack:
            return True
        noise = float((self.run(self.rounding) - self.own).norm())
        return self.distance <= _NOISE * noise and self.repeats()


def check_towers(
    given: GivenModel,
    image_tower: ImageTower,
    text_tower: TextTower,
    tokenizer: Tokenizer,
    device: torch.device,
    autocast: torch.dtype | None = None,
) -> None:
    """Check that the traced towers give the model's own embeddings, up to rounding.

    The model runs as the caller has set it (in evaluation mode, without gradients), and in the dtype of its
    weights, since autocast only adds noise. That a compiled part computes what its Python code says is taken
    on trust: nothing is compiled here.

    Args:
        given: the model.
        image_tower: what is explained in place of its image side.
        text_tower: the same of its text side.
        tokenizer: the tokenizer that is traced.
        device: of all of them.
        autocast: type that the towers run in; used where the model does not run without it.

    Raises:
        ValueError: the embeddings differ, or the model does not run at all; the message says what to do.
    """
    with uncompiled():
        image = _image(given, image_tower, device, autocast)
        text = _text(given, text_tower, tokenizer, device, autocast)
        differing = [side for side in (image, text) if not side.agrees()]
        if differing:
            raise ValueError(_difference(given, image, text, differing))
        _check_hooks(given, image_tower, image)
        _check_hooks(given, text_tower, text)


def probe_pixels(size: tuple[int, int]) -> Tensor:
    """Return a fixed picture (1, 3, H, W), as if normalized: noise on slopes."""
    height, width = size
    noise = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    rows, cols = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
    return 0.5 * noise + torch.stack([rows + 0 * cols, cols - 0 * rows, rows * cols])


def _image(
    given: GivenModel, tower: ImageTower, device: torch.device, autocast: torch.dtype | None
) -> Side:
    pixels, way_in = probe_pixels(tower.image_size).to(device), given.ways_in[0]
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1)).to(device)
    dtypes = _dtypes(given.image_side)

    def embed(change: float, dtype: torch.dtype) -> Tensor:
        return given.image((pixels * (1 + change * noise)).to(dtype))

    what = f"a picture of {pixels.shape[-2]} x {pixels.shape[-1]} px"
    run, own = _own(embed, dtypes, device, autocast, f"{way_in} does not run on {what}")
    traced = _traced("image", lambda: tower.trace(pixels, contributions=True).embedding)
    return Side(way_in, _rounding(given.image_side, device), run, own, traced)


def _text(
    given: GivenModel,
    tower: TextTower,
    tokenizer: Tokenizer,
    device: torch.device,
    autocast: torch.dtype | None,
) -> Side:
    ids, way_in = tokenizer.add_special_tokens(tokenizer(CAPTION).ids), given.ways_in[1]
    length, special = tower.context_length, tokenizer.special_tokens
    made = given.ids(CAPTION, length)
    if made is None:
        made = torch.tensor([[*ids, *[special.pad] * (length - len(ids))]])
    padded = made.to(device)
    table = given.token_table(tower)

    def embed(change: float, _: torch.dtype) -> Tensor:
        with disturbed(table, change):
            return given.text(padded)

    what = f"{way_in} does not run on a caption of {length} token ids"
    run, own = _own(embed, (torch.int64,), device, autocast, what)
    traced = _traced("text", lambda: tower.run([ids], 1, special)[0][0])
    others = padded[0, : len(ids)].tolist() != list(ids)
    return Side(way_in, _rounding(given.text_side, device), run, own, traced, others)


def _own(
    embed: Callable[[float, torch.dtype], Tensor],
    dtypes: Sequence[torch.dtype],
    device: torch.device,
    autocast: torch.dtype | None,
    failure: str,
) -> tuple[Callable[[float], Tensor], Tensor]:
    """Find the dtype of the input, and whether under autocast, in which the model itself runs.

    Returns:
        Its way to the unit embedding (E,), and that of the unchanged input.
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
        "cannot be explained: check its weights, their dtype (model.float() makes it one) and its tokenizer"
    ) from first


def _traced(side: str, run: Callable[[], Tensor]) -> Tensor:
    """Return the traced unit embedding (E,), where the model itself runs."""
    try:
        return run().float()
    except (torch.cuda.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(
            f"the model runs, but its {side} tower cannot be traced: {summarize_error(error)}. Quantized or "
            "otherwise replaced layers are not known here: give the model in float32, bfloat16 or float16, "
            "or see docs/extending.md on adding a family of towers"
        ) from error


def _difference(given: GivenModel, image: Side, text: Side, differing: Sequence[Side]) -> str:
    """Return the message on sides that differ."""
    first = differing[0]
    names = " and ".join(side.way_in for side in differing)
    own, traced = (float(a @ b) for a, b in ((image.own, text.own), (image.traced, text.traced)))
    what = (
        f"by its own {names} this model computes something else than its layers do, and those are what is "
        f"explained: for a fixed picture and caption its own score is {own:+.4f}, that of its layers "
        f"{traced:+.4f} (embeddings {first.distance:.2g} apart). "
    )
    if not first.repeats():
        return what + (
            "Its embedding of the same input changes from call to call: turn off what is random in it"
        )
    if text in differing and text.other_ids and text is first:
        return what + (
            "Its tokenizer makes other token ids than those that its vocabulary gives: pass the tokenizer "
            "without additions, and add them to the captions"
        )
    return what + way_out(given.module, given.ways_in, given.again)


def _check_hooks(given: GivenModel, tower: Any, side: Side) -> None:
    """Refuse hooks inside a tower's blocks that change what the model computes.

    Blocks carry derivatives as further rows of their matrices, which such hooks would change as well.
    """
    blocks = getattr(tower, "blocks", ())
    parts = [part for block in blocks for value in vars(block).values() for part in _modules(value)]
    hooked = hooked_modules(parts)
    if not hooked:
        return
    with bare(hooked):
        try:
            changed = not side.repeats()
        except Exception:  # noqa: BLE001
            changed = True
    if changed:
        names = {id(module): name for name, module in given.module.named_modules()}
        where = listed([names.get(id(module), type(module).__name__) for module in hooked])
        raise ValueError(
            f"forward hooks, or a replaced forward, change what {where} computes, and derivatives cannot be "
            "followed through them: remove them (handle.remove() of what register_forward_hook returned, "
            "del module.forward), or use a module of its own in their place"
        )


def _modules(value: Any) -> Iterator[nn.Module]:
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, nn.Module):
            yield part


def _dtypes(module: nn.Module) -> list[torch.dtype]:
    """Return the dtypes that a picture may need for a module's first layer, the likeliest first."""
    floating = [p for p in module.parameters() if p.is_floating_point()]
    first = [p.dtype for p in floating if p.ndim == 4][:1]
    return list(dict.fromkeys([*first, torch.float32, *(p.dtype for p in floating)]))


def _rounding(module: nn.Module, device: torch.device) -> float:
    """Return the relative rounding error of a module's arithmetic."""
    dtypes = {p.dtype for p in module.parameters() if p.is_floating_point()}
    if torch.float32 in dtypes and (device.type == "cuda" or _float32_is_shortened()):
        dtypes.add(torch.float16)  # TF32, which GPUs may use, has as many digits
    return max((torch.finfo(dtype).eps for dtype in dtypes), default=0.0)


def _float32_is_shortened() -> bool:
    try:
        return torch.get_float32_matmul_precision() != "highest"
    except RuntimeError:  # it was set in another of torch's ways, which do not mix
        return True


@contextlib.contextmanager
def bare(modules: Sequence[Any]) -> Iterator[None]:
    """Run modules without their forward hooks and replaced methods, within the context."""
    before = [dict(vars(module)) for module in modules]
    try:
        for module in modules:
            vars(module).update(_forward_hooks=OrderedDict(), _forward_pre_hooks=OrderedDict())
            vars(module).pop("forward", None)
        yield
    finally:
        for module, own in zip(modules, before, strict=True):
            vars(module).clear()
            vars(module).update(own)


@contextlib.contextmanager
def disturbed(table: nn.Module, change: float) -> Iterator[None]:
    """Multiply what a module returns by about 1, within the context."""
    if not change:
        yield
        return

    def disturb(_module: nn.Module, _args: Any, out: Tensor) -> Tensor:
        noise = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
        return out * (1 + change * noise).to(out)

    hook = table.register_forward_hook(disturb)
    try:
        yield
    finally:
        hook.remove()


@contextlib.contextmanager
def uncompiled() -> Iterator[None]:
    """Run compiled functions as the Python code that they were made of, within the context."""
    stance = getattr(torch.compiler, "set_stance", None)
    if stance is None or "torch._dynamo" not in sys.modules:  # nothing was compiled
        yield
        return
    with stance("force_eager"):
        yield


_FEW = 3  # modules that a message names
_GENERIC = (
    "The model does something that this package does not know: docs/extending.md says how to add a family "
    "of towers"
)


def way_out(model: Any, ways_in: Iterable[str], again: str = "") -> str:
    """Return sentences on what sets a model apart from its known towers, and how to have it explained.

    Args:
        model: the model as it was given.
        ways_in: names of the methods that encode pictures and captions.
        again: what to say where nothing of the kind is found.
    """
    adapters, hooked, patched = [], [], []
    for name, module in model.named_modules():
        own = vars(module)
        if "base_layer" in own["_modules"] or "lora_A" in own["_modules"]:
            adapters.append(name)
        elif own["_forward_hooks"] or own["_forward_pre_hooks"]:
            hooked.append(name)
        if _replaced(module):
            patched.append(name)
    replaced = [name for name in ways_in if name in vars(model)]
    sentences = []
    if adapters:
        sentences.append(
            f"It has adapters of peft ({listed(adapters)}): merge them into the weights, with "
            "model = peft_model.merge_and_unload(), and give that model"
        )
    if hooked:
        sentences.append(
            f"It has forward hooks ({listed(hooked)}): remove those that change outputs, by "
            "handle.remove() of what register_forward_hook returned"
        )
    if patched:
        sentences.append(
            f"The method forward is replaced on {listed(patched)}: restore it, with del module.forward"
        )
    if replaced:
        sentences.append(
            f"The method {' and '.join(replaced)} is replaced on the model: restore it, with "
            f"del model.{replaced[0]}, or put what it adds into the tower itself"
        )
    if not sentences and again:
        sentences.append(again[0].upper() + again[1:])
    if not sentences and (names := _overriding(model, ways_in)):
        sentences.append(
            f"Its class {type(model).__name__} defines {' and '.join(names)} itself, and does more than its "
            "towers there; put that into the tower (docs/extending.md says how to add a family), or give "
            "the model without it"
        )
    return ". ".join(sentences or [_GENERIC])


def _overriding(model: Any, ways_in: Iterable[str]) -> list[str]:
    """Return which methods a class outside the known libraries defines."""
    libraries = ("open_clip", "transformers", "gradeclip_widget")
    found = []
    for name in ways_in:
        owner = next((kind for kind in type(model).__mro__ if name in vars(kind)), None)
        if owner is not None and owner.__module__.partition(".")[0] not in libraries:
            found.append(name)
    return found


def listed(names: list[str]) -> str:
    """Return the first few names of modules, and how many more there are."""
    shown = [name or "the model itself" for name in names[:_FEW]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def hooked_modules(parts: Iterable[Any]) -> list[Any]:
    """Return the modules among some parts, and inside them, with forward hooks or a replaced ``forward``."""
    found = {id(module): module for part in parts for module in modules_of(part)}
    return [
        module
        for module in found.values()
        if module._forward_hooks or module._forward_pre_hooks or _replaced(module)  # noqa: SLF001
    ]


def _replaced(module: Any) -> bool:
    """Return whether a module's ``forward`` is replaced, and not by `torch.compile`."""
    return "forward" in vars(module) and not hasattr(module, "_orig_mod")
