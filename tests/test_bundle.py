"""The checked-in front end is what its sources build, and small."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STATIC = ROOT / "gradeclip_widget" / "static"
LARGEST = {  # bytes, compressed as a server or a wheel does
    "widget.js": 49_000,
    "page.js": 49_000,
    "loader.js": 1_000,
    "widget.css": 42_000,
    "gallery.js": 20_000,
    "gallery.css": 20_000,
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build from a copy of the sources, apart from the one that is checked in."""
    folder = tmp_path_factory.mktemp("bundle")
    shutil.copytree(ROOT / "js", folder / "js")
    for name in ("package.json", "tsconfig.json"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "node_modules").symlink_to(ROOT / "node_modules", target_is_directory=True)
    subprocess.run(["npm", "run", "--silent", "build"], cwd=folder, check=True)
    return folder / "gradeclip_widget" / "static"


def test_checked_in_bundle_is_what_the_sources_build(built: Path) -> None:
    names = {file.name for file in built.iterdir()}
    assert names == {file.name for file in STATIC.iterdir()}
    stale = [name for name in names if (built / name).read_bytes() != (STATIC / name).read_bytes()]
    assert stale == [], "call `make build` and commit what it writes"


@pytest.mark.parametrize(("name", "largest"), LARGEST.items())
def test_bundle_is_small(name: str, largest: int) -> None:
    assert len(gzip.compress((STATIC / name).read_bytes(), mtime=0)) <= largest
