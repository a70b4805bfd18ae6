"""The gallery of a dataset run, in a real JupyterLab."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from ..widget.gallery_run import write_pairs
from .lab import Notebook
from .view import WAIT_FOR_HEAT, View

PAIRS = 20_000
MOST_ELEMENTS = 1000  # of the grid, however many pairs there are
MOST_REQUESTS = 40  # for rows, while the scroll bar is dragged from end to end and back
RUN_OF_SCENES = """
import tempfile
from pathlib import Path
folder = Path(tempfile.mkdtemp())
pairs = []
for n, scene in enumerate(gw.demo.scenes()[:3]):
    scene.image.save(folder / f"{n}.png")
    pairs.append((str(folder / f"{n}.png"), scene.caption))
made_run = gw.explain_dataset(pairs, folder / "out", progress=False, workers=0)
"""
# Whether the visible tiles belong to the place that is scrolled to, and have their pictures.
FILLED = """grid => {
  const frame = grid.getBoundingClientRect();
  const seen = [...grid.querySelectorAll(".gallery-line:not([hidden]) .gallery-tile:not([hidden])")]
    .filter((tile) => {
      const at = tile.getBoundingClientRect();
      return at.bottom > frame.top && at.top < frame.bottom;
    });
  return grid.ariaBusy === "false" && seen.length > 0
    && !seen.some((tile) => tile.classList.contains("is-skeleton"));
}"""
# Whether the first visible tile is narrower than a number of pixels.
NARROWER = """width => document.querySelector(".gallery-line:not([hidden]) .gallery-tile:not([hidden])")
  .getBoundingClientRect().width < width"""
# Drags the scroll bar to a fraction of its way within half a second, as a person does.
DRAG = """(grid, to) => new Promise((done) => {
  const [start, from] = [performance.now(), grid.scrollTop];
  const end = to * (grid.scrollHeight - grid.clientHeight);
  const move = () => {
    const t = Math.min(1, (performance.now() - start) / 500);
    grid.scrollTop = from + (end - from) * t;
    requestAnimationFrame(t < 1 ? move : () => requestAnimationFrame(done));
  };
  move();
})"""


class GalleryView(View):
    """What a person does with a gallery, and what they see."""

    def __init__(self, notebook: Notebook) -> None:
        self.page = notebook.page
        cell = notebook.cell()
        self.root = cell.locator(".gradeclip-gallery")
        self.grid = self.root.locator(".gallery-grid")
        self.tiles = self.grid.locator(".gallery-line:not([hidden]) .gallery-tile:not([hidden])")
        self.count = self.root.locator(".gallery-count")
        self.card = self.root.locator(".gallery-card")
        self.stage = cell.locator(".gradeclip-stage")
        self.fill()

    def fill(self) -> None:
        """Wait until every visible tile has its picture."""
        expect(self.tiles.first).to_be_visible()
        handle = self.grid.element_handle()
        assert handle is not None
        self.page.wait_for_function(FILLED, arg=handle)

    def scroll(self, fraction: float) -> None:
        """Drag the scroll bar to a fraction of its way, and wait for the tiles there."""
        self.grid.evaluate(DRAG, fraction)
        self.fill()

    def first_in_view(self) -> int:
        """The number of the first visible pair."""
        index = self.grid.evaluate(
            """grid => {
              const top = grid.getBoundingClientRect().top;
              const tiles = [...grid.querySelectorAll(".gallery-line:not([hidden]) .gallery-tile")];
              const at = (tile) => tile.getBoundingClientRect();
              const seen = tiles.filter((tile) => at(tile).bottom > top);
              seen.sort((a, b) => at(a).top - at(b).top || at(a).left - at(b).left);
              return seen[0].querySelector(".gallery-caption").textContent;
            }"""
        )
        return int(index.rpartition(" ")[2])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of many generated pairs."""
    return write_pairs(tmp_path_factory.mktemp("gallery") / "run", PAIRS)


