"""Where the running browser is kept, for the screenshots of failed tests."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

BROWSER = pytest.StashKey[Browser]()
