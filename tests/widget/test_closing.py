"""Closing: nothing that was opened stays in memory, whatever the program keeps."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import psutil
import pytest
import traitlets
from ipywidgets.widgets.widget import _instances

import gradeclip_widget as gw

from ..factories import make_explanation, picture
from ..fakes import FakeBackend, live_widget
from .gallery_run import write_pairs

PATIENCE = 30  # seconds until a test fails
PAIRS = 30


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    return write_pairs(folder / "one", PAIRS), write_pairs(folder / "two", PAIRS, seed=1)


@pytest.fixture
def pictures(tmp_path: Path, clip: gw.ClipModel) -> Path:
    """A run whose pairs can be opened."""
    picture().save(tmp_path / "picture.png")
    pairs = [(str(tmp_path / "picture.png"), "a red car")]
    return gw.explain_dataset(
        pairs, tmp_path / "run", model=clip, progress=False, workers=0, thumbnails=False
    ).path


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Check that ipywidgets knows no more widgets after a test than before."""
    gw.show(make_explanation()).close()  # makes what all widgets share
    before = set(_instances)
    yield
    assert [widget for name, widget in _instances.items() if name not in before] == []


def opened_gallery(run: Path, clip: gw.ClipModel) -> Any:
    gallery = gw.browse(run, model=clip)
    gallery.selected = str(gallery.rows["id"][0])
    gallery.wait(PATIENCE)
    assert gallery.detail is not None
    return gallery


def compared_gallery(runs: tuple[Path, Path]) -> Any:
    gallery = gw.browse(*runs, sort="disagreement")
    gallery.wait(PATIENCE)
    assert len(gallery.rows) == PAIRS
    return gallery


OPENED: dict[str, Callable[[Any], Any]] = {
    "a gallery": lambda fixture: gw.browse(fixture("runs")[0], sort="score"),
    "a gallery of two runs": lambda fixture: compared_gallery(fixture("runs")),
    "a gallery with an open pair": lambda fixture: opened_gallery(
        fixture("pictures"), fixture("clip")
    ),
    "explanations": lambda fixture: gw.show(make_explanation()),
    "explanations with a layout": lambda fixture: gw.show(
        make_explanation(), layout={"width": "9em"}
    ),
    "a widget with a model": lambda fixture: live_widget(FakeBackend(fixture("clip"))),
    "a widget that compares methods": lambda fixture: live_widget(
        FakeBackend(fixture("clip")), compare=["rollout"]
    ),
}


@pytest.mark.parametrize("kind", OPENED)
def test_what_is_closed_is_freed(kind: str, request: pytest.FixtureRequest) -> None:
    widget = OPENED[kind](request.getfixturevalue)
    widget._repr_mimebundle_()
    parts = [widget, widget.layout, *getattr(widget, "children", ())]
    gone = [weakref.ref(part) for part in parts]
    del parts
    widget.close()
    widget.close()
    del widget
    gc.collect()
    assert [ref() for ref in gone if ref() is not None] == []


def test_closed_widgets_leave_no_objects_files_and_threads() -> None:
    """A notebook's cells are run again and again."""
    count = 6

    def make() -> dict[str, int]:
        for _ in range(count):
            widget = gw.show(make_explanation())
            widget._repr_mimebundle_()
            widget.close()
        del widget
        gc.collect()
        process = psutil.Process()
        files = len(process.open_files())
        return {"files": files, "threads": process.num_threads(), "objects": len(gc.get_objects())}

    before, after = make(), make()
    after["objects"] -= count - 1  # fewer than one for each widget
    assert all(after[what] <= before[what] for what in before), (before, after)


def test_a_closed_gallery_that_is_kept_holds_no_files_and_tables(
    runs: tuple[Path, Path],
) -> None:
    gallery = compared_gallery(runs)
    assert gallery._answers is not None
    gallery._repr_mimebundle_()
    held = [gallery._run.table, gallery._answers.reader, gallery._comparison]
    gone = [weakref.ref(one) for one in held]
    del held
    gallery.close()
    gc.collect()
    assert [ref() for ref in gone] == [None, None, None]
    assert not [f for f in psutil.Process().open_files() if f.path.endswith(".parquet")]
    assert "30 of 30 pairs" in repr(gallery)
    assert gallery._repr_html_() is None
    gallery.text = "dog"
    assert len(gallery.rows) == PAIRS, "in the last order"


def test_a_layout_of_a_program_stays_open() -> None:
    layout = ipywidgets.Layout(width="9em")
    first, second = (gw.show(make_explanation(), layout=layout) for _ in range(2))
    first.close()
    assert second.layout.comm is not None
    second.close()
    layout.close()


def test_an_error_leaves_nothing_open(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = write_pairs(tmp_path / "run", 3)
    (damaged / "pairs" / "part-000000.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError):  # noqa: PT011 - of the run; which one is tested elsewhere
        gw.browse(damaged)
    with pytest.raises(traitlets.TraitError):
        gw.browse(runs[0], sort="energy")
    with pytest.raises(traitlets.TraitError):
        gw.show(make_explanation(), opacity=7)
    with pytest.raises(traitlets.TraitError):
        gw.show(make_explanation(), layout=7)
    gc.collect()
    assert "Exception ignored" not in capsys.readouterr().err


def test_closing_while_it_computes_ends_the_work_in_silence(
    clip: gw.ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    backend = FakeBackend(clip)
    widget, gate = live_widget(backend), backend.gate
    gate.shut()
    widget.prompt = "a cat"
    assert gate.reached.wait(PATIENCE)
    assert widget._computation is not None
    worker, gone = widget._computation._worker, [weakref.ref(widget), weakref.ref(backend)]
    widget.close()
    del widget, backend
    gate.open()
    with worker.changed:
        assert worker.changed.wait_for(lambda: not worker.alive, PATIENCE)
    gc.collect()
    assert [ref() for ref in gone] == [None, None]
    assert errors == []
