"""Files are written whole or not at all, by whatever writes them."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gradeclip_widget as gw
from gradeclip_widget.cli import main
from gradeclip_widget.export.files import make_folder, replacing
from gradeclip_widget.export.formats import suffixes

from ..factories import make_explanation
from .killing import SUFFIXES

ROOT = Path(__file__).parents[2]
NOBODY = 65534
OLD = b"what was there before"

WRITERS: dict[str, Callable[[Any, Path], object]] = {
    "save .gif": lambda e, path: e.save(path.with_suffix(".gif")),
    "save .html": lambda e, path: e.save(path.with_suffix(".html")),
    "save .jpeg": lambda e, path: e.save(path.with_suffix(".jpeg")),
    "save .jpg": lambda e, path: e.save(path.with_suffix(".jpg")),
    "save .json": lambda e, path: e.save(path.with_suffix(".json")),
    "save .npz": lambda e, path: e.save(path.with_suffix(".npz")),
    "save .png": lambda e, path: e.save(path.with_suffix(".png")),
    "save .svg": lambda e, path: e.save(path.with_suffix(".svg")),
    "save .webp": lambda e, path: e.save(path.with_suffix(".webp")),
    "to_html": lambda e, path: e.to_html(path),
    "to_html fragment": lambda e, path: e.to_html(path, fragment=True),
    "to_png": lambda e, path: e.to_png(path),
    "to_gif": lambda e, path: e.to_gif(path),
    "to_svg": lambda e, path: e.to_svg(path),
    "save_html": lambda e, path: gw.show(e).save_html(path),
}


def test_every_format_is_among_the_writers_tried_here() -> None:
    assert {f"save {suffix}" for suffix in suffixes()} <= set(WRITERS)


@pytest.fixture(params=WRITERS)
def write(request: pytest.FixtureRequest) -> Callable[[Any, Path], object]:
    return WRITERS[request.param]


@pytest.fixture
def target(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file that is there already, of the suffix that the test's writer gives to it."""
    name: str = getattr(request.node, "callspec").params.get("write", "to_html")  # noqa: B009
    path = tmp_path / f"e{name.removeprefix('save ') if name.startswith('save ') else '.html'}"
    path.write_bytes(OLD)
    return path


def left_as_it_was(path: Path) -> bool:
    return path.read_bytes() == OLD and [p.name for p in path.parent.iterdir()] == [path.name]


def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk be full after half of what is written next to the target."""

    def write_bytes(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    monkeypatch.setattr(
        Path, "write_text", lambda self, text, encoding=None: write_bytes(self, text.encode())
    )


def test_a_full_disk_says_so_and_leaves_the_old_file(
    write: Callable[[Any, Path], object], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    e = make_explanation()
    with monkeypatch.context() as context:
        full(context)
        with pytest.raises(OSError, match=r"cannot write '.*/e\.\w+': the disk is full; free") as r:
            write(e, target)
    assert r.value.errno == errno.ENOSPC
    assert left_as_it_was(target)


def test_a_disk_that_is_full_when_it_flushes_says_so_too(
    write: Callable[[Any, Path], object], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Network drives and quotas may say so only then."""

    def fsync(descriptor: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="there is no room for it; free some space"):
        write(make_explanation(), target)
    assert left_as_it_was(target)


