"""exCLIP's second-order attributions: compared with the formula, and complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import gradeclip_widget as gw
from gradeclip_widget.clip.blocks.transformer import Transformer
from gradeclip_widget.demo import Scene
from gradeclip_widget.methods.exclip import ExClip

from ..clip import invariants as check
from ..clip.text_towers import test_bidirectional as both_ways
from ..clip.text_towers import test_huggingface_first_token as class_text
from . import families
from .test_integrated_gradients import CASES, Case

METHOD = ExClip.name


@pytest.fixture(scope="module")
def small() -> gw.ClipModel:
    """A model of 3 image blocks and 4 text blocks."""
    return check.wrap(families.model("open_clip"))


def integrated_jacobian(
    block: Any, embed: Callable[[], Tensor], embed_blank: Callable[[], Tensor], steps: int
) -> tuple[Tensor, Tensor]:
    """The mean Jacobian (E, N, D) of an embedding by what enters a block, and the path's length (N, D).

    Computed by hooks on the model's own modules, one point at a time.
    """
    entered: list[Tensor] = []
    hook = block.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0].detach()))
    embed(), embed_blank()
    hook.remove()
    end, start = entered

    def at(rows: Tensor) -> Tensor:
        hook = block.register_forward_pre_hook(lambda _, inputs: (rows, *inputs[1:]))
        try:
            return embed()[0]
        finally:
            hook.remove()

    mean = torch.stack(
        [
            torch.autograd.functional.jacobian(at, start + (n + 0.5) / steps * (end - start))[:, 0]
            for n in range(steps)
        ]
    ).mean(0)
    return mean, (end - start)[0]


def ids_of(caption: str) -> tuple[Tensor, Tensor]:
    """Token ids of a caption, and of the reference: padding between SOT and EOT."""
    ids = check.simple_tokenizer()([caption])
    blank = ids.clone()
    blank[0, 1 : int(ids.argmax())] = 0
    return ids, blank


@pytest.mark.parametrize(("layer", "options"), [(-1, {}), (-1, {"layer": -1}), (1, {"layer": 1})])
def test_the_matrix_is_the_formula(
    small: gw.ClipModel, layer: int, options: dict[str, int]
) -> None:
    model, pixels = small.model, families.pixels(small)
    ids, blank = ids_of(families.CAPTION)
    j, a = integrated_jacobian(
        model.visual.transformer.resblocks[layer],
        lambda: model.encode_image(pixels, normalize=True),
        lambda: model.encode_image(torch.zeros_like(pixels), normalize=True),
        steps=3,
    )
    k, b = integrated_jacobian(
        model.transformer.resblocks[layer],
        lambda: model.encode_text(ids, normalize=True),
        lambda: model.encode_text(blank, normalize=True),
        steps=3,
    )
    matrix = torch.einsum("etd,td,eic,ic->ti", k, b, j, a)
    e = families.explain(small, METHOD, steps=3, **options)
    end = int(ids.argmax())
    check.close(torch.tensor(e.interactions).flatten(1), matrix[1:end, 1:], 1e-4)
    t = model.encode_text(ids, normalize=True)[0]
    check.close(
        torch.tensor(e.signed_map).flatten(), torch.einsum("e,eic,ic->i", t, j, a)[1:], 1e-4
    )


def test_ten_steps_are_the_default(small: gw.ClipModel) -> None:
    default, ten = families.explain(small, METHOD), families.explain(small, METHOD, steps=10)
    np.testing.assert_array_equal(default.interactions, ten.interactions)


def test_more_directions_than_dimensions_give_the_same_maps(small: gw.ClipModel) -> None:
    directions = check.random(check.EMBEDDING + 2, check.EMBEDDING, seed=3)
    with small.inference_context():
        trace = small.image_tower.trace(families.pixels(small))
        many = ExClip(steps=2).image_maps(trace, directions)
        few = ExClip(steps=2).image_maps(trace, directions[:3])
    check.close(many[:3], few, 1e-4)


def test_the_number_of_rows_run_at_once_makes_no_difference(
    small: gw.ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = families.explain(small, METHOD, steps=3)
    monkeypatch.setattr("gradeclip_widget.methods.exclip._ROWS", 80)
    parts = families.explain(small, METHOD, steps=3)
    check.close(torch.tensor(parts.interactions), torch.tensor(whole.interactions), 1e-4)


def scores(clip: gw.ClipModel) -> float:
    """S(a, b) - S(a0, b) - S(a, b0) + S(a0, b0), by the model itself."""
    pixels = families.pixels(clip)
    with torch.no_grad():
        x, x0 = (
            clip.model.encode_image(p, normalize=True)[0]
            for p in (pixels, torch.zeros_like(pixels))
        )
        t, t0 = (clip.model.encode_text(i, normalize=True)[0] for i in ids_of(families.CAPTION))
    return float((x - x0) @ (t - t0))


def test_in_the_first_block_terms_of_patches_and_tokens_sum_to_the_score(
    small: gw.ClipModel,
) -> None:
    expected = scores(small)

    def error(steps: int) -> float:
        options = {"layer": 0, "steps": steps}
        explainer = gw.Explainer(small, METHOD, readings=False, method_options=options)
        e = explainer(families.pixels(small), families.CAPTION)
        return abs(float(e.interactions.sum()) - expected)

    coarse, fine = error(4), error(128)
    assert abs(expected) > 0.1
    assert fine < coarse / 4
    assert fine < 0.02 * abs(expected)


def test_in_the_last_block_terms_of_all_rows_sum_to_the_score(small: gw.ClipModel) -> None:
    """Including special tokens, and with a smaller error for more steps."""
    ids, _ = ids_of(families.CAPTION)
    sequence = ids[0, : int(ids.argmax()) + 1].tolist()

    def error(steps: int) -> float:
        method, everything = ExClip(steps=steps), slice(None)
        with small.inference_context():
            image = small.image_tower.trace(families.pixels(small))
            _, text = small.text_tower.run([sequence], 1)
            for trace in (image, text):
                vars(trace)["transformer"] = replace(trace.transformer, explained=everything)
            f = method.token_attributions(text).embedding
            return abs(float(method.image_maps(image, f).sum()) - scores(small))

    assert error(64) < error(4) / 4
    assert error(64) < 0.01 * abs(scores(small))


@pytest.mark.parametrize("name", ["relative", "coca", "clipa"])
def test_all_rows_of_a_picture_sum_to_what_its_score_gains_on_the_path(name: str) -> None:
    """Rows of special tokens included, in the last block."""
    clip = check.wrap(families.model(name))
    pixels = families.pixels(clip)
    directions = check.random(2, check.EMBEDDING, seed=3)
    with clip.inference_context():
        trace = clip.image_tower.trace(pixels)
        vars(trace)["transformer"] = replace(trace.transformer, explained=slice(None))
        maps = ExClip(steps=20).image_maps(trace, directions)
    blank = check.own_embedding(clip.model, torch.zeros_like(pixels))
    gain = directions @ (check.own_embedding(clip.model, pixels) - blank)
    check.close(maps.sum(1), gain, 0.02)


@pytest.mark.parametrize("name", families.OTHERS)
def test_other_towers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"'exclip'.*transformer"):
        gw.Explainer(check.wrap(families.model(name)), METHOD)


TEXTS = ["causal", *both_ways.FAMILIES, *class_text.FAMILIES]


@pytest.mark.parametrize("name", TEXTS)
def test_all_rows_of_a_text_sum_to_what_its_embedding_gains_on_the_path(name: str) -> None:
    """Rows of special tokens included, in the last block."""
    tower, _, sequence, _, special_tokens = CASES[name]()
    with torch.no_grad():
        _, trace = tower.run([sequence], 1, special_tokens)
        shown = ExClip(steps=20).token_attributions(trace).embedding
        transformer = trace.transformer
        vars(trace)["transformer"] = replace(transformer, explained=slice(None))
        everything = ExClip(steps=20).token_attributions(trace).embedding
        gain = trace.embedding - blank_embedding(CASES[name](), transformer)
    assert shown.shape == (len(sequence) - 2, len(trace.embedding))
    check.close(shown, everything[transformer.explained], 1e-4)
    check.close(everything.sum(0), gain, 0.02)


def blank_embedding(case: Case, transformer: Transformer) -> Tensor:
    """The embedding of padding in place of a caption's tokens, with the caption's mask."""
    tower, _, sequence, _, special_tokens = case
    tokens = special_tokens.caption_slice(len(sequence))
    ids = [*sequence]
    ids[tokens] = [special_tokens.pad] * (tokens.stop - tokens.start)
    return transformer.embed(tower.transformer(ids, special_tokens).rows)


def test_a_text_tower_of_unknown_blocks_has_attributions_of_grad_eclip() -> None:
    tower, _, sequence, _, special_tokens = CASES["averaged xlm-roberta"]()
    _, trace = tower.run([sequence], 1, special_tokens)
    ours = ExClip().token_attributions(trace).embedding
    assert torch.equal(ours, trace.propagate([]).embedding)


@pytest.mark.parametrize("name", ["open_clip", "siglip", "averaged"])
def test_lower_precision_ranks_patches_the_same(name: str) -> None:
    families.check_narrow(name, METHOD, steps=3)


def test_progress_is_reported_and_can_stop_the_work(small: gw.ClipModel) -> None:
    reports: list[tuple[str, int, int | None]] = []
    explainer = gw.Explainer(small, METHOD, readings=False, method_options={"steps": 3})
    explainer(families.pixels(small), "a dog", lambda *step: reports.append(step))
    stages = {stage: total for stage, _, total in reports}
    assert stages["text integration"] == 3
    assert stages["image integration"] == 3  # the caption and two tokens, all steps at once
    for stage in ("text integration", "image integration"):
        assert [done for name, done, _ in reports if name == stage] == [0, 1, 2]

    class StopError(Exception):
        pass

    def stop(stage: str, done: int, total: int | None) -> None:
        if stage.endswith("integration") and done == 1:
            raise StopError

    with pytest.raises(StopError):
        explainer(families.pixels(small), "a dog", stop)
    assert all(p.grad is None and p.requires_grad for p in small.model.parameters())


def test_invalid_options_are_refused(small: gw.ClipModel) -> None:
    with pytest.raises(ValueError, match="steps=0"):
        ExClip(steps=0)
    with pytest.raises(ValueError, match=r"layer=3.*-3 to 2"):
        families.explain(small, METHOD, layer=3)


def test_a_words_map_is_high_on_its_object(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, METHOD, readings=False)(scene.image, scene.caption)
    assert families.contrast(e, scene, "dog") > 1
