"""Hover, pin, click, drag and keys, in an offline page and in a live notebook alike."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from .made import FOX, FOX_COLOR, WHALE, WHALE_COLOR
from .view import View


def test_hovering_a_word_paints_its_map(view: View) -> None:
    together = view.heat()
    view.point_at_word("fox")
    view.heat_other_than(together)
    fox, whale = view.color_near(FOX), view.color_near(WHALE)
    assert np.abs(fox - FOX_COLOR).max() > 60, "heat covers the fox"
    assert np.abs(whale - WHALE_COLOR).max() < 40, "the whale has its color, but dimmed"


def test_leaving_a_word_shows_all_words_again(view: View) -> None:
    together = view.heat()
    view.point_at_word("fox")
    view.heat_other_than(together)
    view.look_away()
    view.wait_for_heat(together)


def test_clicking_a_word_pins_its_map(view: View) -> None:
    caption_map = view.heat()
    view.word("whale").click()
    whale = view.heat_other_than(caption_map)
    view.look_away()
    expect(view.word("whale")).to_have_attribute("aria-pressed", "true")
    view.wait_for_heat(whale)


def test_shift_click_adds_a_word_to_the_phrase(view: View) -> None:
    resting = view.heat()
    view.word("fox").click()
    fox = view.heat_other_than(resting)
    view.word("red").click(modifiers=["Shift"])
    view.look_away()
    expect(view.pinned).to_have_text(["red", "fox"])
    view.heat_other_than(fox)
    expect(view.root.locator(".gradeclip-who")).to_have_text("red fox")


def test_escape_unpins_words_and_clears_the_region(view: View) -> None:
    caption_map = view.heat()
    view.click_at(FOX)
    view.word("whale").click()
    expect(view.pinned).to_have_count(1)
    view.page.keyboard.press("Escape")
    expect(view.pinned).to_have_count(0)
    expect(view.region).to_have_attribute("d", "")
    view.look_away()
    view.wait_for_heat(caption_map)


def test_pointing_at_a_patch_names_its_strongest_words(view: View) -> None:
    view.point_at(WHALE)
    expect(view.tip.locator("bdi").first).to_have_text("whale")
    view.point_at(FOX)
    expect(view.tip.locator("bdi").first).to_have_text("fox")


def test_clicking_a_place_moves_its_word_to_the_top(view: View) -> None:
    view.click_at(WHALE)
    expect(view.leader).to_have_text("whale")
    view.click_at(FOX)
    expect(view.leader).to_have_text("fox")


def test_dragging_selects_a_box(view: View) -> None:
    view.drag((0.6, 0.2), (0.9, 0.8))
    assert view.region_numbers() == pytest.approx([336, 80, 504, 320, 336], abs=2)
    expect(view.leader).to_have_text("whale")


def test_alt_dragging_draws_a_lasso(view: View) -> None:
    view.drag((0.6, 0.2), (0.95, 0.3), (0.95, 0.8), (0.6, 0.8), key="Alt")
    assert len(view.region_numbers()) >= 2 * 8, "the lasso has a corner every few pixels"
    expect(view.leader).to_have_text("whale")


def test_a_pinned_word_and_a_region_show_the_words_share(view: View) -> None:
    view.word("fox").click()
    view.drag((0.02, 0.02), (0.5, 0.98))
    view.look_away()
    expect(view.share).to_contain_text("99 %")


def test_another_reading_paints_another_map(view: View) -> None:
    resting = view.heat()
    view.word("fox").click()
    view.look_away()
    in_caption = view.heat_other_than(resting)
    view.open_settings()
    view.root.get_by_role("radio", name="alone").check(force=True)
    view.heat_other_than(in_caption)


def test_evidence_against_the_match_can_be_painted(view: View) -> None:
    resting = view.heat()
    view.word("fox").click()
    view.look_away()
    evidence_for = view.heat_other_than(resting)
    view.open_settings()
    view.root.get_by_role("radio", name="opposes").check(force=True)
    view.heat_other_than(evidence_for)
    expect(view.root.locator(".gradeclip-who")).to_have_text("against “fox”")
    opacity = view.paint()[..., 3]
    at_fox, at_whale = (
        opacity[round(y * len(opacity)), round(x * opacity.shape[1])] for x, y in (FOX, WHALE)
    )
    assert at_fox == 0
    assert at_whale > 0


def test_opacity_follows_its_slider(view: View) -> None:
    view.open_settings()
    slider = view.root.get_by_role("slider", name="Heat opacity")
    slider.fill("20")
    expect(view.stage.locator("canvas")).to_have_css("opacity", "0.2")


def test_the_panel_is_beside_the_picture_on_a_wide_page(view: View) -> None:
    stage, caption = view.stage.bounding_box(), view.caption.bounding_box()
    assert stage is not None
    assert caption is not None
    assert caption["x"] > stage["x"] + stage["width"]
