"""The front end has the traits' types, first values and metadata."""

from __future__ import annotations

from pathlib import Path

import pytest
import traitlets as t

from gradeclip_widget.widget.front_end import FrontEnd, OwnLayout
from gradeclip_widget.widget.gallery.grid import GalleryGrid
from gradeclip_widget.widget.request import Request
from gradeclip_widget.widget.traits import Traits, declared, names_of
from scripts.write_synced import declared_in_gallery, render, type_of


@pytest.mark.parametrize(
    ("path", "text"), render().items(), ids=lambda value: getattr(value, "name", "")
)
def test_generated_file_is_up_to_date(path: Path, text: str) -> None:
    assert path.read_text("utf-8") == text, "run `python -m scripts.write_synced`"


def test_every_synced_trait_of_the_gallery_is_declared() -> None:
    synced = {
        name
        for name, trait in GalleryGrid.class_traits(sync=True).items()
        if trait.this_class.__module__.startswith("gradeclip")
        and trait.this_class not in (FrontEnd, OwnLayout)
    }
    assert synced == {name for name, _ in declared_in_gallery()}


def test_every_trait_of_the_widget_is_declared_once() -> None:
    """None hides among the traits of the base classes, where the front end would not learn of it."""
    names = [name for name, _ in declared()]
    assert len(names) == len(set(names))
    own = {
        n
        for n, trait in Traits.class_traits().items()
        if trait.this_class.__module__.startswith("gradeclip")
    }
    assert own <= set(names)


def test_every_trait_has_a_help_that_says_what_it_is() -> None:
    assert [name for name, trait in declared() if not trait.help] == []


def test_a_control_is_a_synced_trait() -> None:
    assert set(names_of(control=True)) <= set(names_of(sync=True))


def test_what_a_request_is_made_of_are_its_fields_and_settings() -> None:
    request = Request(0, ("a dog",), "demo")
    values = request.values(names_of(request=True))
    assert request.with_values(values) == request


@pytest.mark.parametrize(
    ("trait", "expected"),
    [
        (t.Int(), "number"),
        (t.Unicode(None, allow_none=True), "string | null"),
        (t.Enum(("a", "b")), '"a" | "b"'),
        (t.List(t.Float()), "number[]"),
        (t.Dict().tag(ts="Region"), "Region"),
    ],
)
def test_types_follow_from_traits(trait: t.TraitType, expected: str) -> None:
    assert type_of("x", trait) == expected


def test_a_trait_whose_type_cannot_be_told_is_refused() -> None:
    with pytest.raises(TypeError, match="'x'"):
        type_of("x", t.Dict())