def test_an_interrupt_leaves_the_old_file(
    write: Callable[[Any, Path], object], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(KeyboardInterrupt):
        write(make_explanation(), target)
    assert left_as_it_was(target)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full here")
def test_a_device_that_is_full_says_so_and_stays_a_device() -> None:
    with pytest.raises(OSError, match="cannot write '/dev/full': the disk is full"):
        make_explanation().to_html("/dev/full")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)  # noqa: PTH116


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder of a user who is not the superuser, as whom the rest of the test runs."""
    superuser = hasattr(os, "geteuid") and os.geteuid() == 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if superuser:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if superuser:
                os.seteuid(0)
            folder.chmod(0o700)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_may_not_be_written_to_says_so(own_folder: Path, there: bool) -> None:
    e, path = make_explanation(), own_folder / "e.npz"
    if there:
        path.write_bytes(OLD)
    own_folder.chmod(0o500)
    pattern = "cannot write '.*': you may not write to '.*'; choose another folder"
    with pytest.raises(PermissionError, match=pattern):
        e.save(path)
    assert [p.read_bytes() for p in own_folder.iterdir()] == [OLD] * there


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_file_that_is_read_only_is_not_replaced(own_folder: Path) -> None:
    e, path = make_explanation(), own_folder / "e.npz"
    path.write_bytes(OLD)
    path.chmod(0o444)
    with pytest.raises(PermissionError, match="the file there is read-only; allow writing"):
        e.save(path)
    assert left_as_it_was(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_permissions_of_an_existing_file_are_kept_and_new_files_get_the_usual_ones(
    tmp_path: Path,
) -> None:
    old, new, usual = tmp_path / "old.npz", tmp_path / "new.npz", tmp_path / "usual"
    old.write_bytes(OLD)
    old.chmod(0o640)
    usual.touch()
    make_explanation().save(old)
    make_explanation().save(new)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert new.stat().st_mode == usual.stat().st_mode


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only the superuser gives files away"
)
def test_a_file_stays_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "e.npz"
    path.write_bytes(OLD)
    os.chown(path, NOBODY, NOBODY)
    make_explanation().save(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (NOBODY, NOBODY)


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "e.npz").write_bytes(OLD)
    link = tmp_path / "link.npz"
    link.symlink_to(Path("kept") / "e.npz")
    make_explanation().save(link)
    assert link.is_symlink()
    assert gw.Explanation.load(kept / "e.npz").score == gw.Explanation.load(link).score
    assert [p.name for p in kept.iterdir()] == ["e.npz"]


def test_a_link_to_a_file_that_is_not_there_yet_is_followed(tmp_path: Path) -> None:
    link = tmp_path / "link.npz"
    link.symlink_to(tmp_path / "e.npz")
    make_explanation().save(link)
    assert link.is_symlink()
    assert (tmp_path / "e.npz").is_file()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nowhere/e.npz", "there is no folder '.*nowhere'; make it first"),
        ("file/e.npz", "'.*file' is not a folder; give a path in one"),
        ("folder.npz", "it is a folder; add the name of a file"),
        ("circle.npz", "its links lead in a circle"),
    ],
)
def test_a_path_that_cannot_be_one_says_why(path: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "circle.npz").symlink_to(tmp_path / "circle.npz")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OSError, match=f"^cannot write '.*': {said}"):
        make_explanation().save(tmp_path / path)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_longest_name_that_a_folder_takes_can_be_written(tmp_path: Path) -> None:
    longest = "e" * 251 + ".npz"
    assert make_explanation().save(tmp_path / longest).stat().st_size > 0
    with pytest.raises(OSError, match="its name is too long; give a shorter one"):
        make_explanation().save(tmp_path / f"e{longest}")


def test_an_error_that_is_not_about_the_file_passes_as_it_is(tmp_path: Path) -> None:
    missing = tmp_path / "elsewhere" / "widget.css"
    with (
        pytest.raises(FileNotFoundError, match=r"No such file.*widget\.css"),
        replacing(tmp_path / "e.html"),
    ):
        missing.read_text()
    assert not list(tmp_path.iterdir())


def test_a_folder_in_place_of_which_a_file_lies_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot make the folder '.*file': file exists; choose"):
        make_folder(tmp_path / "file")


@pytest.mark.parametrize("command", [["demo"], ["explain", "PHOTO", "a dog"]])
def test_commands_report_a_full_disk_and_leave_the_old_file(
    command: list[str],
    tmp_path: Path,
    clip: gw.ClipModel,
    scene: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("gradeclip_widget.clip.load", lambda *args, **options: clip)
    photo, out = tmp_path / "photo.png", tmp_path / "out" / "e.html"
    scene.image.save(photo)
    out.parent.mkdir()
    out.write_bytes(OLD)
    with monkeypatch.context() as context:
        full(context)
        arguments = [a.replace("PHOTO", str(photo)) for a in command]
        assert main([*arguments, "-o", str(out)]) == 2
    assert re.fullmatch(
        r"gradeclip: cannot write '.*': the disk is full; .*\n", capsys.readouterr().err
    )
    assert left_as_it_was(out)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_killed_while_it_writes_leaves_a_whole_file(tmp_path: Path) -> None:
    """By hand, for more tries: ``python -m tests.export.killing FOLDER 25``."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.export.killing", str(tmp_path), "8"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = re.findall(r"^(\S+): (\d+) of 8 whole, (\d+) of them new$", run.stdout, re.MULTILINE)
    assert [(suffix, int(intact)) for suffix, intact, _ in found] == [(s, 8) for s in SUFFIXES]
    assert sum(int(new) for *_, new in found) > 0