@pytest.fixture
def gallery(notebook: Notebook, run: Path) -> Iterator[GalleryView]:
    """A gallery of that run."""
    notebook.run(f"gallery = gw.browse({str(run)!r})\ngallery")
    yield GalleryView(notebook)
    notebook.ask("gallery.close()")


def pixels(place: Locator) -> np.ndarray:
    """A screenshot of an element, (height, width, 3)."""
    shot = Image.open(io.BytesIO(place.screenshot(animations="disabled")))
    return np.asarray(shot.convert("RGB"), np.int16)


def test_dragging_the_scroll_bar_shows_the_pairs_there(
    notebook: Notebook, gallery: GalleryView
) -> None:
    """With few elements in the page and few requests to the kernel."""
    notebook.ask(
        "requests = []\n"
        "gallery._grid.on_msg(lambda _, content, buffers: requests.append(content['kind']))"
    )
    columns = int(gallery.grid.get_attribute("aria-colcount") or 0)
    for fraction in (0.5, 0.97, 0.13, 0.0):
        gallery.scroll(fraction)
        assert abs(gallery.first_in_view() - fraction * PAIRS) < 8 * columns
        assert gallery.grid.locator("*").count() < MOST_ELEMENTS
    notebook.expect(f"4 <= len(requests) <= {MOST_REQUESTS}", "True")


def test_the_wheel_moves_through_the_pairs(gallery: GalleryView) -> None:
    gallery.grid.hover()
    for _ in range(40):
        gallery.page.mouse.wheel(0, 300)
    expect(gallery.grid).to_have_js_property("scrollTop", 40 * 300)
    gallery.fill()
    assert 100 < gallery.first_in_view() < 1000


def test_tiles_show_the_picture_and_the_heat_at_the_maps_peak(gallery: GalleryView) -> None:
    """Every second thumbnail is a JPEG."""
    for n in (0, 1):
        picture = gallery.tiles.nth(n).locator("canvas")
        with_heat = picture.evaluate("canvas => canvas.toDataURL()")
        hot = pixels(picture)
        gallery.root.get_by_role("checkbox", name="Heat").uncheck()
        picture.evaluate(WAIT_FOR_HEAT, [False, with_heat])
        plain = pixels(picture)
        gallery.root.get_by_role("checkbox", name="Heat").check()
        picture.evaluate(WAIT_FOR_HEAT, [True, with_heat])
        height, width, _ = plain.shape
        middle = plain[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4]
        assert middle.std((0, 1)).min() > 8  # the picture has grain; a plain background would not
        change = np.abs(hot - plain).sum(2)
        y, x = np.unravel_index(change.argmax(), change.shape)
        # The map's peak: 3.5 of 14 patches from the left and top of the middle 480 x 480 of 640 x 480.
        shown = width * 480 / 640
        assert abs(x - (width - shown) / 2 - shown * 3.5 / 14) < 0.1 * width
        assert abs(y - (height - shown) / 2 - shown * 3.5 / 14) < 0.1 * height


def test_a_person_sorts_and_filters(notebook: Notebook, gallery: GalleryView) -> None:
    gallery.root.get_by_label("Sort by").select_option("score")
    notebook.expect("gallery.sort, gallery.descending", "('score', True)")
    gallery.fill()
    best = notebook.ask("print(gallery.rows.caption[0])").strip()
    assert best.startswith("a ")
    expect(gallery.tiles.first).to_contain_text(best)
    gallery.root.get_by_role("searchbox", name="Caption").fill("dog")
    expect(gallery.count).to_have_text("2,000 of 20,000 pairs")
    gallery.root.get_by_role("searchbox", name="Word").fill("red")
    expect(gallery.count).to_have_text("200 of 20,000 pairs")
    gallery.root.get_by_label("What the word does").select_option("ignored")
    expect(gallery.count).to_contain_text(re.compile(r"^\d\d of 20,000"))
    notebook.expect("str(gallery.rows.caption.str.startswith('a red dog').all())", "'True'")
    gallery.root.get_by_label("Lowest score").focus()
    for _ in range(3):
        gallery.page.keyboard.press("PageUp")
    notebook.expect("gallery.rows.score.min() >= gallery.score_range[0] > 0.1", "True")
    gallery.root.get_by_role("button", name="Clear filters").click()
    expect(gallery.count).to_have_text("20,000 pairs")
    gallery.fill()


