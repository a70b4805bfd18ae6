"""Write what the front end knows of Python's traits: `python -m scripts.write_synced`.

``js/src/state/synced.ts`` has the widget's synced traits: the type and the first value of each, the names of
the controls, and which traits Python answers. They come from ``gradeclip_widget/widget/traits.py`` and from
the questions in ``gradeclip_widget/widget/questions``. ``js/src/gallery/synced.ts`` has the traits of
``gradeclip_widget/widget/gallery/grid.py``. ``tests/widget/test_synced.py`` fails if a file is out of date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import traitlets as t

from gradeclip_widget.widget.gallery.grid import GalleryGrid, GalleryTraits
from gradeclip_widget.widget.questions import QUESTIONS
from gradeclip_widget.widget.traits import declared, names_of

SOURCES = Path(__file__).parents[1] / "js" / "src"
WIDGET, GALLERY = SOURCES / "state" / "synced.ts", SOURCES / "gallery" / "synced.ts"
_PLAIN = {t.Unicode: "string", t.Bool: "boolean", t.Int: "number", t.Float: "number"}
_LINE = 110  # characters, as in biome.json
_EXPORTED = re.compile(r"^export (?:interface|type) (\w+)", re.MULTILINE)
_Trait = t.TraitType[Any, Any]


def render() -> dict[Path, str]:
    """Return the text of every generated file, by path."""
    asks = {*names_of(request=True), *names_of(asks=True), *(q.asks for q in QUESTIONS.values())}
    traits = synced(declared())
    return {
        WIDGET: "\n".join(
            [
                *declarations(
                    "Synced",
                    "DEFAULTS",
                    traits,
                    (*sorted((SOURCES / "core").glob("*.ts")), SOURCES / "state" / "entries.ts"),
                    WIDGET,
                ),
                "",
                "/** What the trait `controls` may name: a control is called as its trait is. */",
                f"export type ControlName ={lines_of(sorted(names_of(control=True)), '  | ', '')};",
                "",
                "/** Traits whose change Python always answers by changing another one. */",
                set_of("ASKS", set(traits) & asks),
                "",
            ]
        ),
        GALLERY: "\n".join(
            [
                *declarations(
                    "GallerySynced",
                    "GALLERY_DEFAULTS",
                    synced(declared_in_gallery()),
                    [SOURCES / "gallery" / "entries.ts"],
                    GALLERY,
                ),
                "",
            ]
        ),
    }


def declared_in_gallery() -> Iterator[tuple[str, _Trait]]:
    """Yield the traits of the gallery, with their names."""
    for base in (GalleryTraits, GalleryGrid):
        for name, value in vars(base).items():
            if isinstance(value, t.TraitType):
                yield name, value


def synced(traits: Iterator[tuple[str, _Trait]]) -> dict[str, _Trait]:
    """Return the traits that are shared with the front end, sorted by name."""
    return {name: trait for name, trait in sorted(traits) if trait.metadata.get("sync")}


def declarations(
    interface: str, defaults: str, traits: dict[str, _Trait], types_in: Iterable[Path], path: Path
) -> list[str]:
    """Return the first lines of a file: the types and first values of traits.

    Args:
        interface: the name of the interface with their types.
        defaults: the name of the constant with their first values.
        traits: the traits by name.
        types_in: TypeScript files with the types that the traits name.
        path: the file that the lines are for.
    """
    types = {name: type_of(name, trait) for name, trait in traits.items()}
    source = "gradeclip_widget/widget/gallery" if path == GALLERY else "gradeclip_widget/widget"
    return [
        f"// Written by scripts/write_synced.py from the traits of {source}. Do not edit.",
        "",
        *imports_of(" ".join(types.values()), types_in, path),
        "",
        "/** The traits that Python shares with every view. */",
        f"export interface {interface} {{",
        *(
            f"  /** {trait.help[0].upper()}{trait.help[1:]}. */\n  {name}: {types[name]};"
            for name, trait in traits.items()
        ),
        "}",
        "",
        "/** The values of the traits that Python has not set. */",
        f"export const {defaults}: Readonly<{interface}> = {{",
        *(f"  {name}: {literal(first_value(trait))}," for name, trait in traits.items()),
        "};",
    ]


def type_of(name: str, trait: _Trait) -> str:
    """Return a trait's TypeScript type.

    Raises:
        TypeError: it follows neither from the trait nor from its metadata.
    """
    known = trait.metadata.get("ts") or _derived(trait)
    if known is None:
        raise TypeError(f"trait {name!r}: give its TypeScript type, as in .tag(ts='string[]')")
    return f"{known} | null" if trait.allow_none else known


def _derived(trait: _Trait) -> str | None:
    if isinstance(trait, t.Enum):
        return " | ".join(json.dumps(value) for value in trait.values or ())
    if isinstance(trait, t.List) and trait._trait is not None:  # noqa: SLF001 - it has no public name
        item = _derived(trait._trait)  # noqa: SLF001
        return item and f"{item}[]"
    return next((ts for kind, ts in _PLAIN.items() if isinstance(trait, kind)), None)


def first_value(trait: _Trait) -> Any:
    """Return the first value of a trait, as in JSON."""
    value = trait.default()
    return None if value is t.Undefined else value


def literal(value: Any) -> str:
    """Return a value as the formatter writes it in TypeScript."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value)
    return f"{{ {', '.join(f'{key}: {json.dumps(item)}' for key, item in value.items())} }}"


def imports_of(types: str, files: Iterable[Path], importer: Path) -> list[str]:
    """Return import lines for the names of other files that are used in types."""
    lines = []
    for path in files:
        names = [
            n for n in _EXPORTED.findall(path.read_text("utf-8")) if re.search(rf"\b{n}\b", types)
        ]
        if names:
            beside = path.parent == importer.parent
            module = f"./{path.stem}" if beside else f"../{path.parent.name}/{path.stem}"
            line = f'import type {{ {", ".join(sorted(names))} }} from "{module}";'
            if len(line) > _LINE:
                listed = "".join(f"\n  {name}," for name in sorted(names))
                line = f'import type {{{listed}\n}} from "{module}";'
            lines.append(line)
    return lines


def lines_of(names: Iterable[str], before: str, after: str) -> str:
    """Return quoted names, one on a line."""
    return "".join(f"\n{before}{json.dumps(name)}{after}" for name in names)


def set_of(name: str, members: set[str]) -> str:
    """Return the declaration of a set of traits."""
    lines = lines_of(sorted(members), "  ", ",")
    return f"export const {name}: ReadonlySet<string> = new Set([{lines}\n]);"


if __name__ == "__main__":
    for path, text in render().items():
        path.write_text(text, encoding="utf-8")
