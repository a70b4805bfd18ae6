"""Write the front end's view of the widget's traits: `python -m scripts.write_synced`.

``js/src/state/synced.ts`` holds every synced trait's type and first value, the names of the controls, and
which traits repaint the map or are answered by Python. All of that is read off the traits of
``gradeclip_widget/widget/traits.py`` and of the questions in ``gradeclip_widget/widget/questions``.
``tests/widget/test_synced.py`` fails where the file says something else.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import traitlets as t

from gradeclip_widget.widget.questions import QUESTIONS
from gradeclip_widget.widget.traits import declared, names_of

SOURCES = Path(__file__).parents[1] / "js" / "src"
PATH = SOURCES / "state" / "synced.ts"
_PLAIN = {t.Unicode: "string", t.Bool: "boolean", t.Int: "number", t.Float: "number"}
_LINE = 110  # characters, as in biome.json
_EXPORTED = re.compile(r"^export (?:interface|type) (\w+)", re.MULTILINE)


def render() -> str:
    """Return the text of ``synced.ts``."""
    traits = sorted((name, trait) for name, trait in declared() if trait.metadata.get("sync"))
    types = {name: type_of(name, trait) for name, trait in traits}
    fields = [
        f"  /** {trait.help[0].upper()}{trait.help[1:]}. */\n  {name}: {types[name]};"
        for name, trait in traits
    ]
    defaults = [f"  {name}: {json.dumps(first_value(trait))}," for name, trait in traits]
    synced = {name for name, _ in traits}
    asks = {*names_of(request=True), *names_of(asks=True), *(q.asks for q in QUESTIONS.values())}
    return "\n".join(
        [
            "// Written by scripts/write_synced.py from the traits of gradeclip_widget/widget. Do not edit.",
            "",
            *imports_of(" ".join(types.values())),
            "",
            "/** The traits that Python shares with every view. */",
            "export interface Synced {",
            *fields,
            "}",
            "",
            "/** What the trait `controls` may name: a control is called as its trait is. */",
            f"export type ControlName ={lines_of(tuple(sorted(names_of(control=True))), '  | ', '')};",
            "",
            "/** Values of the traits where Python has set none. */",
            "export const DEFAULTS: Readonly<Synced> = {",
            *defaults,
            "};",
            "",
            "/** Traits that the map on show depends on. */",
            set_of("REPAINTS", synced & set(names_of(repaints=True))),
            "",
            "/** Traits whose change Python always answers by changing another one. */",
            set_of("ASKS", synced & asks),
            "",
        ]
    )


def type_of(name: str, trait: t.TraitType[Any, Any]) -> str:
    """Return a trait's TypeScript type.

    Raises:
        TypeError: it follows neither from the trait nor from its metadata.
    """
    known = trait.metadata.get("ts") or _derived(trait)
    if known is None:
        raise TypeError(f"trait {name!r}: say its TypeScript type, as in .tag(ts='string[]')")
    return f"{known} | null" if trait.allow_none else known


def _derived(trait: t.TraitType[Any, Any]) -> str | None:
    if isinstance(trait, t.Enum):
        return " | ".join(json.dumps(value) for value in trait.values or ())
    if isinstance(trait, t.List) and trait._trait is not None:  # noqa: SLF001 - it has no public name
        item = _derived(trait._trait)  # noqa: SLF001
        return item and f"{item}[]"
    return next((ts for kind, ts in _PLAIN.items() if isinstance(trait, kind)), None)


def first_value(trait: t.TraitType[Any, Any]) -> Any:
    """Return what a trait holds at first, as JSON has it."""
    value = trait.default()
    return None if value is t.Undefined else value


def imports_of(types: str) -> list[str]:
    """Return import lines for the names of other files that are used in types."""
    lines = []
    for path in (*sorted((SOURCES / "core").glob("*.ts")), SOURCES / "state" / "entries.ts"):
        names = [
            n for n in _EXPORTED.findall(path.read_text("utf-8")) if re.search(rf"\b{n}\b", types)
        ]
        if names:
            module = f"../core/{path.stem}" if path.parent.name == "core" else f"./{path.stem}"
            line = f'import type {{ {", ".join(sorted(names))} }} from "{module}";'
            if len(line) > _LINE:
                listed = "".join(f"\n  {name}," for name in sorted(names))
                line = f'import type {{{listed}\n}} from "{module}";'
            lines.append(line)
    return lines


def lines_of(names: tuple[str, ...], before: str, after: str) -> str:
    """Return quoted names, one on a line."""
    return "".join(f"\n{before}{json.dumps(name)}{after}" for name in names)


def set_of(name: str, members: set[str]) -> str:
    """Return the declaration of a set of traits."""
    lines = lines_of(tuple(sorted(members)), "  ", ",")
    return f"export const {name}: ReadonlySet<string> = new Set([{lines}\n]);"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
