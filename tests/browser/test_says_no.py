"""How a view marks wrong and unknown words, weak matches, and pictures unlike the model's training data."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import gradeclip_widget as gw

from .conftest import OpenPage
from .lab import Notebook
from .view import View

BICYCLE, SHAPES = gw.demo.scenes()[0], gw.demo.scenes()[4]
WRONG = "a green circle and a blue square"  # there is a red circle
DIGITS = 5e-4  # half of the last decimal shown
WARNING = "This model knows drawings only"
FOR_PHOTOGRAPHS = "ViT-B-16/openai"
Explained = Callable[[Image.Image, str], View]


@pytest.fixture
def explained(open_page: OpenPage, explainer: gw.Explainer, tmp_path: Path) -> Explained:
    """Opens a page with a picture and a caption, explained by the embedded model."""

    def explained(image: Image.Image, caption: str) -> View:
        explanation = explainer.with_unrelated_scores(explainer(image, caption), image)
        explanation.to_html(tmp_path / "page.html")
        page = open_page(tmp_path / "page.html")
        return View(page, page)

    return explained


@pytest.fixture(scope="module")
def photograph() -> Path:
    """A photograph from scikit-learn, which is not imported."""
    spec = find_spec("sklearn")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "images" / "china.jpg"


def test_a_wrong_color_is_marked_and_has_no_hue(explained: Explained) -> None:
    view = explained(SHAPES.image, WRONG)
    expect(view.chips).to_have_text(["blue square"])
    expect(view.word("green")).to_have_class(re.compile("is-lowering"))
    expect(view.word("green")).not_to_have_class(re.compile("is-hued"))
    expect(view.bars.filter(has_text="green")).to_have_class(re.compile("is-lowering"))
    resting = view.heat()
    view.point_at_word("green")
    expect(view.help).to_contain_text(re.compile(r"lowers the score: without it 0\.\d{3}"))
    view.heat_other_than(resting)
    red, _, blue, opacity = np.moveaxis(view.paint(), 2, 0)
    painted = opacity > 0.1 * 255
    assert painted.mean() > 0.01
    assert (blue > red)[painted].all(), "evidence against is purple, evidence for is orange"


def test_the_bars_add_up_to_the_score(explained: Explained) -> None:
    view = explained(SHAPES.image, WRONG)
    *parts, total = view.bar_values()
    assert total == pytest.approx(float(view.score.inner_text()), abs=1e-9)
    assert min(parts) < -0.05
    assert sum(parts) == pytest.approx(total, abs=(len(parts) + 1) * DIGITS)


def test_a_small_word_paints_almost_nothing(explained: Explained) -> None:
    view = explained(BICYCLE.image, BICYCLE.caption)
    resting = view.heat()
    view.point_at_word("bicycle")
    bicycle = view.heat_other_than(resting)
    strong = view.paint()[..., 3]
    view.point_at_word("and")
    view.heat_other_than(bicycle)
    dimmed = strong.min()  # the picture, where a word has no evidence
    assert (view.paint()[..., 3] - dimmed).mean() <= 0.1 * (strong - dimmed).mean()


def test_an_unknown_word_has_no_hue_and_no_map(explained: Explained) -> None:
    view = explained(BICYCLE.image, "a velociraptor and a bicycle")
    expect(view.chips).to_have_text(["bicycle"])
    expect(view.word("velociraptor")).to_have_class(re.compile("is-unknown"))
    expect(view.word("velociraptor")).not_to_have_class(re.compile("is-hued|is-lowering"))
    expect(view.bars.filter(has_text="velociraptor")).to_have_count(0)
    expect(view.root.locator(".gradeclip-bar.is-unknown")).to_contain_text("unknown: velociraptor")
    resting = view.heat()
    view.point_at_word("velociraptor")
    view.heat_other_than(resting)
    opacity = view.paint()[..., 3]
    assert opacity.min() == opacity.max()


def test_a_weak_match_has_a_badge(explained: Explained) -> None:
    match, badge = ".gradeclip-match", ".gradeclip-badge"
    view = explained(BICYCLE.image, "a dog and a cat")
    expect(view.root.locator(match)).to_contain_text("better than an unrelated sentence")
    expect(view.stage.locator(badge)).to_contain_text("does not support this sentence")
    view = explained(BICYCLE.image, BICYCLE.caption)
    expect(view.root.locator(match)).to_contain_text("higher than all")
    expect(view.stage.locator(badge)).to_be_hidden()


def test_the_bars_of_two_prompts_add_up_to_the_difference_of_scores(
    open_page: OpenPage, tmp_path: Path
) -> None:
    prompts = [BICYCLE.caption, "a photo of a dog and a tree"]
    widget = gw.explore(BICYCLE.image, prompts, versus=1)
    widget.wait(60)
    first, second = (e.score for e in widget.explanations)
    view = View(page := open_page(widget.save_html(tmp_path / "page.html")), page)
    *parts, total = view.bar_values()
    assert total == pytest.approx(first - second, abs=DIGITS)
    assert sum(parts) == pytest.approx(total, abs=(len(parts) + 1) * DIGITS)
    expect(view.root.locator(".gradeclip-legend")).to_contain_text(
        "orange: speaks for “bicycle, sun” · purple: for “photo, dog”"
    )


def test_a_photograph_gets_a_warning_before_anything_else(
    explained: Explained, photograph: Path
) -> None:
    view = explained(Image.open(photograph), "a temple beside a lake")
    banner = view.root.get_by_role("status").filter(has_text=WARNING)
    expect(banner).to_contain_text(f'model="{FOR_PHOTOGRAPHS}"')
    assert view.root.inner_text().strip().startswith(WARNING)
    expect(view.chips.locator("visible=true")).to_have_count(0)
    assert view.faint_texts() == []
    assert view.accessibility_violations() == []


def test_the_model_for_photographs_is_one_click_away(notebook: Notebook, photograph: Path) -> None:
    """The test uses another model under its name, which needs no download."""
    notebook.run(
        "from gradeclip_widget.demo import model as demo\n"
        "parts = demo.build(), demo.preprocess(), demo.tokenizer()\n"
        f"other = gw.ClipModel(*parts, name={FOR_PHOTOGRAPHS!r})\n"
        f"widget = gw.explore({str(photograph)!r}, 'a temple', models=[other])\n"
        "widget"
    )
    view = View(notebook.page, notebook.cell())
    expect(view.root.locator(".gradeclip-banner")).to_contain_text(WARNING)
    view.button("Use ViT-B-16").click()
    expect(view.root.locator(".gradeclip-banner")).to_have_text("")
    notebook.expect(
        "widget.wait(); widget.model, widget.explanation.model",
        f"('{FOR_PHOTOGRAPHS}', '{FOR_PHOTOGRAPHS}')",
    )
