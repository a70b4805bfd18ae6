"""Models by name, from checkpoints that the tests write, and the errors when that fails."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import save_file

import gradeclip_widget as gw
from gradeclip_widget.clip.loading import hub

NAME = "ViT-S-32-alt"  # the smallest vision transformer that open_clip names


@pytest.fixture(scope="module")
def built() -> Any:
    torch.manual_seed(0)
    return open_clip.create_model(NAME).eval()


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    return torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def score_of(model: Any, picture: torch.Tensor, caption: str) -> float:
    with torch.no_grad():
        x = model.encode_image(picture, normalize=True)
        return float(
            x @ model.encode_text(open_clip.get_tokenizer(NAME)([caption]), normalize=True).T
        )


@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
def test_a_checkpoint_file_is_loaded_and_explained(
    built: Any, picture: torch.Tensor, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"weights{ending}"
    state = {name: value.clone() for name, value in built.state_dict().items()}
    if ending == ".pt":
        torch.save(state, path)
    else:
        save_file(state, path)
    clip = gw.load(NAME, str(path), device="cpu")
    e = gw.Explainer(clip)(picture, "a dog in a car")
    assert e.score == pytest.approx(score_of(built, picture, "a dog in a car"), abs=1e-5)
    assert e.model == f"{NAME}/weights"
    assert e.patch_grid == (7, 7)


class _Trap:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("sprung"),))


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(_Trap()))
    with pytest.raises(gw.ModelLoadError, match=r"evil\.pt"):
        gw.load(NAME, str(tmp_path / "evil.pt"), device="cpu")
    assert not (tmp_path / "sprung").exists()


def test_the_error_of_a_failed_download_names_the_cache_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("network is unreachable")

    monkeypatch.setattr(hub, "hf_hub_download", refuse)
    with pytest.raises(gw.ModelLoadError) as caught:
        gw.load("ViT-B-32/openai", cache_dir=tmp_path)
    for part in ("network is unreachable", str(tmp_path), "model='demo'"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "pretrained", "message"),
    [
        ("ViT-B-61", None, "'ViT-B-16'"),
        ("dmeo", None, "'demo'"),
        ("ViT-B-16", None, "'openai'"),
        ("ViT-B-16/opneai", None, "'openai'"),
        ("ViT-B-16", "missing.pt", "no such file"),
        ("demo", "openai", "leave out 'openai'"),
    ],
)
def test_the_error_of_a_wrong_name_has_the_right_one(
    name: str, pretrained: str | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        gw.load(name, pretrained)


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "meta", None, ["cuda:0", "cuda:1"]])
def test_an_error_names_a_missing_device_and_those_that_exist(device: Any) -> None:
    with pytest.raises(ValueError, match=r"is not usable here .*'cpu'") as error:
        gw.load("demo", device=device)
    assert f"device={str(device)!r}" in str(error.value)


def test_models_are_listed_with_their_weights() -> None:
    names = gw.model_names()
    assert next(iter(names)) == "demo"
    assert "openai" in names["ViT-B-16"]


@pytest.mark.parametrize("dtype", ["bfloat16", torch.bfloat16])
def test_lower_precision_keeps_the_score_near(picture: torch.Tensor, dtype: Any) -> None:
    full = gw.Explainer(gw.load("demo", device="cpu"))(picture, "a dog and a cat")
    low = gw.Explainer(gw.load("demo", device="cpu", dtype=dtype))(picture, "a dog and a cat")
    assert low.score == pytest.approx(full.score, abs=0.02)
    assert low.signed_map.dtype == full.signed_map.dtype


def test_an_unknown_dtype_raises_an_error() -> None:
    with pytest.raises(ValueError, match="dtype='int8'"):
        gw.load("demo", dtype="int8")


def test_the_error_of_an_unknown_tower_lists_the_known_families(built: Any) -> None:
    model = copy.copy(built)
    model._modules = {**built._modules, "visual": torch.nn.Flatten()}
    preprocess = open_clip.create_model_and_transforms(NAME)[2]
    with pytest.raises(TypeError, match=r"no supported family.*class token.*docs/extending\.md"):
        gw.ClipModel(model, preprocess, open_clip.get_tokenizer(NAME))


def test_a_model_of_another_kind_raises_an_error() -> None:
    with pytest.raises(TypeError, match="not Linear"):
        gw.ClipModel(torch.nn.Linear(2, 2), None, None)


def test_a_preprocessing_without_normalization_raises_an_error(built: Any) -> None:
    del built.visual.image_mean
    with pytest.raises(ValueError, match="preprocess"):
        gw.ClipModel(built, lambda image: image, open_clip.get_tokenizer(NAME))
