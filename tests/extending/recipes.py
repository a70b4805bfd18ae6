"""The recipes of ``docs/extending.md``, read from the page and followed in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "extending.md"
COPIED = ("gradeclip_widget", "js", "scripts", "tests", "docs")  # folders
SETTINGS = ("pyproject.toml", "package.json", "tsconfig.json", "biome.json")
STEP = re.compile(
    r"(?P<text>.*?)^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)
NAME = re.compile(r"`((?:gradeclip_widget|js|docs|tests)/[\w./-]+\.\w+)`")


@dataclass(frozen=True)
class Step:
    """A file to write, or lines to add to one.

    Attributes:
        path: below the root of the project, the last one in the paragraph before the code.
        language: of the code; "diff" for lines to add.
        code: of the block.
    """

    path: str
    language: str
    code: str

    @property
    def is_new_file(self) -> bool:
        return self.language != "diff"


def headings() -> list[str]:
    """Return the titles of the recipes."""
    return re.findall(r"^## (Add .+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def steps(heading: str) -> list[Step]:
    """Return the steps of a recipe: its blocks of code that belong to a file."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return [
        Step(names[-1], match["language"], match["code"])
        for match in STEP.finditer(section)
        if match["language"] in ("python", "ts", "diff")
        if (names := NAME.findall(match["text"].rstrip().rpartition("\n\n")[2]))
    ]


class Copy:
    """A copy of the project in which recipes are followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__", "browser-failures")
        for name in COPIED:
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in SETTINGS:
            shutil.copy(ROOT / name, folder)
        (folder / "node_modules").symlink_to(ROOT / "node_modules")

    def follow(self, heading: str) -> None:
        """Follow all steps of a recipe."""
        for step in steps(heading):
            path = self.folder / step.path
            if step.is_new_file:
                assert not path.exists(), f"{step.path} exists already"
                path.write_text(step.code, encoding="utf-8")
            else:
                path.write_text(_added(path.read_text("utf-8"), step.code), encoding="utf-8")

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the copy, on the copy's own package.

        Raises:
            AssertionError: it failed, and ``check`` is set.
        """
        env = os.environ | {"PYTHONPATH": str(self.folder)}
        run = subprocess.run(
            command, check=False, cwd=self.folder, capture_output=True, text=True, env=env
        )
        assert run.returncode == 0 or not check, run.stdout + run.stderr
        return run

    def python(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Python in the copy."""
        return self.run(sys.executable, *arguments, check=check)


def _added(text: str, diff: str) -> str:
    """Return a text with the lines that a diff adds; each part is found by its other lines."""
    for part in diff.split("@@\n"):
        lines = part.splitlines(keepends=True)
        assert all(line[0] in " +" for line in lines), diff
        before = "".join(line[1:] for line in lines if line[0] == " ")
        after = "".join(line[1:] for line in lines)
        assert f"\n{text}".count(f"\n{before}") == 1, f"not once in the file:\n{before}"
        text = f"\n{text}".replace(f"\n{before}", f"\n{after}")[1:]
    return text
