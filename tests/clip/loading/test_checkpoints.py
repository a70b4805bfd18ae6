"""Checkpoints as training code writes them: what is removed, which errors are raised, and what is noted."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip import pretrained
from safetensors.torch import save_file
from torch import nn

import gradeclip_widget as gw

from .tiny import CAPTION, PICTURE, TINY, random_model, saved, score_of, state_of

State = dict[str, torch.Tensor]
# Parts of Python's own messages, which an error for the user does not contain.
PYTHON = re.compile(r"\x1b|weights_only|Error\b|Traceback|Unpickler|GLOBAL|<class")


def explained(path: Path, name: str = TINY) -> Any:
    return gw.Explainer(gw.load(name, path, device="cpu"))(PICTURE, CAPTION)


def refusal(path: Path, name: str = TINY) -> str:
    with pytest.raises(gw.ModelLoadError) as caught:
        gw.load(name, path, device="cpu")
    assert not PYTHON.search(str(caught.value)), caught.value
    assert "check the network" not in str(caught.value)
    return str(caught.value)


def prefixed(prefix: str) -> Callable[[State], Any]:
    return lambda state: {prefix + key: value for key, value in state.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        dict,
        prefixed("module."),
        prefixed("model."),
        prefixed("_orig_mod."),
        prefixed("clip_model."),
        prefixed("module._orig_mod."),
        prefixed("model.clip._orig_mod."),
        lambda state: {key.replace("visual.", "visual._orig_mod."): v for key, v in state.items()},
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": state},
        lambda state: {"epoch": 1, "model_state_dict": state, "optimizer": {"state": {}}},
        lambda state: {"state_dict": {"model": prefixed("module.")(state)}},
        lambda state: {"clip": state},
        lambda state: {**state, "input_resolution": torch.tensor(32)},
    ],
)
def test_what_training_code_puts_around_the_weights_is_removed(
    tiny_model: Any, tmp_path: Path, wrap: Callable[[State], Any]
) -> None:
    path = saved(wrap(state_of(tiny_model)), tmp_path / "weights.pt")
    e = explained(path)
    assert e.score == pytest.approx(score_of(tiny_model), abs=1e-5)
    assert not [note for note in e.notes if "weights.pt" in note]


@pytest.mark.parametrize("prefix", ["", "model."])
def test_a_head_beside_the_model_is_left_out_with_a_note(
    tiny_model: Any, tmp_path: Path, prefix: str
) -> None:
    state = prefixed(prefix)(state_of(tiny_model)) | {"classifier.weight": torch.zeros(10, 32)}
    e = explained(saved(state, tmp_path / "weights.pt"))
    assert e.score == pytest.approx(score_of(tiny_model), abs=1e-5)
    assert "weights.pt contains more than the model; left out: 'classifier.weight'." in e.notes


def test_a_note_names_the_model_taken_of_several_in_a_file(tmp_path: Path) -> None:
    first, second = random_model(0), random_model(1)
    state = {"model": state_of(first), "ema": state_of(second)}
    e = explained(saved(state, tmp_path / "weights.pt"))
    assert e.score == pytest.approx(score_of(first), abs=1e-5)
    assert "weights.pt contains several models: 'model' was taken, not 'ema'." in e.notes


def test_a_file_of_two_models_side_by_side_raises_an_error(tmp_path: Path) -> None:
    state = {
        **prefixed("student.")(state_of(random_model(0))),
        **prefixed("teacher.")(state_of(random_model(1))),
    }
    message = refusal(saved(state, tmp_path / "weights.pt"))
    assert "2 models ('student.', 'teacher.')" in message


def test_missing_and_unexpected_keys_are_named(tiny_model: Any, tmp_path: Path) -> None:
    state = state_of(tiny_model)
    state["visual.adapter.weight"] = state.pop("visual.proj")
    message = refusal(saved(state, tmp_path / "weights.pt"))
    assert "lacks 'visual.proj'" in message
    assert "no 'visual.adapter.weight'" in message


def test_an_error_says_how_to_merge_an_adapter_beside_the_weights(
    tiny_model: Any, tmp_path: Path
) -> None:
    state = state_of(tiny_model) | {"visual.conv1.lora_A.weight": torch.zeros(2)}
    message = refusal(saved(state, tmp_path / "weights.pt"))
    assert "visual.conv1.lora_A.weight" in message
    assert "merge_and_unload()" in message


def test_weights_of_another_size_are_named(tiny_model: Any, tmp_path: Path) -> None:
    state = state_of(tiny_model)
    state["text_projection"] = torch.zeros(32, 48)
    message = refusal(saved(state, tmp_path / "weights.pt"))
    assert "text_projection is (32, 48) in the file and (32, 32) in the model" in message


def test_positions_of_another_size_are_interpolated_with_a_note(
    tiny_model: Any, tmp_path: Path
) -> None:
    state = state_of(tiny_model)
    state["visual.positional_embedding"] = torch.randn(1 + 36, 64)
    e = explained(saved(state, tmp_path / "weights.pt"))
    assert any("(37, 64) was interpolated to (17, 64)" in note for note in e.notes)


def test_an_error_says_how_to_wrap_weights_of_transformers(tmp_path: Path) -> None:
    state = {
        "vision_model.embeddings.class_embedding": torch.zeros(8),
        "logit_scale": torch.ones(()),
    }
    assert "gw.from_transformers(model, processor)" in refusal(
        saved(state, tmp_path / "weights.pt")
    )


class _Config:
    """An object as training code puts into its checkpoints."""


class _Module(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 605143316\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("weights.pt", LFS, "git lfs pull"),
        ("weights.safetensors", LFS, "git lfs pull"),
        ("weights.pt", b"", "weights.pt is empty"),
        ("weights.safetensors", b"<!doctype html><html>", "a web page"),
        ("weights.safetensors", bytes(100), "damaged"),
        ("weights.pt", b"PK\x03\x04 and no more", "damaged"),
        ("weights.pt", b"some text\n", "damaged"),
    ],
)
def test_an_error_says_why_a_file_is_not_a_checkpoint(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert message in refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"args": argparse.Namespace(lr=1), "model": {}}, "(argparse.Namespace)"),
        (_Module(), "run code"),
        (torch.zeros(3), "one tensor (3,)"),
        ([1, 2], "type list"),
        ({}, "empty dictionary"),
        ({"epoch": 3, "loss": 0.5}, "'epoch', 'loss'"),
    ],
)
def test_an_error_names_the_content_of_a_file_without_weights(
    tmp_path: Path, content: Any, message: str
) -> None:
    assert message in refusal(saved(content, tmp_path / "weights.pt"))


def test_a_torchscript_archive_is_named(tmp_path: Path) -> None:
    torch.jit.script(_Module()).save(str(tmp_path / "ViT-B-32.pt"))
    message = refusal(tmp_path / "ViT-B-32.pt")
    assert "TorchScript" in message
    assert "'ViT-B-32/openai'" in message


def test_a_checkpoint_cut_short_is_named(tiny_model: Any, tmp_path: Path) -> None:
    save_file(state_of(tiny_model), tmp_path / "weights.safetensors")
    whole = (tmp_path / "weights.safetensors").read_bytes()
    (tmp_path / "weights.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refusal(tmp_path / "weights.safetensors")


# Options by the published weights of a name


Tags = dict[str, dict[str, Any]]
SIGLIP = {
    "mean": (0.5, 0.5, 0.5),
    "std": (0.5, 0.5, 0.5),
    "interpolation": "bilinear",
    "resize_mode": "squash",
}
PLAIN = {
    "mean": open_clip.OPENAI_DATASET_MEAN,
    "std": open_clip.OPENAI_DATASET_STD,
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Callable[[Tags], None]:
    """Return a function that publishes weights under the small architecture's name."""
    return lambda tags: monkeypatch.setitem(pretrained._PRETRAINED, TINY, tags)


