"""The table in ``docs/hosts.md``: the results of the tests for each host."""

from __future__ import annotations

import os
from pathlib import Path

from .features import FEATURES

PAGE = Path(__file__).parents[3] / "docs" / "hosts.md"
REWRITE = bool(os.environ.get("GRADECLIP_WRITE_HOSTS"))
_MARK = "<!-- written by tests/browser/test_hosts.py -->"
Row = dict[str, str]


def read() -> dict[str, Row]:
    """Return the rows of the table, by host."""
    rows = {}
    for line in PAGE.read_text("utf-8").splitlines():
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == len(FEATURES) and name and cells[0] != "---":
            rows[name] = dict(zip(FEATURES, cells, strict=True))
    rows.pop("host", None)
    return rows


def expected(host: str, feature: str) -> str | None:
    """Return a cell of the table; ``None`` if the table is to be written."""
    return None if REWRITE else read().get(host, {}).get(feature)


def check(host: str, seen: Row) -> None:
    """Compare a row of the table with the results, or write it if ``GRADECLIP_WRITE_HOSTS`` is set."""
    assert set(seen) == set(FEATURES)
    if not REWRITE:
        assert seen == read().get(host), "run with GRADECLIP_WRITE_HOSTS=1 to write the table again"
        return
    rows = read() | {host: seen}
    head = ["host", *FEATURES]
    lines = [head, ["---"] * len(head)]
    lines += [[name, *(row[feature] for feature in FEATURES)] for name, row in rows.items()]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    before, mark, after = PAGE.read_text("utf-8").partition(_MARK)
    rest = after.lstrip("\n").split("\n")
    while rest and rest[0].startswith("|"):
        del rest[0]
    PAGE.write_text("\n".join([before + mark, "", table, *rest]), "utf-8")
