"""Downloads from the hub with their progress, and one model for all who use it."""

from __future__ import annotations

import gc
import inspect
import io
import json
import threading
import weakref
from pathlib import Path
from typing import Any

import huggingface_hub
import open_clip
import pytest
import torch
from safetensors.torch import save

import gradeclip_widget as gw
from gradeclip_widget.clip import loading
from gradeclip_widget.clip.loading import by_name, hub
from gradeclip_widget.demo.model import WEIGHTS

from .tiny import CAPTION, CONFIG, PICTURE, TINY, random_model, score_of, state_of

Told = list[tuple[str, int, int | None]]


class Stop(BaseException):
    """What a worker raises to end work that is no longer needed."""


def stop(*stage: Any) -> None:
    raise Stop


REPOSITORY = "someone/some-clip"
CONFIG_FILE = json.dumps({"model_cfg": CONFIG, "preprocess_cfg": {"mean": [0.4] * 3}}).encode()


def pickled(model: Any) -> bytes:
    torch.save(state_of(model), buffer := io.BytesIO())
    return buffer.getvalue()


@pytest.mark.parametrize("file", ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"])
def test_a_repository_is_loaded_and_then_again_without_the_hub(
    file: str,
    hub_files: dict[str, bytes],
    tiny_model: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    safe = file.endswith(".safetensors")
    weights = save(state_of(tiny_model)) if safe else pickled(tiny_model)
    hub_files[f"{REPOSITORY}/open_clip_config.json"] = CONFIG_FILE
    hub_files[f"{REPOSITORY}/{file}"] = weights
    hub_files[f"{REPOSITORY}/model.safetensors"] = save(state_of(random_model(1)))
    told: Told = []
    for answers in (True, False):
        monkeypatch.setattr(hub, "hub_answers", lambda answers=answers: answers)
        clip = gw.load(REPOSITORY, cache_dir=tmp_path, progress=lambda *stage: told.append(stage))
        score = gw.Explainer(clip)(PICTURE, CAPTION).score
        assert score == pytest.approx(score_of(tiny_model), abs=1e-5)
        assert clip.name == f"hf-hub:{REPOSITORY}"
        assert clip.image_processor.mean == pytest.approx((0.4,) * 3)
        hub_files.clear()
    if "tqdm_class" in inspect.signature(huggingface_hub.hf_hub_download).parameters:
        assert ("loading weights", len(weights), len(weights)) in told


def test_published_weights_are_loaded_with_their_pixels_and_activation(
    hub_files: dict[str, bytes], tiny_model: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    published = {
        "hf_hub": "someone/weights/best.bin",
        "mean": (0.1, 0.2, 0.3),
        "std": (0.5, 0.5, 0.5),
        "interpolation": "bilinear",
        "resize_mode": "squash",
        "quick_gelu": True,
    }
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, TINY, {"mine": published})
    hub_files["someone/weights/best.safetensors"] = save(state_of(tiny_model))
    hub_files["someone/weights/best.bin"] = b"not taken"
    clip = gw.load(f"{TINY}/mine", cache_dir=tmp_path, device="cpu")
    quick = open_clip.create_model(TINY, force_quick_gelu=True).eval()
    quick.load_state_dict(state_of(tiny_model))
    score = gw.Explainer(clip)(PICTURE, CAPTION).score
    assert score == pytest.approx(score_of(quick), abs=1e-5)
    assert score != pytest.approx(score_of(tiny_model), abs=1e-4)
    assert clip.image_processor.mean == pytest.approx((0.1, 0.2, 0.3))
    assert clip.notes == ()


@pytest.mark.skipif(
    "tqdm_class" not in inspect.signature(huggingface_hub.hf_hub_download).parameters,
    reason="huggingface_hub before version 1.1 reports no progress",
)
def test_a_download_can_be_stopped(hub_files: dict[str, bytes], tmp_path: Path) -> None:
    hub_files[f"{REPOSITORY}/open_clip_config.json"] = CONFIG_FILE

    def stop_in_bytes(stage: str, done: int, total: int | None) -> None:
        if total is not None:
            raise Stop

    with pytest.raises(Stop):
        gw.load(REPOSITORY, cache_dir=tmp_path, progress=stop_in_bytes)


def test_the_size_of_weights_on_this_machine_is_known_before_they_are_read(tmp_path: Path) -> None:
    told: Told = []
    gw.load("demo", progress=lambda *stage: told.append(stage))
    (tmp_path / "broken.safetensors").write_bytes(bytes(100))
    with pytest.raises(gw.ModelLoadError):
        gw.load(
            "ViT-S-32-alt",
            str(tmp_path / "broken.safetensors"),
            progress=lambda *stage: told.append(stage),
        )
    assert told == [
        ("loading weights", 0, WEIGHTS.stat().st_size),
        ("loading weights", 0, 100),
    ]


def test_loading_can_be_stopped() -> None:
    with pytest.raises(Stop):
        gw.load("demo", progress=stop)


def test_a_model_is_loaded_once_for_all_threads_and_freed_with_its_last_user(
    clip: gw.ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []

    def load(name: str, **options: Any) -> gw.ClipModel:
        loads.append(name)
        return gw.ClipModel(
            clip.model, clip.image_processor.crop, clip.tokenizer.tokenizer, name=name
        )

    monkeypatch.setattr(by_name, "load", load)
    monkeypatch.setattr(by_name, "_loaded", weakref.WeakValueDictionary())
    models: list[gw.ClipModel] = []
    threads = [
        threading.Thread(target=lambda: models.append(loading.load_once("demo"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loads == ["demo"]
    assert len({id(model) for model in models}) == 1
    gone = weakref.ref(models[0])
    models.clear()
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("demo", "demo"),
        ("ViT-B-16/openai", "ViT-B-16/openai"),
        ("hf-hub:someone/some-model", "hf-hub:someone/some-model"),
    ],
)
def test_a_model_has_its_label_before_it_is_loaded(name: str, label: str) -> None:
    assert loading.label(name) == label