@pytest.fixture
def checkpoint(tiny_model: Any, tmp_path: Path) -> Path:
    return saved(state_of(tiny_model), tmp_path / "mine.pt")


def test_the_activation_of_all_published_weights_is_taken(
    publish: Callable[[Tags], None], checkpoint: Path
) -> None:
    publish({"openai": {**PLAIN, "quick_gelu": True}, "yfcc": {**PLAIN, "quick_gelu": True}})
    e = explained(checkpoint)
    assert e.notes[0].startswith("Assumed: QuickGELU")
    quick = random_model(0, f"{TINY}-quickgelu")
    assert e.score == pytest.approx(score_of(quick), abs=1e-5)
    assert abs(e.score - score_of(random_model(0))) > 1e-4


def test_a_note_names_the_assumed_activation_if_published_weights_differ(
    publish: Callable[[Tags], None], checkpoint: Path
) -> None:
    publish({"openai": {**PLAIN, "quick_gelu": True}, "laion": PLAIN})
    (note,) = gw.load(TINY, checkpoint, device="cpu").notes
    assert note.startswith("Assumed: GELU")
    assert "openai" in note
    assert f"{TINY}-quickgelu" in note
    sibling = gw.load(f"{TINY}-quickgelu", checkpoint, device="cpu")
    assert not any("GELU" in note for note in sibling.notes)


def test_pixels_are_prepared_as_for_the_published_weights(
    publish: Callable[[Tags], None], checkpoint: Path
) -> None:
    publish({"webli": SIGLIP})
    processor = gw.load(TINY, checkpoint, device="cpu").image_processor
    assert processor.mean == processor.std == (0.5, 0.5, 0.5)
    assert processor.interpolation.value == "bilinear"
    assert processor.crop_mode == "squash"


def test_a_note_names_the_assumed_pixels_if_published_weights_differ(
    publish: Callable[[Tags], None], checkpoint: Path
) -> None:
    publish({"openai": PLAIN, "b82k": {**PLAIN, "mean": (0.5, 0.5, 0.5)}})
    assert gw.load(TINY, checkpoint, device="cpu").notes == (
        "Assumed: mean (0.481, 0.458, 0.408); weights tuned from b82k need (0.5, 0.5, 0.5).",
    )


def test_a_note_names_the_assumed_pixels_without_published_weights(checkpoint: Path) -> None:
    (note,) = gw.load(TINY, checkpoint, device="cpu").notes
    assert note.startswith("Assumed: pixels")


@pytest.mark.parametrize(
    ("name", "quick", "mean"),
    [("ViT-L-14-336", True, 0.481), ("RN50", True, 0.481), ("ViT-B-16-SigLIP", None, 0.5)],
)
def test_options_of_open_clips_names(name: str, quick: bool | None, mean: float) -> None:
    from gradeclip_widget.clip.loading.published import recipe_for

    options = recipe_for(name).options
    assert options.get("force_quick_gelu") is quick
    assert options["image_mean"][0] == pytest.approx(mean, abs=1e-3)
