"""Errors of models that cannot be downloaded: one sentence, at once, and nothing else is printed."""

from __future__ import annotations

import errno
import logging
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants, errors

import gradeclip_widget as gw
from gradeclip_widget.clip.loading import hub

from ...factories import picture
from .test_transformers import clip_pair

hub_answers = hub.hub_answers  # before the fixtures of this folder switch the network off


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the hub at the address of `constants.ENDPOINT`."""
    monkeypatch.setattr(hub, "hub_answers", hub_answers)


@pytest.fixture
def silent_host() -> Iterator[str]:
    """Address of a host that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed_host() -> str:
    """Address at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("host", ["silent_host", "closed_host"])
@pytest.mark.parametrize("name", ["ViT-B-32/openai", "someone/some-clip", "ViT-B-16-SigLIP/webli"])
def test_the_error_without_a_network_names_the_host_and_the_cache(
    network: None,
    host: str,
    name: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    address = request.getfixturevalue(host)
    monkeypatch.setattr(constants, "ENDPOINT", address)
    handlers = list(logging.getLogger().handlers)
    with pytest.raises(gw.ModelLoadError) as caught:
        gw.load(name, cache_dir=tmp_path)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == handlers
    parts = (f"{address.removeprefix('http://')} did not answer", str(tmp_path), "model='demo'")
    assert all(part in str(caught.value) for part in parts)
    assert constants.HF_HUB_OFFLINE is False


def test_without_a_network_only_the_cache_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    switches: list[tuple[bool, bool]] = []

    def download(*args: Any, local_files_only: bool, **options: Any) -> None:
        switches.append((local_files_only, constants.HF_HUB_OFFLINE))
        raise hub_error(errors.LocalEntryNotFoundError)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "hf_hub_download", download)
    with pytest.raises(gw.ModelLoadError, match="did not answer"):
        gw.load("ViT-B-32/openai", cache_dir=tmp_path)
    assert set(switches) == {(True, True)}
    assert constants.HF_HUB_OFFLINE is False


def test_an_error_status_is_an_answer(network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        def head(self, url: str, timeout: float) -> str:
            return "404"

    monkeypatch.setattr(hub, "get_session", Session)
    assert hub.hub_answers()


def test_the_environment_sets_the_time_to_wait_for_a_slow_network(
    network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    class Session:
        def head(self, url: str, timeout: float) -> None:
            waited.append(timeout)

    monkeypatch.setattr(hub, "get_session", Session)
    monkeypatch.delenv("HF_HUB_ETAG_TIMEOUT", raising=False)
    hub.hub_answers()
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "30")
    hub.hub_answers()
    assert waited == [3.5, 30]
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "long")
    with pytest.raises(ValueError, match="HF_HUB_ETAG_TIMEOUT='long'"):
        gw.load("ViT-B-32/openai")


def test_the_error_of_a_stalled_download_says_how_to_wait_longer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def stall(*args: Any, **options: Any) -> None:
        raise TimeoutError("The read operation timed out")

    monkeypatch.setattr(hub, "hub_answers", lambda: True)
    monkeypatch.setattr(hub, "hf_hub_download", stall)
    with pytest.raises(gw.ModelLoadError, match="HF_HUB_DOWNLOAD_TIMEOUT=30"):
        gw.load("ViT-B-32/openai", cache_dir=tmp_path)


def test_the_error_of_a_repository_of_transformers_has_code_that_works(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    transformers = pytest.importorskip("transformers")

    def missing(*args: Any, **options: Any) -> None:
        raise hub_error(errors.EntryNotFoundError)

    monkeypatch.setattr(hub, "hub_answers", lambda: True)
    monkeypatch.setattr(hub, "hf_hub_download", missing)
    with pytest.raises(gw.ModelLoadError, match="wrap that: ") as caught:
        gw.load("someone/some-clip")
    model, processor = clip_pair(tmp_path)
    for part in (model, processor):  # a folder of the same name, in place of the repository
        part.save_pretrained(tmp_path / "someone" / "some-clip")
    monkeypatch.chdir(tmp_path)
    names = {
        "gw": gw,
        **{name: getattr(transformers, name) for name in ("AutoModel", "AutoProcessor")},
    }
    clip = eval(str(caught.value).partition("wrap that: ")[2], names)
    assert gw.Explainer(clip)(picture(), "a dog").model == "someone/some-clip"


def test_an_error_names_the_switch_that_turns_the_hub_off(
    network: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(gw.ModelLoadError, match="HF_HUB_OFFLINE is set"):
        gw.load("ViT-B-32/openai", cache_dir=tmp_path)


HF = "pip install 'gradeclip-widget[hf]'"


def hub_error(kind: type[Any]) -> Exception:
    error: Exception = kind.__new__(kind)
    error.args = ("404 Client Error. (Request ID: 1)",)
    return error


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("ViT-B-32/openai", OSError(errno.ENOSPC, "No space left"), "no space left"),
        ("ViT-B-32/openai", PermissionError(errno.EACCES, "denied"), "no permission"),
        ("ViT-B-32/openai", MemoryError(), "fit in memory"),
        ("a/b", hub_error(errors.RepositoryNotFoundError), "the hub has no a/b"),
        ("a/b", hub_error(errors.GatedRepoError), "a/b asks for your consent"),
        ("a/b", hub_error(errors.EntryNotFoundError), "a/b contains no open_clip model"),
        ("a/b", ModuleNotFoundError(name="transformers"), f"need transformers: {HF}"),
        ("a/b", RuntimeError("Please `pip install transformers` to"), f"need transformers: {HF}"),
        ("a/b", ImportError("it needs SentencePiece; install it"), f"need sentencepiece: {HF}"),
        ("a/b", KeyError("vision_cfg"), "'vision_cfg'; pass"),
        ("a/b", RuntimeError("\x1b[1mNo\x1b[0m\nmore"), ": No; pass"),
    ],
)
def test_the_network_is_blamed_only_where_it_is_the_cause(
    name: str,
    error: BaseException,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(hub, "hub_answers", lambda: True)
    monkeypatch.setattr(hub, "hf_hub_download", fail)
    with pytest.raises(gw.ModelLoadError) as caught:
        gw.load(name, cache_dir=tmp_path)
    assert message in str(caught.value)
    assert "check the network" not in str(caught.value)


def test_a_model_of_transformers_without_transformers_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model, processor = clip_pair(tmp_path)
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(f"need transformers: {HF}")):
        gw.from_transformers(model, processor)


def test_a_repository_without_weights_raises_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "open_clip_config.json"
    config.write_text(
        '{"model_cfg": {"embed_dim": 8, "vision_cfg": {"image_size": 32, "layers": 1, '
        '"width": 64, "patch_size": 8}, "text_cfg": {"width": 64, "heads": 1, "layers": 1}}}'
    )

    def download(repo_id: str, filename: str, **options: Any) -> str:
        if filename == config.name:
            return str(config)
        raise hub_error(errors.EntryNotFoundError)

    monkeypatch.setattr(hub, "hub_answers", lambda: True)
    monkeypatch.setattr(hub, "hf_hub_download", download)
    with pytest.raises(gw.ModelLoadError, match="no open_clip model"):
        gw.load("someone/some-clip")
