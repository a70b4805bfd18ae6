"""Every recipe of ``docs/extending.md`` passes the project's checks when it is followed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, expect

from ..browser.made import made_explanation
from ..browser.view import View
from .recipes import ROOT, Copy, headings, steps

# The file with the checks of each recipe.
CHECKS = {
    "Add an image tower family": "check_tower",
    "Add an explanation method": "check_method",
    "Add an export format": "check_format",
    "Add a display control": "check_control",
    "Add a question about a region": "check_question",
}
# Tests of the whole project that a new file or line may break.
PROJECT = (
    "tests/test_layout.py",
    "tests/methods/test_documented.py",
    "tests/export/test_formats.py",
    "tests/widget/test_synced.py",
)


@dataclass(frozen=True)
class Followed:
    """A copy in which all recipes were followed, and what the checks found there.

    Attributes:
        copy: the copy.
        mypy: the errors by file.
        tests: the outcome of each test, by the module of its file and its name.
    """

    copy: Copy
    mypy: dict[str, list[str]]
    tests: dict[tuple[str, str], str]


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    copy = Copy(tmp_path_factory.mktemp("extended") / "copy")
    for heading in headings():
        copy.follow(heading)
    copy.python("-m", "scripts.write_synced")
    copy.run("npm", "run", "--silent", "build")
    return Followed(copy, _mypy(copy), _tests(copy))


def files(heading: str, *languages: str) -> list[str]:
    """Return the files of a recipe in some languages, those that it changes included."""
    paths = dict.fromkeys(step.path for step in steps(heading))
    return [path for path in paths if path.endswith(languages)]


def _mypy(copy: Copy) -> dict[str, list[str]]:
    """Return mypy's errors in the files of all recipes."""
    paths = [path for heading in headings() for path in files(heading, ".py")]
    cache = str(ROOT / ".mypy_cache")  # that of `make test`, since a run without one takes a minute
    options = ("--no-error-summary", "--output", "json", "--cache-dir", cache)
    run = copy.python("-m", "mypy", *options, *paths, check=False)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    errors: dict[str, list[str]] = {}
    for line in run.stdout.splitlines():
        error = json.loads(line)
        errors.setdefault(error["file"], []).append(f"{error['line']}: {error['message']}")
    return errors


def _tests(copy: Copy) -> dict[tuple[str, str], str]:
    """Run the checks of all recipes and some tests of the project in one process."""
    checks = [f"tests/extending/{name}.py" for name in CHECKS.values()]
    report = copy.folder / "report.xml"
    options = ("-q", "-p", "no:cacheprovider", f"--junitxml={report}")
    run = copy.python("-m", "pytest", *options, *checks, *PROJECT, check=False)
    assert report.exists(), run.stdout + run.stderr
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase"):
        problem = next((p for p in case if p.tag in ("failure", "error")), None)
        key = case.attrib["classname"].rpartition(".")[2], case.attrib["name"]
        outcomes[key] = "passed" if problem is None else str(problem.text)
    return outcomes


def failures(followed: Followed, *modules: str) -> dict[str, str]:
    """Return the tests of some modules that did not pass; each module has at least one test."""
    outcomes = {(m, name): o for (m, name), o in followed.tests.items() if m in modules}
    assert {module for module, _ in outcomes} == set(modules)
    return {name: outcome for (_, name), outcome in outcomes.items() if outcome != "passed"}


def test_every_recipe_has_checks_and_adds_files() -> None:
    assert headings() == list(CHECKS)
    for heading in CHECKS:
        assert any(step.language == "diff" for step in steps(heading))
        assert any(step.is_new_file for step in steps(heading))


@pytest.mark.parametrize("heading", CHECKS)
def test_the_feature_works(followed: Followed, heading: str) -> None:
    assert failures(followed, CHECKS[heading]) == {}


@pytest.mark.parametrize("heading", CHECKS)
def test_ruff_and_mypy_pass(followed: Followed, heading: str) -> None:
    paths = files(heading, ".py")
    followed.copy.python("-m", "ruff", "check", *paths)
    followed.copy.python("-m", "ruff", "format", "--check", *paths)
    assert {path: followed.mypy[path] for path in paths if path in followed.mypy} == {}


@pytest.mark.parametrize("heading", [h for h in CHECKS if files(h, ".ts")])
def test_tsc_and_biome_pass(followed: Followed, heading: str) -> None:
    followed.copy.run("npx", "tsc", "--noEmit")
    followed.copy.run("npx", "biome", "check", *files(heading, ".ts"))


def test_tests_of_the_whole_project_pass(followed: Followed) -> None:
    modules = [Path(path).stem for path in PROJECT]
    assert failures(followed, *modules) == {}
    vitest = ("npx", "vitest", "run", "--dir", "js/tests")
    followed.copy.run(*vitest, "layout")
    # Components follow the new traits. With all other traits this takes minutes.
    followed.copy.run(*vitest, "updates", "-t", "(grayscale|crop|crop_scores) changes")


@pytest.mark.browser
def test_the_control_changes_the_page(
    followed: Followed, chromium: Browser, tmp_path: Path
) -> None:
    made_explanation().save(tmp_path / "made.npz")
    page_of = (
        "import sys, gradeclip_widget as gw; gw.Explanation.load(sys.argv[1]).to_html(sys.argv[2])"
    )
    followed.copy.python("-c", page_of, str(tmp_path / "made.npz"), str(tmp_path / "made.html"))
    page = chromium.new_page()
    page.goto((tmp_path / "made.html").as_uri())
    picture = View(page, page).root.locator(".gradeclip-image")
    expect(picture).to_have_css("filter", "none")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Gray picture").check()
    expect(picture).to_have_css("filter", "grayscale(1)")
    page.close()
