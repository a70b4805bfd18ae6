"""Fonts that a test installs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib
import pytest

from gradeclip_widget.export.painting import fonts

DEJAVU = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"  # Cyrillic and more


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make these the files of installed fonts, and no others."""

    def installed(*paths: Path) -> None:
        monkeypatch.setattr(fonts, "INSTALLED", tuple(map(str, paths)))
        fonts.font_for.cache_clear()

    yield installed
    fonts.font_for.cache_clear()
