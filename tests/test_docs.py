"""The documentation: no link is broken, and every page and public name is in the site."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.export.html import frame

from .frames import extension

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted(DOCS.rglob("*.md")),
    *sorted(ROOT.glob("gradeclip_widget/**/*.md")),
    *NOTEBOOKS,
]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def prose(path: Path) -> str:
    """Return a page's Markdown without its code."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.sub(r"(?ms)^(```+).*?^\1", "", text)


def links(path: Path) -> Iterator[str]:
    """Yield the targets of a page's links and pictures, without web addresses."""
    text = re.sub(r"`[^`\n]+`", "code", prose(path))
    for target in re.findall(r"\]\(([^()\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            yield unquote(target)


@cache
def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    found: set[str] = set()
    for heading in re.findall(r"(?m)^#{1,6} (.+?)\s*$", prose(path)):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        numbers = (f"{slug}-{n}" for n in range(1, 100))
        found.add(slug if slug not in found else next(n for n in numbers if n not in found))
    return found


def broken(path: Path) -> list[str]:
    """Return the broken links of a page."""
    wrong = []
    for target in links(path):
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        if not place.exists() or (anchor and anchor not in anchors(place)):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_link_of_a_page_is_broken(path: Path) -> None:
    assert broken(path) == []


def test_broken_links_and_anchors_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `thing`, twice\n\n[a](#one-thing-twice) [b](#gone) [c](gone.md) [d](https://a.b)\n"
        "```\n[e](in-code.md)\n```\n`[f](in-code.md)` ![g](gone.png) [h](page.md#one-thing-twice)\n"
    )
    assert broken(page) == ["#gone", "gone.md", "gone.png"]


def test_every_page_is_in_the_contents_once() -> None:
    listed = [page for pages in extension("navigation").contents().values() for page in pages]
    beside = {
        "README.md",
        "docs/index.md",
    }  # the first page of the repository, and that of the site
    assert len(listed) == len(set(listed))
    assert {name_of(path) for path in PAGES} - beside <= set(listed)


def test_both_entrance_pages_cite_as_the_citation_file_does() -> None:
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/index.md")]
    blocks = {page.partition("```bibtex")[2].partition("```")[0] for page in pages}
    (block,) = blocks
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    plain = block.replace("{", "").replace("}", "")
    titles = re.findall(r'title: "(.+)"', citation)
    assert len(titles) == 2
    for value in (*titles, *re.findall(r"(?m)^version: (\S+)$", citation)):
        assert f"= {value}" in plain


def test_every_page_with_another_title_exists() -> None:
    assert [page for page in extension("navigation").TITLES if not (ROOT / page).exists()] == []


def built(source: Path, folder: Path, *settings: str) -> Path:
    """Build a site as `make docs` does, but without running notebooks, and return its folder."""
    overridden = [part for value in ("nb_execution_mode=off", *settings) for part in ("-D", value)]
    build = subprocess.run(
        [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", *overridden,
         "-c", DOCS, "-d", folder / "doctrees", source, folder / "html"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert build.returncode == 0, build.stderr
    return folder / "html"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site; another test runs the notebooks."""
    return built(ROOT, tmp_path_factory.mktemp("site"))


def test_the_site_builds_without_a_warning(site: Path) -> None:
    assert "url=docs/index.html" in (site / "index.html").read_text()
    assert (site / "docs/index.html").exists()


@pytest.mark.parametrize(
    ("page", "module"),
    [("api", gw), ("api", gw.demo), ("api-evaluation", gw.evaluation)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_every_public_name_is_in_the_api_reference(
    site: Path, page: str, module: ModuleType
) -> None:
    text = (site / f"docs/{page}.html").read_text()
    public = {name for name in module.__all__ if callable(getattr(module, name))}
    assert public
    missing = {name for name in public if not re.search(rf'id="[\w.]*\b{name}"', text)}
    assert missing == set()


def test_no_page_of_the_site_fetches_from_the_network(site: Path) -> None:
    there = r"=\"(?:https?:)?//"
    fetched = rf"<(?:script|img|iframe|source)\b[^>]*\bsrc{there}|<link\b[^>]*\bhref{there}"
    pages = {path.relative_to(site): path.read_text() for path in site.rglob("*.html")}
    assert [path for path, text in pages.items() if re.search(fetched, text)] == []
    styles = [path.read_text() for path in site.rglob("*.css")]
    assert not any(re.search(r"url\([\"']?(?:https?:)?//|@import", style) for style in styles)


def test_a_figure_waits_for_the_copy_of_plotly_in_the_site(site: Path) -> None:
    """It requests nothing by itself."""
    import plotly.graph_objects as go
    import plotly.io

    bundle = plotly.io.renderers["notebook_connected"].to_mimebundle(go.Figure().to_dict())
    context = {"body": f"<p>before</p>{bundle['text/html']}<p>after</p>"}
    assert "https://" in context["body"]
    extension("offline").keep_offline(None, "page", "", context, None)
    drawn = re.search(r'"plotly-graph-div".*</div>\s*<script type="text/plain"', context["body"])
    assert drawn
    assert not re.search(r"<script[^>]*src=|import ", context["body"])
    assert (site / "_static/plotly.min.js").stat().st_size > 1e6


def test_formulas_are_typeset(site: Path) -> None:
    text = (site / "docs/mathematics.html").read_text()
    assert text.count("<math") > 100
    article = text[text.index("<article") : text.index("</article>")]
    assert not re.search(r"\$|\\frac|\\cdot", article), "LaTeX is left"


def notebook_page(folder: Path, *outputs: dict[str, Any]) -> Path:
    """Return the site's page of a notebook whose cell has these outputs, by their types."""
    cells = [
        nbformat.v4.new_markdown_cell("# Title"),
        nbformat.v4.new_code_cell(
            "widget", outputs=[nbformat.v4.new_output("display_data", data=o) for o in outputs]
        ),
    ]
    state = {"application/vnd.jupyter.widget-state+json": {"state": {"1": {"large": "state"}}}}
    metadata = {"language_info": {"name": "python"}, "widgets": state}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / "page.ipynb")
    return built(folder, folder, "root_doc=page", "include_patterns=page.ipynb") / "page.html"


def test_a_widget_in_a_notebook_is_shown_as_its_page_or_as_a_note(
    tmp_path: Path,
) -> None:
    """Progress bars are left out."""
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "Repr()"}
    bar = {**view, "text/plain": "masks:  42%|####      | 42/100 [00:00<?, ?it/s]"}
    page = notebook_page(tmp_path, view, {**view, "text/html": "<b>its page</b>"}, bar).read_text()
    assert "42/100" not in page
    assert "<b>its page</b>" in page
    assert page.count("A widget that needs the running notebook.") == 1
    assert "Repr()" not in page
    assert "large" not in page


def test_marked_pictures_are_live_in_the_site(site: Path) -> None:
    marked = [path for path in DOCS.rglob("*.md") if "\n<!-- live " in path.read_text()]
    assert marked
    for path in marked:
        page = site / path.relative_to(ROOT).with_suffix(".html")
        sources = re.findall(r'<iframe class="live-frame" src="([^"]+)"', page.read_text())
        assert sources, page
        for source in sources:
            frame = (page.parent / source).read_text()
            assert "gradeclip-payloads" in frame
            assert len(frame) < 200_000, "the script and the style are files of the site"


def fits(page: Page, file: Path) -> None:
    """Open a page, and check that its frame has the height of its content and the page's theme."""
    page.goto(file.as_uri())
    root = page.frame_locator("iframe.live-frame").locator(".gradeclip")
    expect(root).to_have_attribute("data-theme", "light")
    content = root.evaluate("element => element.offsetHeight")
    assert content not in (0, 700)  # the height that frames begin with
    page.wait_for_function(f"document.querySelector('iframe').offsetHeight === {content}")
    page.evaluate("document.body.dataset.theme = 'dark'")
    expect(root).to_have_attribute("data-theme", "dark")


@pytest.mark.browser
def test_a_live_frame_fits_its_page(site: Path, chromium: Browser) -> None:
    """It also shows the state that its mark gives, and fetches nothing."""
    with contextlib.closing(chromium.new_page(color_scheme="light")) as page:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        fits(page, site / "docs/howto/ask-a-region.html")
        frame = page.frame_locator("iframe.live-frame")
        expect(frame.get_by_text("Words supported by this region")).to_be_visible()
        assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.browser
def test_the_frame_of_a_notebook_fits_its_page(
    tmp_path: Path, chromium: Browser, explainer: gw.Explainer, scene: Scene
) -> None:
    page_in_frame = frame([explainer(scene.image, "a dog and a red circle")])
    file = notebook_page(tmp_path, {"text/html": page_in_frame, "text/plain": "Repr()"})
    assert file.stat().st_size < 30_000, "the explanation is another file"
    with contextlib.closing(chromium.new_page(color_scheme="light")) as page:
        fits(page, file)
