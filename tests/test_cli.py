"""The command line."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width as width

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.cli import main, word_table
from gradeclip_widget.demo import Scene
from gradeclip_widget.explain.explanation import Explanation

from .dataset.conftest import write_folder
from .factories import CAPTION, make_explanation

ROOT = Path(__file__).parents[1]
HOSTILE = "</script><img src=x onerror=alert(1)> dog"


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch, clip: gw.ClipModel) -> None:
    """The embedded model is loaded once for all commands."""
    from gradeclip_widget import clip as package

    load = package.load
    monkeypatch.setattr(
        package, "load", lambda n, p=None, **k: clip if n == "demo" else load(n, p, **k)
    )


@pytest.fixture
def photo(tmp_path: Path, scene: Scene) -> str:
    folder = tmp_path / "in"
    folder.mkdir()
    scene.image.save(folder / "photo.png")
    return str(folder / "photo.png")


def test_explain_prints_the_words_and_where_their_maps_peak(
    photo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", photo, "a dog and a red circle"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^word +score +negative.* +word +negative.* +strongest at", out, re.MULTILINE)
    assert re.search(r"^ +0\.\d+  an empty caption$", out, re.MULTILINE)
    assert re.search(r"^dog +\+0\.\d+  █+ .*\d+, \d+$", out, re.MULTILINE)
    assert re.search(
        r"^score 0\.\d+ \(cosine\), higher than all \d+ unrelated sentences$", out, re.MULTILINE
    )
    assert re.search(r"^logit .*14 x 14 patches; Grad-ECLIP, demo$", out, re.MULTILINE)


def test_explain_shows_that_a_caption_is_wrong(
    photo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", photo, "a bicycle and a cat"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^bicycle +-0\.\d+  ░+ .*lowers the score$", out, re.MULTILINE)
    assert "no better than an unrelated sentence" in out
    assert "█" not in out


def test_explain_writes_a_page(photo: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.html"
    assert main(["explain", photo, "a dog", "-o", str(path)]) == 0
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_explain_writes_a_picture(photo: str, tmp_path: Path) -> None:
    assert main(["explain", photo, "a dog", "-o", str(tmp_path / "out.png")]) == 0
    with Image.open(tmp_path / "out.png") as image, Image.open(photo) as original:
        assert image.size == original.size
        assert image.tobytes() != original.tobytes()


def test_explain_writes_numbers(photo: str, tmp_path: Path) -> None:
    assert main(["explain", photo, "a dog", "-o", str(tmp_path / "out.json")]) == 0
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [w["text"] for w in written["words"]] == ["a", "dog"]
    assert set(written["raw_maps"]) == {"caption", "in caption", "alone", "left out"}
    assert np.shape(written["raw_maps"]["in caption"]) == (2, 14, 14)
    assert set(written["word_evidence"]) == {"in caption", "alone", "left out"}
    values = written["importance"][0]["values"]
    assert np.sum(written["word_evidence"]["left out"], (1, 2)) == pytest.approx(values, abs=1e-6)
    assert np.shape(written["evidence_map"]) == (14, 14)
    assert all(0 <= w < 2 for h in written["highlights"] for w in h["words"])


def test_explain_writes_an_archive(photo: str, tmp_path: Path) -> None:
    assert main(["explain", photo, "a dog", "-o", str(tmp_path / "out.npz")]) == 0
    assert gw.Explanation.load(tmp_path / "out.npz").caption == "a dog"


def test_options_reach_the_explainer(
    photo: str, clip: gw.ClipModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[tuple[object, ...], dict[str, object]]] = []

    def explainer(*args: object, **options: object) -> object:
        calls.append((args, options))
        return Fake()

    class Fake:
        def encode(self, image: object, progress: bool) -> None: ...

        def __call__(self, encoded: None, caption: str, progress: bool) -> Explanation:
            return make_explanation()

        def with_unrelated_scores(
            self, e: Explanation, encoded: None, progress: bool
        ) -> Explanation:
            return e

    monkeypatch.setattr("gradeclip_widget.explain.explainer.Explainer", explainer)
    options = "--resolution 448 --image-layers 2 --reference --method grad-cam".split()
    assert main(["explain", photo, "a dog", *options]) == 0
    expected = {"resolution": 448, "image_layers": 2, "reference": True}
    assert calls == [((clip, "grad-cam"), expected)]


def test_a_hostile_caption_and_file_name_do_no_harm(
    photo: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = tmp_path / "<img src=x onerror=alert(1)>.png"
    Path(photo).rename(name)
    assert main(["explain", str(name), HOSTILE, "-o", str(tmp_path / "out.html")]) == 0
    assert "<img src=x" not in (tmp_path / "out.html").read_text(encoding="utf-8")
    assert main(["explain", str(name) + "x", HOSTILE]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.png", "a dog"], "no picture at 'nowhere.png'"),
        (["PHOTO", "  "], "'  '.*no words"),
        (["PHOTO", "?!"], "no words"),
        (["EMPTY", "a dog"], "empty.png.* empty"),
        (["TEXT", "a dog"], "text.png.* not a picture"),
        (["PHOTO", "a dog", "--method", "grad-eclib"], "'grad-eclib'.*'grad-eclip'"),
        (["PHOTO", "a dog", "--model", "ViT-B-15"], "'ViT-B-15'.*'ViT-B-16'"),
        (["PHOTO", "a dog", "--model", "ViT-B-16"], "needs weights"),
        (["PHOTO", "a dog", "--resolution", "3"], "resolution=3"),
        (["PHOTO", "a dog", "--image-layers", "99"], "image_layers=99"),
    ],
)
def test_bad_input_is_status_2_and_one_sentence_and_writes_nothing(
    arguments: list[str],
    message: str,
    photo: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    empty, text = tmp_path / "in" / "empty.png", tmp_path / "in" / "text.png"
    empty.touch()
    text.write_text("hello")
    files = {"PHOTO": photo, "EMPTY": str(empty), "TEXT": str(text)}
    out = tmp_path / "out" / "out.html"
    assert main(["explain", *(files.get(a, a) for a in arguments), "-o", str(out)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(f"gradeclip: .*{message}.*\n", captured.err)
    assert not out.parent.exists()


def test_an_unknown_suffix_raises_an_error_before_the_model_is_loaded(
    photo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gradeclip_widget.clip.load", lambda *a, **k: pytest.fail("loaded a model"))
    assert main(["explain", photo, "a dog", "-o", str(tmp_path / "out.tiff")]) == 2
    err = capsys.readouterr().err
    assert "'out.tiff'" in err
    assert ".html" in err


@pytest.mark.parametrize("arguments", [[], ["explain"], ["explain", "a.png"], ["fly"]])
def test_an_incomplete_command_is_status_2_and_shows_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: gradeclip" in capsys.readouterr().err


def test_models_are_listed_with_their_weights(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"demo +\(embedded\)", lines[0])
    assert any(re.match(r"ViT-B-16 +openai, ", line) for line in lines)


def test_models_are_filtered_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "siglip"]) == 0
    assert all("siglip" in line.lower() for line in capsys.readouterr().out.splitlines())


def test_a_filter_without_a_model_raises_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "qqq"]) == 2
    assert "'qqq'" in capsys.readouterr().err


def test_demo_writes_a_page_and_prints_the_next_steps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "build" / "demo.html"
    assert main(["demo", "-o", str(path)]) == 0
    out = capsys.readouterr().out
    assert f"Wrote {path}" in out
    assert "make lab" in out
    assert path.stat().st_size > 50_000


LOSSES = np.array([-0.05, 0.01, 0.1, 0.2])


def with_evidence(*parts: float, caption: str = CAPTION, **changes: Any) -> Explanation:
    """Return an explanation with this evidence of each word."""
    maps = np.zeros((len(parts), 3, 5))
    maps[:, 1, 2] = parts
    return make_explanation(caption, score=sum(parts), left_out=maps, **changes)


def test_the_table_ends_with_the_notes() -> None:
    table = word_table(make_explanation(notes=("This model reads 24 tokens.",)))
    assert table.splitlines()[-1] == "This model reads 24 tokens."


def test_the_warning_of_a_foreign_picture_comes_before_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    assert main(["explain", str(tmp_path / "noise.png"), "a velociraptor"]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("This model knows drawings only, and this picture is unlike them")
    assert 'model="ViT-B-16/openai"' in first
    assert not any(line.startswith("This model knows") for line in others)
    assert any(line.startswith("Not in this model's vocabulary") for line in others)


def test_the_table_shows_every_measure_the_default_first() -> None:
    e = with_evidence(0.01, 0.05, 0.1, 0.2, word_effects=LOSSES)
    lines = word_table(e).splitlines()
    head = lines[: next(k for k, line in enumerate(lines) if line.startswith("word ")) + 1]
    row = next(line for line in lines if line.startswith("running"))
    words = " ".join(head).split()
    labels = ("what the word adds to the score", "what the score loses")
    for label in (*labels, "without the word", "Grad-ECLIP", "integrated"):
        assert set(label.split()) <= set(words)
    first_column = " ".join(line[len("running") :][:29].strip() for line in head)
    assert first_column.strip() == labels[0]
    figures = [float(v) for v in re.findall(r"-?\d\.\d{3}", row)]
    expected = [e.importance(name)[3] for name in e.importance_measures]
    assert figures == pytest.approx(expected, abs=5e-4)
    assert figures[:3] == [0.2, 0.2, 0.2]


def test_the_table_of_a_reference_explanation_shows_grad_eclip_first() -> None:
    lines = word_table(make_explanation(word_effects=LOSSES, reference=True)).splitlines()
    e = make_explanation()
    row = next(line for line in lines if line.startswith("dog"))
    assert float(row.split()[1]) == pytest.approx(e.importance("grad-eclip")[2], abs=5e-4)


def test_words_that_do_not_count_share_the_last_line_of_the_table() -> None:
    table = word_table(with_evidence(0.001, 0.003, 0, 0.2))
    assert "\na, red-ish, dog: together +0.004\nscore" in table
    assert "\ndog: +0.029\nscore" in word_table(with_evidence(0.2, 0.031, 0.029, 0.2))
    assert "together" not in word_table(with_evidence(0.1, 0.1, 0.1, 0.1))


def test_leave_one_out_scores_are_beside_the_evidence_also_if_negative() -> None:
    lines = word_table(with_evidence(0.051, 0.1, 0.1, 0.2, word_effects=LOSSES)).splitlines()
    row = next(line for line in lines if line.startswith("a "))
    assert re.findall(r"[-+]?\d\.\d{3}", row)[:3] == ["+0.051", "0.051", "-0.050"]
    longest = max(line.count("█") for line in lines)
    assert row.count("█") == round(longest * 0.051 / 0.2) > 0


def test_the_table_of_a_caption_without_evidence_has_no_bars() -> None:
    nothing = {"left_out": -np.ones((4, 3, 5))}
    table = word_table(make_explanation(**nothing))
    assert "█" not in table
    assert table.count("nowhere") == 0
    assert "a, red-ish, dog, running: together +0.000" in table
    e = make_explanation(reference=True, token_importance=np.ones(6) / 6, **nothing)
    assert word_table(e).count("nowhere") == 4


def test_the_columns_of_the_table_line_up_in_any_script() -> None:
    e = with_evidence(0.1, 0.1, 0.1, 0.1, caption="一只狗 running")
    lines = [line for line in word_table(e).splitlines() if "█" in line]
    assert len(lines) == 4
    starts = []
    for line in lines:
        place = re.search(r"\d\.\d{3}", line)
        assert place
        starts.append(sum(2 if width(c) in "WF" else 1 for c in line[: place.start()]))
    assert len(set(starts)) == 1


def test_a_terminal_without_some_letters_does_not_fail(
    photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["explain", photo, "a 狗 dog"]) == 0
    terminal.flush()
    assert b"\\u72d7" in terminal.buffer.getvalue()  # type: ignore[attr-defined]


def test_only_warnings_of_this_package_are_printed_as_sentences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def names() -> dict[str, tuple[str, ...]]:
        for file in (gw.__file__, np.__file__):
            warnings.warn_explicit(f"see {Path(file).parent.name}", UserWarning, file, 7)
        return {"demo": ()}

    monkeypatch.setattr("gradeclip_widget.clip.model_names", names)
    before = warnings.showwarning
    assert main(["models"]) == 0
    err = capsys.readouterr().err
    assert "gradeclip: see gradeclip_widget\n" in err
    assert f"{gw.__file__}:7" not in err
    assert "gradeclip: see numpy" not in err
    assert warnings.showwarning is before


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError("Unable to allocate 3.00 GiB"), 2, r".*full.*3\.00 GiB.*smaller.*"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 2, ".*Broken pipe"),  # not that of stdout
    ],
)
@pytest.mark.parametrize("command", ["explain a.png dog", "batch in -o out", "evaluate", "demo"])
def test_an_interrupt_and_a_full_memory_are_one_line(
    command: str,
    error: BaseException,
    status: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("gradeclip_widget.clip.load", fail)
    monkeypatch.setattr("gradeclip_widget.dataset.explain_dataset", fail)
    assert main(command.split()) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"gradeclip: {line}\n", err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize(
    ("output", "status", "message"), [("pipe", 141, ""), ("/dev/full", 2, "No space left.*\n")]
)
def test_an_output_that_cannot_be_written_ends_in_at_most_one_line(
    output: str, status: int, message: str, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    """As in ``gradeclip models | head -1``, and on a full disk."""
    if output == "pipe":
        reader, target = os.pipe()
        os.close(reader)
    else:
        target = os.open(output, os.O_WRONLY)
    with open(target, "w") as stream:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["models", "siglip"]) == status
        print("more, as when Python ends", flush=True)
        monkeypatch.undo()
    assert re.fullmatch(f"(gradeclip: .*{message})?", capfd.readouterr().err)


def test_ctrl_c_ends_a_run_in_one_line_that_says_how_to_go_on(tmp_path: Path) -> None:
    """The terminal sends the signal to the program and to all processes that read pictures."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    source = write_folder(tmp_path / "source", 400)
    command = [sys.executable, "-m", "gradeclip_widget.cli", "batch", str(source)]
    options = ["-o", str(tmp_path / "out"), "--batch-size", "4", "--workers", "2"]
    terminal, side = pty.openpty()
    termios.tcsetwinsize(side, (24, 100))  # without a width, no bar is drawn
    process = subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=side,
        start_new_session=True,
    )
    os.close(side)
    shown = b""
    while not re.search(rb" [1-9]\d*/400 ", shown):  # the progress bar
        shown += os.read(terminal, 1000)
    os.killpg(process.pid, signal.SIGINT)
    rest = read_to_end(terminal).decode()
    assert process.communicate()[0] == b""
    assert process.returncode == 130
    *_, bar, line = rest.replace("\r\n", "\n").strip().split("\n")
    assert "Traceback" not in rest
    match = re.fullmatch(
        r"gradeclip: interrupted; (\d+) of 400 pairs are done and kept: start the same run again.*",
        line,
    )
    assert match
    assert f" {match[1]}/400 " in bar
    files = [*(tmp_path / "out" / "pairs").iterdir(), *(tmp_path / "out" / "before").iterdir()]
    kept = [position for f in files for position in pq.read_table(f)["position"].to_pylist()]
    assert len(set(kept)) == int(match[1])


def read_to_end(terminal: int) -> bytes:
    """Return the rest of what is written to a terminal."""
    parts = list[bytes]()
    while True:
        try:
            part = os.read(terminal, 1000)
        except OSError:  # all programs have closed the other side
            return b"".join(parts)
        parts.append(part)


@pytest.mark.parametrize(
    ("option", "text"),
    [("--help", "usage: gradeclip"), ("--version", f"gradeclip {gw.__version__}")],
)
def test_help_and_version_do_not_import_torch(option: str, text: str) -> None:
    code = (
        "import sys; from gradeclip_widget.cli import main\n"
        f"try: main([{option!r}])\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    first, *_, last = done.stdout.splitlines()
    assert (first.startswith(text), last) == (True, "False")
