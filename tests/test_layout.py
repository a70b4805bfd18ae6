"""The package's rooms: what may import what."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gradeclip_widget"

# Lowest first. A file imports from rooms of lower floors and from its own room.
FLOORS = (
    {"core"},
    {"images"},
    {"demo"},
    {"export", "clip"},
    {"methods"},
    {"explain"},
    {"dataset"},
    {"evaluation"},
    {"widget", "cli"},
    {"magic"},
    {"__init__"},
)
CLIP_FLOORS = (
    {"blocks", "defaults", "tokenizers"},
    {"image_towers", "text_towers"},
    {"verification"},
    {"preprocessing", "supported_models"},
    {"model"},
    {"loading"},
    {"__init__"},
)


def module_of(path: Path) -> tuple[str, ...]:
    """Return a file's module as parts below the package; a folder's ``__init__`` ends in that name."""
    return path.relative_to(PACKAGE).with_suffix("").parts


MODULES = {module_of(path): path for path in PACKAGE.rglob("*.py")}


def imports_of(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the modules of the package that a file imports: at its top, for types, or within a function."""
    folder = module_of(path)[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = folder[: len(folder) - (node.level - 1)]
        base += tuple(node.module.split(".")) if node.module else ()
        for name in {alias.name for alias in node.names}:
            for module in ((*base, name), (*base, name, "__init__"), base, (*base, "__init__")):
                if module in MODULES:
                    yield module
                    break


GRAPH = {module: set(imports_of(path)) for module, path in MODULES.items()}


def climbs(floors: tuple[set[str], ...], depth: int, root: tuple[str, ...] = ()) -> list[str]:
    """Return the imports below ``root`` that lead to a higher floor, or to another room of the same one."""
    level = {room: n for n, rooms in enumerate(floors) for room in rooms}
    inside = {m: set(t) for m, t in GRAPH.items() if m[:depth] == root and len(m) > depth}
    return [
        f"{'.'.join(module)} imports {'.'.join(target)}"
        for module, targets in inside.items()
        for target in targets
        if target[:depth] == root and module[depth] != target[depth]
        if level[module[depth]] <= level[target[depth]]
    ]


def test_every_room_has_a_floor() -> None:
    assert {module[0] for module in MODULES} == set().union(*FLOORS)
    assert {m[1] for m in MODULES if m[0] == "clip"} == set().union(*CLIP_FLOORS)


def test_no_import_climbs() -> None:
    assert climbs(FLOORS, 0) == []
    assert climbs(CLIP_FLOORS, 1, ("clip",)) == []


def test_no_import_is_written_from_the_top() -> None:
    """Imports within the package are relative, so that the checks above see them all."""
    for path in MODULES.values():
        assert "from gradeclip_widget" not in "".join(
            ast.unparse(node)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom | ast.Import)
        ), path


def test_no_files_import_each_other_in_a_circle() -> None:
    done: set[tuple[str, ...]] = set()

    def visit(module: tuple[str, ...], trail: tuple[tuple[str, ...], ...]) -> None:
        if module in trail:
            circle = trail[trail.index(module) :]
            pytest.fail(" -> ".join(".".join(m) for m in (*circle, module)))
        if module not in done:
            for target in GRAPH[module]:
                visit(target, (*trail, module))
            done.add(module)

    for module in GRAPH:
        visit(module, ())
