"""What importing and installing the package brings."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "torchvision", "open_clip", "pandas", "plotly"}


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has imported after some code."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return set(run.stdout.split())


def test_importing_the_package_brings_no_torch() -> None:
    assert not modules_after("import gradeclip_widget") & HEAVY


def test_showing_a_saved_explanation_brings_no_torch() -> None:
    loaded = modules_after(
        "from gradeclip_widget import Explanation, show; import gradeclip_widget.demo"
    )
    assert not loaded & HEAVY


def test_every_public_name_can_be_imported() -> None:
    import gradeclip_widget as gw

    assert set(gw.__all__) <= set(dir(gw))
    for name in gw.__all__:
        assert getattr(gw, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    import gradeclip_widget as gw

    with pytest.raises(AttributeError, match="no attribute 'explode'"):
        gw.explode  # noqa: B018


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive; building them needs no Node."""
    folder = tmp_path_factory.mktemp("archives")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, env={"PATH": ""})
    return folder


def package_files() -> set[str]:
    files = (ROOT / "gradeclip_widget").rglob("*")
    return {
        str(file.relative_to(ROOT))
        for file in files
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_wheel_holds_the_whole_package_and_nothing_else(archives: Path) -> None:
    with zipfile.ZipFile(next(archives.glob("*.whl"))) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == package_files()
    assert {"widget.js", "page.js", "widget.css", "weights.safetensors", "py.typed"} <= {
        Path(name).name for name in held
    }


def test_source_archive_holds_the_package_and_what_builds_it(archives: Path) -> None:
    with tarfile.open(next(archives.glob("*.tar.gz"))) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert package_files() | {"js/build.mjs", "package-lock.json", "LICENSE", "Makefile"} <= held
    assert not {name for name in held if name.startswith(("node_modules", ".venv", "build"))}


def test_embedded_weights_are_small() -> None:
    weights = ROOT / "gradeclip_widget" / "demo" / "weights.safetensors"
    assert weights.stat().st_size <= 12_000_000
