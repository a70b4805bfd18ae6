"""What importing the package brings, and what it needs: always, or for some uses."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
NOT_FOR_USERS = {"dev", "docs"}  # extras
# Imported but not declared: what a declared project stands on in its own interface, and a maintainers' tool.
BROUGHT = {"IPython": "ipywidgets"}
MAINTAINERS = {"resvg_py": "training/render_artwork.py"}
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


def public_functions() -> dict[str, Any]:
    """Return the functions and methods of the package that users call, by their names."""
    import gradeclip_widget as gw

    public = {name: getattr(gw, name) for name in gw.__all__}
    public |= {f"demo.{name}": getattr(gw.demo, name) for name in gw.demo.__all__}
    for name, thing in list(public.items()):
        if inspect.isclass(thing):
            methods = {key: value for key, value in vars(thing).items() if callable(value)}
            public |= {f"{name}.{k}": f for k, f in methods.items() if not k.startswith("_")}
    return {name: f for name, f in public.items() if inspect.isroutine(f)}


def test_parameters_for_pictures_and_texts_have_the_same_names_everywhere() -> None:
    """Pictures are ``image``, texts are ``caption`` or ``captions``; `explore` also takes ``prompt``."""
    synonyms = {"prompt", "prompts", "text", "texts", "sentence", "img", "images", "pil_image"}
    named = {
        name: names
        for name, function in public_functions().items()
        if (names := synonyms & set(inspect.signature(function).parameters))
    }
    assert named == {"explore": {"prompt"}}
    assert {"Explainer.scores", "ExplanationWidget.add_image"} <= set(public_functions())


def test_an_unknown_name_is_an_attribute_error() -> None:
    import gradeclip_widget as gw

    with pytest.raises(AttributeError, match="no attribute 'explode'"):
        gw.explode  # noqa: B018


def test_embedded_weights_are_small() -> None:
    weights = ROOT / "gradeclip_widget" / "demo" / "weights.safetensors"
    assert weights.stat().st_size <= 12_000_000


@dataclass(frozen=True)
class Import:
    """An import of another project's package.

    Attributes:
        file: where it stands, within the package.
        package: top-level name of what is imported.
        late: in a function, so that it fails only when that is called.
    """

    file: str
    package: str
    late: bool


def imports() -> Iterator[Import]:
    """Yield the imports of other projects' packages, those by name in a call included."""
    folder = ROOT / "gradeclip_widget"
    for file in sorted(folder.rglob("*.py")):
        for name, late in imported(ast.parse(file.read_text(encoding="utf-8")), late=False):
            package = name.partition(".")[0]
            if package not in sys.stdlib_module_names and package != folder.name:
                yield Import(file.relative_to(folder).as_posix(), package, late)


def imported(node: ast.AST, late: bool) -> Iterator[tuple[str, bool]]:
    match node:
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return
        case ast.Import(names=names):
            yield from ((name.name, late) for name in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module, late
        case ast.Call(
            func=ast.Name("need" | "import_module") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(str(module)), *_],
        ) if not module.startswith("."):
            yield module, late
    late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for child in ast.iter_child_nodes(node):
        yield from imported(child, late)


def projects(requirements: list[str]) -> set[str]:
    """Canonical names of the projects that are required, our own extras replaced by what they require."""
    names = set()
    for requirement in map(Requirement, requirements):
        if requirement.name == PROJECT["name"]:
            names |= {n for extra in requirement.extras for n in projects(EXTRAS[extra])}
        else:
            names.add(canonicalize_name(requirement.name))
    return names


def test_every_imported_package_is_required_always_or_by_an_extra() -> None:
    always = projects(PROJECT["dependencies"])
    by_use = projects([r for name in EXTRAS.keys() - NOT_FOR_USERS for r in EXTRAS[name]])
    providers = importlib.metadata.packages_distributions()
    undeclared = []
    for found in imports():
        if MAINTAINERS.get(found.package) == found.file:
            continue
        names = [BROUGHT.get(found.package, ""), *providers.get(found.package, [found.package])]
        if not set(map(canonicalize_name, names)) & (always | (by_use if found.late else set())):
            undeclared.append(found)
    assert undeclared == []


def test_what_comes_with_a_requirement_is_required_by_it() -> None:
    for package, project in BROUGHT.items():
        required = map(Requirement, importlib.metadata.requires(project) or [])
        assert package.lower() in {r.name for r in required if r.marker is None}


def test_extras_are_those_that_the_readme_names() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("\n## Install\n")[2]
    table = section.partition("\n## ")[0]
    named = re.findall(r"^\| `\[(\w+)\]` \|", table, re.MULTILINE)
    assert sorted(named) == sorted(EXTRAS.keys() - NOT_FOR_USERS)
    assert projects(EXTRAS["all"]) == projects([r for name in named for r in EXTRAS[name]])
    assert projects(EXTRAS["all"]) <= projects(EXTRAS["dev"]), "what is offered is tested"


def test_a_command_without_its_extra_says_which_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gradeclip_widget.cli import main
    from gradeclip_widget.demo import scenes

    scenes()[0].image.save(tmp_path / "1.png")
    image = {"id": 1, "file_name": "1.png"}
    caption = {"id": 1, "image_id": 1, "caption": "a dog"}
    parts: dict[str, Any] = {"images": [image], "annotations": [caption], "categories": []}
    (tmp_path / "captions.json").write_text(json.dumps(parts))
    (tmp_path / "instances.json").write_text(json.dumps({**parts, "annotations": []}))
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    monkeypatch.chdir(tmp_path)
    command = "evaluate --images . --coco captions.json --instances instances.json"
    assert main(command.split()) == 2
    said = (
        "gradeclip: masks in COCO's form need pycocotools: pip install 'gradeclip-widget[coco]'\n"
    )
    assert capsys.readouterr().err == said
