"""Starts and ends a host's server."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..lab import free_port

PATIENCE = 90  # seconds for a server to start on a busy machine


@dataclass(frozen=True)
class Server:
    """A running server: its address, and a function that ends it and its kernels."""

    url: str
    end: Callable[[], None]


@contextlib.contextmanager
def serving(module: str, *arguments: str, folder: Path, **variables: str) -> Iterator[Server]:
    """Start a host's server, wait until it responds, and end it after the block.

    Args:
        module: the module for `python -m`.
        *arguments: of the module; "{port}" is replaced by a free port.
        folder: its working directory and home.
        **variables: additional environment variables.
    """
    port = free_port()
    command = [sys.executable, "-m", module, *(a.format(port=port) for a in arguments)]
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "JUPYTER_CONFIG_DIR": str(folder)}
    log = folder / f"{module}-{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | home | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def end() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)

    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(url, process)
        yield Server(url, end)
    except BaseException as error:
        error.add_note(f"Log of {module}:\n{log.read_text()[-4000:]}")
        raise
    finally:
        end()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=PATIENCE).close()
        except urllib.error.HTTPError:
            return  # the server responds
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{url} did not start")
