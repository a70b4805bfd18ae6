"""The site's table of contents.

It is not in the first page, so that GitHub shows that page as plain Markdown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FIRST = "docs/index"
# Parts of the site, and their pages below the root of the repository; "*" matches any name.
PARTS = {
    "Tutorials": [
        "docs/first-map.md",
        "notebooks/quickstart.ipynb",
        "notebooks/explore.ipynb",
        "notebooks/methods.ipynb",
        "notebooks/limits.ipynb",
        "notebooks/regions.ipynb",
        "notebooks/own_model.ipynb",
        "notebooks/datasets.ipynb",
        "notebooks/embedding.ipynb",
        "notebooks/*.ipynb",
    ],
    "How to": [
        "docs/guide.md",
        "docs/howto/own-picture.md",
        "docs/howto/own-model.md",
        "docs/howto/compare-prompts.md",
        "docs/howto/ask-a-region.md",
        "docs/howto/compare-methods.md",
        "docs/howto/single-blocks.md",
        "docs/howto/numbers-in-python.md",
        "docs/howto/control-by-program.md",
        "docs/howto/whole-datasets.md",
        "docs/planning.md",
        "docs/hosts.md",
        "docs/howto/*.md",
        "docs/limits.md",
        "docs/troubleshooting.md",
    ],
    "What the numbers mean": [
        "docs/glossary.md",
        "docs/mathematics.md",
        "docs/methods.md",
        "docs/evidence.md",
        "docs/benchmarks.md",
    ],
    "Models": [
        "docs/models.md",
        "gradeclip_widget/clip/README.md",
        "gradeclip_widget/demo/MODEL_CARD.md",
    ],
    "Reference": ["docs/api.rst", "docs/api-evaluation.rst"],
    "Contributing": [
        "docs/architecture.md",
        "docs/extending.md",
        "docs/*.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ],
}
# Names in the table of contents for pages whose own titles are unclear out of context.
TITLES = {
    "notebooks/quickstart.ipynb": "Quick start",
    "gradeclip_widget/clip/README.md": "Tower families",
    "gradeclip_widget/demo/MODEL_CARD.md": "The embedded model",
}


def contents() -> dict[str, list[str]]:
    """Return the existing pages by part, as paths below the root; each page is in one part."""
    seen = {f"{FIRST}.md"}
    parts: dict[str, list[str]] = {}
    named = {page for patterns in PARTS.values() for page in patterns}
    for part, patterns in PARTS.items():
        parts[part] = []
        for pattern in patterns:
            for path in sorted(ROOT.glob(pattern)):
                page = path.relative_to(ROOT).as_posix()
                if page not in seen and (page == pattern or page not in named):
                    seen.add(page)
                    parts[part].append(page)
    return parts


def entry(page: str) -> str:
    """Return a page's line in the table of contents."""
    target = "/" + page.rpartition(".")[0]
    return f"{TITLES[page]} <{target}>" if page in TITLES else target


def add_contents(_app: Any, docname: str, source: list[str]) -> None:
    """Append the table of contents to the first page."""
    if docname == FIRST:
        for part, pages in contents().items():
            lines = "\n".join(map(entry, pages))
            source[0] += f"\n\n```{{toctree}}\n:hidden:\n:caption: {part}\n\n{lines}\n```\n"


def setup(app: Any) -> dict[str, Any]:
    """Connect `add_contents` to the reading of pages."""
    app.connect("source-read", add_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
