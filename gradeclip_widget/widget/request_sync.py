"""From the values of traits to requests: functions on plain values, which need no widget."""

from __future__ import annotations

from .request import Request, WidgetState


def resolve_prompts(
    prompt: str, prompts: tuple[str, ...], active: int, state: WidgetState
) -> tuple[tuple[str, ...], int]:
    """Return prompts and the active one's index that agree, whichever of the three traits was set.

    A new ``prompt`` takes the place of the active one, unless ``prompts`` were set at the same time.

    Args:
        prompt: value of the trait, as are the next two.
        prompts: all captions.
        active: index of the one shown.
        state: how they agreed last.
    """
    row = min(active, len(prompts) - 1)
    if prompt != state.prompt and prompts == state.wanted.prompts:
        prompts = (*prompts[:row], prompt, *prompts[row + 1 :])
    return prompts, row


def resolve_resolution(model: str, resolution: int | None, wanted: Request) -> int | None:
    """Return the resolution to ask for: another model starts at its own, unless both were set."""
    another = model != wanted.model and resolution == wanted.settings.resolution
    return None if another else resolution
