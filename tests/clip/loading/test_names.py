"""Names of models: published weights, OpenAI's names, repositories, folders, files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch

import gradeclip_widget as gw
from gradeclip_widget.clip import loading
from gradeclip_widget.clip.loading.names import resolve

from .tiny import CAPTION, CONFIG, PICTURE, TINY, random_model, saved, score_of, state_of


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("openai/clip-vit-base-patch32", "ViT-B-32/openai"),
        ("openai/clip-vit-large-patch14-336", "ViT-L-14-336/openai"),
        ("https://huggingface.co/openai/clip-vit-base-patch16", "ViT-B-16/openai"),
        ("hf://openai/clip-vit-base-patch16", "ViT-B-16/openai"),
        ("ViT-L/14@336px", "ViT-L-14-336/openai"),
        ("ViT-B/32", "ViT-B-32/openai"),
        ("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "ViT-B-32/laion2b_s34b_b79k"),
        ("timm/ViT-B-16-SigLIP", "ViT-B-16-SigLIP/webli"),
        ("someone/some-clip", "hf-hub:someone/some-clip"),
        ("hf-hub:someone/some-clip", "hf-hub:someone/some-clip"),
        (" ViT-B-16/openai ", "ViT-B-16/openai"),
    ],
)
def test_common_names_are_known(name: str, label: str) -> None:
    assert loading.label(name) == label


def test_a_checkpoint_of_openais_architecture_gets_its_activation(tmp_path: Path) -> None:
    path = saved({}, tmp_path / "mine.pt")
    for name in ("ViT-B/32", "openai/clip-vit-base-patch32"):
        assert resolve(name, path).label == "ViT-B-32-quickgelu/mine"


@pytest.mark.parametrize(
    ("name", "pretrained", "message"),
    [
        ("vit-b-32/openai", None, "'ViT-B-32/openai'"),
        ("ViT-B-61/openai", None, "the nearest are"),
        ("openai", None, "'openai' names weights.* 'ViT-B-32/openai'"),
        ("a/b/c", None, "'owner/name'"),
        ("hf-hub:someone/some-clip", "mine.pt", "'mine.pt' cannot be given too"),
        ("./nowhere", None, "no folder 'nowhere'"),
        ("~/nowhere-at-all", None, "no folder '/"),
        ("ViT-B-32", "~/nowhere-at-all.pt", "no such file"),
    ],
)
def test_the_error_of_an_unknown_name_says_what_to_give(
    name: str, pretrained: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        gw.load(name, pretrained)


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Any) -> Path:
    """A folder as open_clip writes it."""
    (tmp_path / "mine").mkdir()
    saved(state_of(tiny_model), tmp_path / "mine" / "open_clip_pytorch_model.bin")
    config = {"model_cfg": CONFIG, "preprocess_cfg": {"mean": [0.4] * 3, "std": [0.2] * 3}}
    (tmp_path / "mine" / "open_clip_config.json").write_text(json.dumps(config))
    return tmp_path / "mine"


@pytest.mark.parametrize("spelling", ["{}", "local-dir:{}", "~/mine", "./mine"])
def test_a_folder_is_loaded(
    folder: Path, tiny_model: Any, spelling: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.chdir(folder.parent)
    clip = gw.load(spelling.format(folder), device="cpu")
    assert gw.Explainer(clip)(PICTURE, CAPTION).score == pytest.approx(
        score_of(tiny_model), abs=1e-5
    )
    assert clip.image_processor.mean == pytest.approx((0.4,) * 3)
    assert clip.name == f"local-dir:{folder}"


def test_a_note_names_the_checkpoint_taken_of_several_in_a_folder(folder: Path) -> None:
    saved(state_of(random_model(1)), folder / "epoch_1.pt")
    assert gw.load(folder, device="cpu").notes == (
        "Assumed: the weights in open_clip_pytorch_model.bin, one of 2 checkpoints.",
    )


def test_weights_beside_a_folder_raise_an_error(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"'other\.pt' cannot be given too"):
        gw.load(f"local-dir:{folder}", "other.pt")


def test_a_folder_without_weights_raises_an_error(folder: Path) -> None:
    (folder / "open_clip_pytorch_model.bin").unlink()
    with pytest.raises(gw.ModelLoadError, match="no checkpoint"):
        gw.load(folder)


def test_the_error_of_a_folder_of_transformers_says_how_to_wrap_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "clip"}')
    with pytest.raises(ValueError, match=r"gw\.from_transformers\(AutoModel\.from_pretrained"):
        gw.load(tmp_path)


def test_a_folder_with_one_checkpoint_is_taken_as_weights(tmp_path: Path, tiny_model: Any) -> None:
    saved(state_of(tiny_model), tmp_path / "best.pt")
    clip = gw.load(TINY, tmp_path, device="cpu")
    assert gw.Explainer(clip)(PICTURE, CAPTION).score == pytest.approx(
        score_of(tiny_model), abs=1e-5
    )
    saved({}, tmp_path / "last.pt")
    with pytest.raises(ValueError, match=r"contains best\.pt, last\.pt"):
        gw.load(TINY, tmp_path)


def test_a_checkpoint_alone_needs_a_name(tmp_path: Path) -> None:
    path = saved({}, tmp_path / "mine.pt")
    with pytest.raises(ValueError, match=r"gw\.load\('ViT-B-32', pretrained='.*mine\.pt'\)"):
        gw.load(path)


def test_a_path_may_start_at_the_home_folder(
    tmp_path: Path, tiny_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    saved(state_of(tiny_model), tmp_path / "mine.pt")
    for name in (f"{TINY}/~/mine.pt", f"{TINY}/{tmp_path}{os.sep}mine.pt"):
        assert loading.load_once(name).name == f"{TINY}/mine"


# Contents, not names


def score_in_widget(name: str) -> float:
    widget = gw.explore(PICTURE, CAPTION, name)
    score = widget.explanation.score
    widget.close()
    return float(score)


def test_a_checkpoint_that_is_overwritten_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "mine.pt"
    for seed in (0, 1):
        model = random_model(seed)
        saved(state_of(model), path)
        widget = gw.explore(PICTURE, CAPTION, f"{TINY}/{path}")  # keeps the model in use
        assert widget.explanation.score == pytest.approx(score_of(model), abs=1e-5)


def test_the_same_file_is_loaded_once(tmp_path: Path, tiny_model: Any) -> None:
    path = saved(state_of(tiny_model), tmp_path / "mine.pt")
    first = loading.load_once(f"{TINY}/{path}")
    assert loading.load_once(f"{TINY}/{path}") is first
    assert not loading.is_outdated(first)
    saved(state_of(random_model(1)), path)
    assert loading.is_outdated(first)
    path.unlink()
    assert not loading.is_outdated(first)


def test_a_load_that_failed_is_repeated(tmp_path: Path, tiny_model: Any) -> None:
    path = tmp_path / "mine.pt"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(gw.ModelLoadError):
        loading.load_once(f"{TINY}/{path}")
    saved(state_of(tiny_model), path)
    assert score_in_widget(f"{TINY}/{path}") == pytest.approx(score_of(tiny_model), abs=1e-5)


@pytest.mark.parametrize("name", ["demo", TINY])
def test_under_inference_mode_a_model_is_loaded_as_outside(
    name: str, tmp_path: Path, tiny_model: Any
) -> None:
    if name == TINY:
        name = f"{TINY}/{saved(state_of(tiny_model), tmp_path / 'mine.pt')}"
    size = 224 if name == "demo" else 32
    picture = torch.zeros(1, 3, size, size)
    with torch.inference_mode():
        inside = gw.explore(picture, CAPTION, name)
    outside = gw.explore(picture, CAPTION, name)
    assert inside.explanation.score == outside.explanation.score
    assert inside.explanation.signed_map == pytest.approx(outside.explanation.signed_map)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_callers_default_dtype_is_not_the_models(
    dtype: torch.dtype, tmp_path: Path, tiny_model: Any
) -> None:
    path = saved(state_of(tiny_model), tmp_path / "mine.pt")
    torch.set_default_dtype(dtype)
    try:
        clip = gw.load(TINY, path, device="cpu")
        assert torch.get_default_dtype() is dtype
    finally:
        torch.set_default_dtype(torch.float32)
    assert {weights.dtype for weights in clip.model.parameters()} == {torch.float32}
    assert gw.Explainer(clip)(PICTURE, CAPTION).score == pytest.approx(
        score_of(tiny_model), abs=1e-5
    )


def test_the_callers_default_device_is_not_the_models() -> None:
    with torch.device("meta"):
        clip = gw.load("demo", device="cpu")
    assert clip.device.type == "cpu"
    assert not any(weights.is_meta for weights in clip.model.parameters())


def test_weights_made_under_inference_mode_raise_an_error(tiny: str) -> None:
    with torch.inference_mode():
        model = open_clip.create_model(tiny)
    preprocess = open_clip.image_transform(32, is_train=False)
    with pytest.raises(ValueError, match="inference_mode"):
        gw.ClipModel(model, preprocess, open_clip.get_tokenizer(tiny))
