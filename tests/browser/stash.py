"""The key under which the running browser is stored, for screenshots of failed tests."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

BROWSER = pytest.StashKey[Browser]()
