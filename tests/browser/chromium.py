"""The Chromium that the tests drive."""

from __future__ import annotations

import os
import shutil

from playwright.sync_api import Browser, Playwright

FLAGS = (
    "--no-sandbox",  # for root, in containers
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page under test can reach only this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

PAGE_TIMEOUT = 90_000  # ms: other work may keep the machine busy


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium, or Playwright's if there is none."""
    path = os.environ.get("GRADECLIP_CHROMIUM") or shutil.which("chromium")
    return playwright.chromium.launch(executable_path=path, args=list(FLAGS))
