"""A small architecture with a name, no network, and a hub on this machine."""

from __future__ import annotations

import copy
import hashlib
import http.server
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from huggingface_hub import constants, file_download
from open_clip import factory

from gradeclip_widget.clip.loading import hub

from .tiny import CONFIG, TINY, random_model


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "hub_answers", lambda: False)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let open_clip know the small architecture, and its sibling with QuickGELU."""
    sibling = {**copy.deepcopy(CONFIG), "quick_gelu": True}
    configs = {TINY: CONFIG, f"{TINY}-quickgelu": sibling}
    monkeypatch.setattr(factory, "_MODEL_CONFIGS", {**factory._MODEL_CONFIGS, **configs})
    return TINY


@pytest.fixture
def tiny_model(tiny: str) -> Any:
    return random_model(0)


@pytest.fixture
def hub_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """Files of a hub on this machine, which a test fills: contents by "owner/name/file"."""
    files: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def content(self) -> bytes | None:
            return files.get(re.sub(r"/resolve/\w+", "", self.path.removeprefix("/")))

        def do_HEAD(self) -> None:
            content = self.content()
            self.send_response(404 if content is None else 200)
            self.send_header("X-Repo-Commit", "0" * 40)
            if content is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            else:
                self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(self.content() or b"")

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, address)
        monkeypatch.setattr(constants, "ENDPOINT", address)
        for module in (constants, file_download):  # before version 1 they had one each
            monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(hub, "hub_answers", lambda: True)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield files
        server.shutdown()
        thread.join()
