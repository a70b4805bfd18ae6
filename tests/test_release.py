"""The release: sdist and wheel are whole, and work where there is no Node and no compiler."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

import gradeclip_widget as gw

ROOT = Path(__file__).parents[1]
LIMIT = 20_000_000  # bytes of an archive
CHECKED_IN_ONLY = {".ci", ".github"}  # of a repository, and of no use elsewhere


@dataclass(frozen=True)
class Archives:
    """The sdist and the wheel that was built from it.

    Attributes:
        sdist: its path; `wheel` likewise.
        source: names of the files in the sdist, below its one folder.
        installed: names of the files in the wheel.
    """

    sdist: Path
    wheel: Path
    source: frozenset[str]
    installed: frozenset[str]


@dataclass(frozen=True)
class Installed:
    """An environment that has the wheel and, by path, the packages that it needs.

    Attributes:
        python: its interpreter.
        packages: where the wheel is installed.
        env: environment variables, with neither Node nor a compiler on the path.
        home: an empty folder to work in.
    """

    python: Path
    packages: Path
    env: dict[str, str]
    home: Path

    def run(self, *command: str | Path) -> str:
        """Run one of the environment's commands and return what it prints."""
        program = self.python.parent / command[0]
        run = subprocess.run(
            [program, *command[1:]],
            cwd=self.home, env=self.env, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        return run.stdout


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    """Sdist and wheel as `make build` makes them, the wheel from the sdist; offline, with no programs."""
    folder = tmp_path_factory.mktemp("archives")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
    run = subprocess.run(
        build, check=False, capture_output=True, text=True, env=bare_environment(folder)
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    with tarfile.open(sdist) as archive:
        source = frozenset(m.name.partition("/")[2] for m in archive.getmembers() if m.isfile())
    with zipfile.ZipFile(wheel) as packed:
        return Archives(sdist, wheel, source, frozenset(packed.namelist()))


@pytest.fixture(scope="module")
def installed(archives: Archives, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A clean environment with the wheel alone, which sees the packages that it needs by a plain path.

    Of a folder added by a ``.pth`` file Python reads no further such files, so the checkout that is installed
    there as editable stays out of sight.
    """
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder / "venv", symlinks=os.name != "nt")
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    env = bare_environment(folder / "home")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    install = [*pip, "install", "-q", "--no-deps", "--no-index", archives.wheel]
    run = subprocess.run(install, check=False, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.check_output([python, "-c", where], text=True, env=env).strip())
    known = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(known)))
    return Installed(python, packages, env, folder / "home")


def bare_environment(home: Path) -> dict[str, str]:
    """Environment variables with no program on the path, and a home of their own."""
    empty = home / "no-programs"
    empty.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TMPDIR") if name in os.environ}
    return {**kept, "PATH": str(empty), "HOME": str(home), "OMP_NUM_THREADS": "1"}


def package_files() -> set[str]:
    files = (ROOT / "gradeclip_widget").rglob("*")
    return {
        file.relative_to(ROOT).as_posix()
        for file in files
        if file.is_file() and "__pycache__" not in file.parts
    }


def tracked_files() -> set[str]:
    """Files that git knows, and new ones that it does not ignore."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    run = subprocess.run(listed, check=False, cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        pytest.skip("not a checkout")
    return {name for name in run.stdout.split("\0") if name and (ROOT / name).is_file()}


def test_both_archives_are_small(archives: Archives) -> None:
    assert {
        p.name: p.stat().st_size
        for p in (archives.sdist, archives.wheel)
        if p.stat().st_size >= LIMIT
    } == {}


def test_the_wheel_is_for_every_platform(archives: Archives) -> None:
    assert archives.wheel.name == f"gradeclip_widget-{gw.__version__}-py3-none-any.whl"


def test_the_wheel_holds_the_whole_package_and_nothing_else(archives: Archives) -> None:
    info = f"gradeclip_widget-{gw.__version__}.dist-info/"
    held = {name for name in archives.installed if not name.startswith(info)}
    assert held == package_files()
    assert {
        "gradeclip_widget/py.typed",
        "gradeclip_widget/demo/sprites.zip",
        "gradeclip_widget/demo/weights.safetensors",
        "gradeclip_widget/static/page.js",
        "gradeclip_widget/static/widget.css",
        "gradeclip_widget/static/widget.js",
    } <= held
    licenses = {f"{info}licenses/LICENSE", f"{info}licenses/NOTICE"}
    assert licenses <= archives.installed


def test_the_sdist_is_the_repository_and_nothing_that_lies_about_in_it(archives: Archives) -> None:
    expected = {n for n in tracked_files() if n.partition("/")[0] not in CHECKED_IN_ONLY}
    assert archives.source == expected | {"PKG-INFO"}


def test_the_installed_package_is_the_wheels(installed: Installed) -> None:
    show = "import gradeclip_widget as gw; print(gw.__file__); print(gw.__version__)"
    file, version = installed.run("python", "-c", show).splitlines()
    assert Path(file).parent == installed.packages / "gradeclip_widget"
    assert version == gw.__version__
    # Another project's mypy reads our types only where the marker of PEP 561 is installed.
    assert (installed.packages / "gradeclip_widget" / "py.typed").is_file()


def test_the_quick_start_runs_from_the_wheel(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = installed.home / "jupyter"
    (kernels / "kernels" / "clean").mkdir(parents=True)
    spec = {
        "argv": [str(installed.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "clean",
        "language": "python",
        "env": installed.env,
    }
    (kernels / "kernels" / "clean" / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(kernels))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)
    check = nbformat.v4.new_code_cell("print(gw.__file__)")
    notebook.cells.append(check)
    resources = {"metadata": {"path": str(installed.home)}}
    client = NotebookClient(notebook, timeout=120, kernel_name="clean", resources=resources)
    client.execute()  # raises what a cell raises
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    assert [o.text for o in outputs if o.get("name") == "stderr"] == []
    widgets = [
        o for o in outputs if "application/vnd.jupyter.widget-view+json" in o.get("data", {})
    ]
    assert len(widgets) == 4
    said = "".join(cell_output.text for cell_output in check.outputs)
    assert Path(said.strip()).parent == installed.packages / "gradeclip_widget"


def test_the_commands_run_from_the_wheel(installed: Installed) -> None:
    table = installed.run("gradeclip", "demo", "-o", "demo.html")
    page = (installed.home / "demo.html").read_text(encoding="utf-8")
    assert (installed.packages / "gradeclip_widget" / "static" / "page.js").read_text() in page
    scene = gw.demo.scenes()[0]
    assert all(word in table for word in scene.caption.split())
    picture = installed.home / "photo.png"
    scene.image.save(picture)
    installed.run("gradeclip", "explain", picture, scene.caption, "-o", "out.npz")
    assert gw.Explanation.load(installed.home / "out.npz").caption == scene.caption


def test_the_newest_version_of_the_changelog_is_the_packages() -> None:
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (?!Unreleased$)(.+)$", log, re.MULTILINE)
    dated = [re.fullmatch(r"(\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d|unreleased)", h) for h in headings]
    versions = [tuple(map(int, m[1].split("."))) for m in dated if m]
    assert len(versions) == len(dated), "VERSION - YEAR-MONTH-DAY"
    assert versions == sorted(set(versions), reverse=True)
    assert ".".join(map(str, versions[0])) == gw.__version__
    assert not any("unreleased" in heading for heading in headings[1:])


def test_the_citation_is_of_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == gw.__version__
    assert citation["license"] == "Apache-2.0"
    assert [reference["year"] for reference in citation["references"]] == [2024]
