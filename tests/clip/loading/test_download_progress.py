"""How far the loading of weights is, and that a model is loaded once for all who hold it."""

from __future__ import annotations

import gc
import inspect
import threading
import weakref
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from open_clip import pretrained

import gradeclip_widget as gw
from gradeclip_widget.clip import loading
from gradeclip_widget.clip.loading import by_name
from gradeclip_widget.clip.loading.download_progress import report_downloads
from gradeclip_widget.demo.model import WEIGHTS

Told = list[tuple[str, int, int | None]]


class Stop(BaseException):
    """How a worker ends work that is superseded."""


def stop(*stage: Any) -> None:
    raise Stop


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The hub's download of 10 bytes, two of which are there already, as open_clip calls it."""
    if "tqdm_class" not in inspect.signature(huggingface_hub.hf_hub_download).parameters:
        pytest.skip("this huggingface_hub, before version 1.1, tells nobody how far it is")

    def download(repo_id: str, tqdm_class: Any) -> str:
        with tqdm_class(desc=repo_id, total=10, initial=2, unit="B") as bar:
            bar.update(3)
            bar.update(5)
        return repo_id

    monkeypatch.setattr(pretrained, "hf_hub_download", download)
    return download


def test_a_download_is_followed_byte_by_byte_and_the_hubs_function_put_back(hub: Any) -> None:
    told: Told = []
    with report_downloads(lambda *stage: told.append(stage)):
        assert pretrained.hf_hub_download("some/model") == "some/model"
    assert told == [("loading weights", done, 10) for done in (2, 5, 10)]
    assert pretrained.hf_hub_download is hub


def test_a_download_can_be_stopped(hub: Any) -> None:
    with pytest.raises(Stop), report_downloads(stop):
        pretrained.hf_hub_download("some/model")
    assert pretrained.hf_hub_download is hub


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


def test_a_model_is_loaded_once_for_all_threads_and_let_go_of_with_the_last(
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
def test_a_model_is_called_in_menus_what_it_will_be_called_when_it_is_loaded(
    name: str, label: str
) -> None:
    assert loading.label(name) == label
