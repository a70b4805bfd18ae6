"""Changing prompts, regions, pictures and settings in the widget, in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import gradeclip_widget as gw

from .lab import LabServer, Notebook
from .view import View

SCENE = gw.demo.scenes()[0]
X0, Y0, X1, Y1 = (
    edge / side for edge, side in zip(SCENE.objects[0].box, 2 * SCENE.image.size, strict=True)
)
CORNERS = (X0, Y0), (X1, Y1)  # of the bicycle, as fractions of the picture's width and height
MIDDLE = (X0 + X1) / 2, (Y0 + Y1) / 2
EXPLORE = "scene = gw.demo.scenes()[0]\nwidget = gw.explore(scene.image, {})\nwidget"


def explore(notebook: Notebook, prompts: object = SCENE.caption) -> View:
    notebook.run(EXPLORE.format(repr(prompts)))
    return View(notebook.page, notebook.cell())


def test_an_edited_prompt_is_explained(notebook: Notebook) -> None:
    view = explore(notebook)
    heat = view.heat()
    view.edit("a tree and a dog")
    expect(view.caption).to_have_text("a tree and a dog")
    view.heat_other_than(heat)
    notebook.expect("widget.wait(); widget.explanation.caption", "'a tree and a dog'")


def test_typing_explains_the_text_and_keeps_the_caret(notebook: Notebook) -> None:
    view = explore(notebook)
    score = view.score.inner_text()
    view.edit("a sun and", then=None)
    view.field.press("Home")
    expect(view.score).not_to_have_text(score)
    expect(view.field).to_be_focused()
    notebook.page.keyboard.type("over ")
    expect(view.field).to_have_value("over a sun and")


def test_the_last_of_thirty_edits_stays_and_results_come_in_order(notebook: Notebook) -> None:
    view = explore(notebook)
    notebook.ask(
        "captions = []\n"
        "widget.observe(lambda c: captions.append(c['new'][0]['header']['caption']), '_payloads')"
    )
    view.edit("a sun", then=None)
    letters = " and a tree next to a bicycle on a blue"[:30]
    view.field.press("End")
    view.field.press_sequentially(letters, delay=330)  # each letter starts an explanation
    view.field.press("Enter")
    expect(view.caption).to_have_text("a sun" + letters)
    notebook.expect("widget.wait(); captions[-1]", repr("a sun" + letters))
    notebook.expect("captions == sorted(captions, key=len) and len(captions) > 1", "True")


def test_other_cells_run_while_the_widget_computes(notebook: Notebook) -> None:
    explore(notebook)
    output = ".jp-OutputArea-output"
    notebook.run("widget.prompts = [f'{scene.caption} {n}' for n in range(150)]\nwidget.status")
    expect(notebook.cell().locator(output)).to_have_text("'computing'")
    notebook.run("1 + 1, widget.status")
    expect(notebook.cell().locator(output)).to_have_text("(2, 'computing')")
    notebook.expect("widget.wait(); len(widget.explanations)", "150")


def test_a_failed_prompt_shows_the_error_and_the_last_result_stays(notebook: Notebook) -> None:
    view = explore(notebook)
    heat = view.heat()
    view.edit("   ")
    expect(view.error).to_contain_text("caption")
    assert view.heat() == heat
    view.edit("a tree")
    expect(view.error).to_be_hidden()
    expect(view.caption).to_have_text("a tree")


def test_a_word_is_removed_from_its_menu_and_history_brings_it_back(notebook: Notebook) -> None:
    view = explore(notebook, "a sun and a tree")
    view.word("sun").click(button="right")
    view.root.get_by_role("menuitem", name="Remove").click()
    expect(view.caption).to_have_text("a and a tree")
    expect(view.root.locator(".gradeclip-change")).to_be_visible()
    view.button("Back").click()
    expect(view.caption).to_have_text("a sun and a tree")
    notebook.expect("widget.wait(); widget.prompt, widget.history_index", "('a sun and a tree', 0)")
    view.button("Forward").click()
    expect(view.caption).to_have_text("a and a tree")


def test_two_prompts_are_compared_and_subtracted(notebook: Notebook) -> None:
    view = explore(notebook, ["a photo of a bicycle", "a photo of a tree"])
    alone = view.heat()
    view.button("Subtract “a photo of a tree”").click()
    view.heat_other_than(alone)
    notebook.expect("widget.versus, widget.sign", "(1, 'both')")


def test_a_region_is_named_from_a_list_and_erased(notebook: Notebook) -> None:
    view = explore(notebook)
    view.drag(*CORNERS)
    view.root.get_by_label("What is in this region?").select_option("demo")
    expect(view.root.locator(".gradeclip-seen li")).to_have_count(12)
    notebook.expect("len(widget.seen)", "12")
    view.root.get_by_text("Plain color", exact=True).click()
    expect(view.root.locator(".gradeclip-fall")).to_contain_text("Score without it")
    notebook.expect("abs(widget.explanation.score - widget.erased['scores'][0]) > 1e-3", "True")


def test_maps_of_single_blocks_are_shown(notebook: Notebook) -> None:
    view = explore(notebook)
    heat = view.heat()
    notebook.ask("widget.depth, widget.text_block = True, 0")
    view.heat_other_than(heat)
    expect(view.root.locator(".gradeclip-what")).to_contain_text("text layer 1")
    notebook.ask("widget.text_block = None")
    view.wait_for_heat(heat)


def test_a_chosen_picture_is_explained(notebook: Notebook, tmp_path: Path) -> None:
    view = explore(notebook)
    other = gw.demo.scenes()[1]
    other.image.save(tmp_path / "penguin.png")
    score = view.score.inner_text()
    with notebook.page.expect_file_chooser() as chooser:
        view.button("Add a picture").click()
    chooser.value.set_files(tmp_path / "penguin.png")
    expect(view.score).not_to_have_text(score)
    expect(view.root.get_by_role("radiogroup", name="Pictures").get_by_role("radio")).to_have_count(
        2
    )
    notebook.expect("widget.picture, widget.explanation.image.size", f"(1, {other.image.size})")


def test_a_file_that_is_not_a_picture_is_an_error(notebook: Notebook, tmp_path: Path) -> None:
    view = explore(notebook)
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    with notebook.page.expect_file_chooser() as chooser:
        view.button("Add a picture").click()
    chooser.value.set_files(tmp_path / "broken.png")
    expect(view.error).to_contain_text("broken.png")
    expect(view.caption).to_have_text(SCENE.caption)


def test_only_the_chosen_controls_are_shown(notebook: Notebook) -> None:
    notebook.run("gw.explore(gw.demo.scenes()[0].image, 'a sun', controls=['prompt', 'reading'])")
    view = View(notebook.page, notebook.cell())
    expect(view.button("Edit the prompt")).to_be_visible()
    view.open_settings()
    expect(view.root.get_by_label("Read each word")).to_be_visible()
    for label in ("Heat opacity", "Heat colors", "Show"):
        expect(view.root.get_by_label(label, exact=True)).to_be_hidden()
    expect(view.button("Add a picture")).to_be_hidden()
    expect(view.button("Layers")).to_be_hidden()


def test_forty_widgets_in_one_notebook_work(notebook: Notebook) -> None:
    notebook.run(
        "from IPython.display import display\n"
        "scene = gw.demo.scenes()[0]\n"
        "widgets = [gw.explore(scene.image, f'a sun and {n} trees') for n in range(40)]\n"
        "for one in widgets[:20]: display(one)"
    )
    # JupyterLab shows the first 50 outputs of a cell, and every widget has two: the view and a still picture.
    notebook.run("for one in widgets[20:]: display(one)")
    live = notebook.page.locator(".jp-OutputArea-child:has(.gradeclip)")
    expect(live).to_have_count(40)
    last = View(notebook.page, live.nth(39))
    heat = last.heat()
    last.point_at_word("sun")
    last.heat_other_than(heat)
    last.edit("a bicycle")
    expect(last.caption).to_have_text("a bicycle")
    notebook.expect("[one.wait() for one in widgets]; widgets[39].prompt", "'a bicycle'")


@pytest.fixture
def mortal_kernel(chromium: Browser, lab: LabServer) -> Iterator[Notebook]:
    """A notebook whose kernel may die."""
    lab.write_notebook("mortal.ipynb")
    with Notebook.opened(chromium, lab, "mortal.ipynb") as notebook:
        notebook.ask("import gradeclip_widget as gw")
        yield notebook


def test_without_its_kernel_a_view_stays_interactive(mortal_kernel: Notebook) -> None:
    view = explore(mortal_kernel)
    index = mortal_kernel.page.locator(".jp-CodeCell").count() - 1
    caption_map = view.heat()
    mortal_kernel.kill_kernel()
    mortal_kernel.page.get_by_role("dialog").get_by_role("button", name="Ok").click()
    view = View(mortal_kernel.page, mortal_kernel.cell(index))
    expect(view.notice).to_contain_text("editing needs a kernel")
    view.word(SCENE.objects[0].name).click()
    view.heat_other_than(caption_map)
    view.click_at(MIDDLE)
    expect(view.share).to_be_visible()
    expect(view.button("Edit the prompt")).to_be_hidden()
    mortal_kernel.wait_for_kernel()
    mortal_kernel.ask("import gradeclip_widget as gw")
    again = explore(mortal_kernel)
    again.edit("a tree")
    expect(again.caption).to_have_text("a tree")


MODES = ("words", "editing", "rows", "difference", "region", "settings")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_accessible(notebook: Notebook, mode: str, theme: str) -> None:
    prompts = ["a photo of a bicycle", "a sun"] if mode in ("rows", "difference") else SCENE.caption
    view = explore(notebook, prompts)
    notebook.ask(f"widget.theme = {theme!r}")
    expect(view.root).to_have_attribute("data-theme", theme)
    if mode == "editing":
        view.edit("a tree and a house", then=None)
    elif mode == "difference":
        view.button("Subtract “a sun”").click()
    elif mode == "region":
        view.click_at(MIDDLE)
        view.root.get_by_label("What is in this region?").select_option("colors")
        expect(view.root.locator(".gradeclip-seen li").first).to_be_visible()
        view.root.get_by_text("Noise", exact=True).click()
        expect(view.root.locator(".gradeclip-fall")).to_contain_text("Score without it")
    elif mode == "settings":
        view.open_settings()
    else:
        view.word(view.caption.get_by_role("button").last.inner_text()).click()
    assert view.accessibility_violations() == []
    assert view.faint_texts() == []


def test_another_model_and_finer_maps_are_chosen_from_the_menus(notebook: Notebook) -> None:
    notebook.ask(
        "from gradeclip_widget.demo import model as demo\n"
        "second = gw.ClipModel(demo.build(), demo.preprocess(), demo.tokenizer(), name='second')"
    )
    notebook.run("widget = gw.explore(gw.demo.scenes()[0].image, 'a sun', models=[second])\nwidget")
    view = View(notebook.page, notebook.cell())
    view.button("Model embedded model").click()
    view.root.get_by_role("menuitemradio", name="second").click()
    expect(view.button("Model second")).to_be_visible()
    heat = view.heat()
    view.open_settings()
    sizes = view.root.get_by_label("Resolution")
    sizes.select_option(index=sizes.locator("option").count() - 1)
    view.heat_other_than(heat)
    notebook.expect(
        "widget.wait(); widget.model, widget.explanation.model, widget.explanation.patch_grid",
        "('second', 'second', (28, 28))",
    )


def test_work_can_be_cancelled_and_the_last_result_stays(notebook: Notebook) -> None:
    view = explore(notebook)
    heat = view.heat()
    notebook.ask("widget.prompts = [f'{scene.caption} {n}' for n in range(400)]")
    view.button("Cancel").click()
    expect(view.button("Cancel")).to_be_hidden()
    expect(view.caption).to_have_text(SCENE.caption)
    assert view.heat() == heat
    notebook.expect(
        "widget.status, len(widget.explanations), len(widget.prompts)", "('ready', 1, 1)"
    )