def test_few_pairs_have_a_plain_background(notebook: Notebook, gallery: GalleryView) -> None:
    notebook.ask("gallery.filter(text='number 7777')")
    expect(gallery.tiles).to_have_count(1)
    gallery.fill()
    notebook.expect("len(gallery.rows)", "1")
    shot = pixels(gallery.grid)
    assert shot[300:500, 20:-40].std() < 1


def test_hovering_a_tile_shows_its_words(gallery: GalleryView) -> None:
    gallery.tiles.first.hover()
    expect(gallery.card).to_contain_text("a red dog number 0")
    expect(gallery.card.locator("mark").filter(has_text="dog")).to_have_attribute(
        "style", "--share: 1.000;"
    )
    gallery.page.mouse.move(1, 1)
    expect(gallery.card).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_gallery_is_accessible(notebook: Notebook, gallery: GalleryView, theme: str) -> None:
    notebook.ask(f"gallery.filter(theme={theme!r}, word='dog', word_role='counts')")
    expect(gallery.root).to_have_attribute("data-theme", theme)
    gallery.fill()
    gallery.tiles.nth(1).hover()
    expect(gallery.card).to_be_visible()
    assert gallery.faint_texts() == []
    assert gallery.accessibility_violations() == []


def test_pairs_stay_visible_when_the_theme_changes(
    notebook: Notebook, gallery: GalleryView
) -> None:
    """JupyterLab removes its style sheet for a moment, in which the grid has no size."""
    for theme in ("Dark", "Light"):
        notebook.command("apputils:change-theme", {"theme": f"JupyterLab {theme}"})
        expect(gallery.root).to_have_attribute("data-theme", theme.lower())
        gallery.settle()
        gallery.fill()


def test_two_runs_are_shown_side_by_side(notebook: Notebook, run: Path, tmp_path: Path) -> None:
    other = write_pairs(tmp_path / "other", 300, seed=1)
    notebook.run(f"gallery = gw.browse({str(run)!r}, {str(other)!r}, sort='disagreement')\ngallery")
    view = GalleryView(notebook)
    expect(view.count).to_have_text("20,000 pairs")
    view.fill()
    expect(view.tiles.first).to_contain_text("apart")
    wide = view.tiles.first.bounding_box()
    assert wide is not None
    view.root.get_by_text("The other", exact=True).click()
    notebook.page.wait_for_function(NARROWER, arg=wide["width"] / 1.4)
    view.fill()
    notebook.ask("gallery.close()")


def test_keys_open_a_pair_in_the_full_widget(notebook: Notebook) -> None:
    """Going back leads to the same tile."""
    notebook.ask(RUN_OF_SCENES)
    notebook.run("gallery = gw.browse(made_run.path)\ngallery")
    view, keyboard = GalleryView(notebook), notebook.page.keyboard
    view.grid.focus()
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    expect(view.root.locator(".gallery-where")).to_have_text("2 of 3")
    stage = view.stage.locator("visible=true")
    expect(stage.first).to_be_visible(timeout=60_000)
    notebook.expect("gallery.selected == made_run.to_frame().id[1]", "True")
    notebook.expect(
        "bool(abs(gallery.detail.explanation.score - made_run.to_frame().score[1]) < 1e-6)", "True"
    )
    root = view.root
    root.get_by_role("button", name="Pair after").click()
    expect(root.locator(".gallery-where")).to_have_text("3 of 3")
    expect(stage.first).to_be_visible(timeout=60_000)
    root.get_by_role("button", name="All pairs").focus()
    keyboard.press("Escape")
    expect(stage).to_have_count(0)
    grid = root.locator(".gallery-grid")
    expect(grid).to_be_focused()
    expect(grid.locator(".gallery-tile.is-active")).to_have_attribute("aria-colindex", "3")
    notebook.ask("gallery.close()")
