"""The additions to the widget that docs/extending.md describes, made in a copy of the sources as it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import OpenPage
from .made import made_explanation
from .view import View

ROOT = Path(__file__).parents[2]
TRAITS = "gradeclip_widget/widget/traits.py"
LISTS = {"controls": "display-row.ts", "panel": "region-questions.ts"}
ASK = """
import gradeclip_widget as gw
scene = gw.demo.sample_scene(500_007, objects=["dog", "red circle"])
widget = gw.explore(scene.image, ["a dog", "a red circle"])
dog = next(thing for thing in scene.objects if thing.name == "dog")
widget.region = {"kind": "box", "box": list(dog.box)}
widget.crop = True
widget.wait()
print(*widget.crop_scores)
"""


def examples(heading: str) -> list[tuple[str, str]]:
    """The code blocks of a section of the page, each with the path that the text names last before it."""
    page = (ROOT / "docs" / "extending.md").read_text("utf-8")
    section = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    found, path = [], ""
    for text, language, code in re.findall(
        r"(.*?)```(\w+)\n(.*?)^```$", section, re.DOTALL | re.MULTILINE
    ):
        named = re.findall(r"`((?:gradeclip_widget|js)/[\w./-]+)`", text)
        path = named[-1] if named else path
        if language in ("python", "ts"):
            found.append((path, code))
    return found


class Copy:
    """The sources that a change of the widget touches, and what builds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("gradeclip_widget", "js", "scripts"):
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        for name in ("package.json", "tsconfig.json", "biome.json"):
            shutil.copy(ROOT / name, folder)
        (folder / "node_modules").symlink_to(ROOT / "node_modules")

    def add(self, path: str, code: str) -> None:
        """Write a file; or traits among those that say how an explanation is shown."""
        file = self.folder / path
        if path == TRAITS:
            text = file.read_text("utf-8")
            assert text.count("\n    theme = t.Enum(") == 1
            code = text.replace("\n    theme = t.Enum(", f"\n{code}    theme = t.Enum(")
        file.write_text(code, encoding="utf-8")

    def list(self, name: str, module: str, folder: str) -> None:
        """Import a name, and put it last in the list of its folder."""
        file = self.folder / "js" / "src" / folder / LISTS[folder]
        text = file.read_text("utf-8")
        assert text.count("\n];") == 1
        listed = text.replace("\n];", f"\n  {name},\n];")
        file.write_text(f'import {{ {name} }} from "./{module}";\n{listed}', encoding="utf-8")

    def build(self) -> None:
        """Run what the page says, and the type checker."""
        self.run(sys.executable, "-m", "scripts.write_synced")
        self.run("npx", "tsc", "--noEmit")
        self.run("npm", "run", "--silent", "build")

    def run(self, *command: str) -> str:
        run = subprocess.run(
            command,
            check=False,  # what it printed says more than the exit code
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(self.folder)},
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "copy")


def test_a_display_control_is_added_as_the_page_says(
    copy: Copy, open_page: OpenPage, tmp_path: Path
) -> None:
    pieces = examples("Add a display control")
    assert [path for path, _ in pieces] == [TRAITS, "js/src/controls/grayscale.ts"]
    for path, code in pieces:
        copy.add(path, code)
    copy.list("grayscale", "grayscale", "controls")
    copy.build()
    made_explanation().save(tmp_path / "made.npz")
    copy.run(
        sys.executable,
        "-c",
        "import gradeclip_widget as gw\n"
        f"made = gw.Explanation.load({str(tmp_path / 'made.npz')!r})\n"
        "assert gw.show(made, grayscale=True, controls=['grayscale']).grayscale\n"
        f"made.to_html({str(tmp_path / 'made.html')!r})",
    )
    page = open_page(tmp_path / "made.html")
    view = View(page, page)
    picture = view.root.locator(".gradeclip-image")
    expect(picture).to_have_css("filter", "none")
    page.get_by_label("Gray picture").check()
    expect(picture).to_have_css("filter", "grayscale(1)")


def test_a_question_about_a_region_is_added_as_the_page_says(copy: Copy) -> None:
    pieces = examples("Add a question about a region")
    question, panel = (path for path, _ in pieces)
    assert (question, panel) == (
        "gradeclip_widget/widget/questions/crop.py",
        "js/src/panel/crop.ts",
    )
    for path, code in pieces:
        copy.add(path, code)
    copy.list("createCrop", "crop", "panel")
    copy.build()
    dog, circle = map(float, copy.run(sys.executable, "-c", ASK).split())
    assert dog > circle
