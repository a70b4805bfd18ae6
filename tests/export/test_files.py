"""Files are written completely or not at all."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import gradeclip_widget as gw
from gradeclip_widget.cli import main
from gradeclip_widget.demo import Scene
from gradeclip_widget.export import files, formats
from gradeclip_widget.export.files import make_folder, replacing
from gradeclip_widget.export.formats import suffixes

from ..factories import make_explanation
from .killing import SUFFIXES

ROOT = Path(__file__).parents[2]
NOBODY = 65534
OLD = b"the old content"

WRITERS: dict[str, Callable[[gw.Explanation, Path], object]] = {
    **{f"save {s}": lambda e, path, s=s: e.save(path.with_suffix(s)) for s in suffixes()},
    "to_html": lambda e, path: e.to_html(path),
    "to_html fragment": lambda e, path: e.to_html(path, fragment=True),
    "to_png": lambda e, path: e.to_png(path),
    "to_gif": lambda e, path: e.to_gif(path),
    "to_svg": lambda e, path: e.to_svg(path),
    "save_html": lambda e, path: gw.show(e).save_html(path),
}


def is_unchanged(path: Path) -> bool:
    """Return whether the old file is alone in its folder and has its old content."""
    return path.read_bytes() == OLD and [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "e.html"
    path.write_bytes(OLD)
    return path


@pytest.mark.parametrize("writer", WRITERS)
def test_every_writer_replaces_its_file(
    writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests below need only one writer, since all of them use `replacing`."""
    replaced = []

    def recorded(path: str | Path) -> AbstractContextManager[Path]:
        replaced.append(Path(path))
        return replacing(path)

    for module in (files, formats):
        monkeypatch.setattr(module, "replacing", recorded)
    WRITERS[writer](make_explanation(), tmp_path / "e.out")
    assert list(tmp_path.iterdir()) == replaced


def fail_after_half(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make every write of bytes fail after half of them."""

    def write_bytes(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise error

    monkeypatch.setattr(Path, "write_bytes", write_bytes)


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()]
)
def test_a_writer_that_fails_leaves_the_old_file(
    error: BaseException, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        fail_after_half(context, error)
        with pytest.raises(type(error)) as caught:
            make_explanation().to_html(target)
    if isinstance(error, OSError):
        assert str(caught.value) == f"cannot write {str(target)!r}: no space left on device"
        assert getattr(caught.value, "errno") == errno.ENOSPC  # noqa: B009
    assert is_unchanged(target)


def test_an_error_while_flushing_leaves_the_old_file(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Network drives and quotas report a full disk only then."""

    def fsync(descriptor: int) -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match=r"e\.html.*quota"):
        make_explanation().to_html(target)
    assert is_unchanged(target)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_device_is_written_directly_and_stays_a_device() -> None:
    with pytest.raises(OSError, match=r"/dev/full.*no space"):
        make_explanation().to_html("/dev/full")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)  # noqa: PTH116


@pytest.fixture
def user_folder() -> Iterator[Path]:
    """A folder of an ordinary user, who runs the rest of the test."""
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
def test_a_folder_without_write_permission_raises(user_folder: Path) -> None:
    path = user_folder / "e.npz"
    path.write_bytes(OLD)
    user_folder.chmod(0o500)
    with pytest.raises(PermissionError, match=r"e\.npz.*permission denied"):
        make_explanation().save(path)
    assert is_unchanged(path)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_read_only_file_is_not_replaced(user_folder: Path) -> None:
    path = user_folder / "e.npz"
    path.write_bytes(OLD)
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=r"e\.npz.*permission denied"):
        make_explanation().save(path)
    assert is_unchanged(path)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_an_existing_file_keeps_its_permissions_and_a_new_one_gets_the_default(
    tmp_path: Path,
) -> None:
    old, new, default = tmp_path / "old.npz", tmp_path / "new.npz", tmp_path / "default"
    old.write_bytes(OLD)
    old.chmod(0o640)
    default.touch()
    make_explanation().save(old)
    make_explanation().save(new)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert new.stat().st_mode == default.stat().st_mode


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_a_link_to_the_new_file(exists: bool, tmp_path: Path) -> None:
    file = tmp_path / "folder" / "e.npz"
    file.parent.mkdir()
    if exists:
        file.write_bytes(OLD)
    link = tmp_path / "link.npz"
    link.symlink_to(Path("folder") / "e.npz")
    make_explanation().save(link)
    assert link.is_symlink()
    assert gw.Explanation.load(file).score == make_explanation().score
    assert [p.name for p in file.parent.iterdir()] == ["e.npz"]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("nowhere/e.npz", "no folder.*nowhere"),
        ("file/e.npz", "no folder.*file"),
        ("folder.npz", "directory"),
        ("e" * 252 + ".npz", "too long"),
    ],
)
def test_a_path_that_cannot_be_written_raises(path: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.npz").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OSError, match=f"{path}.*{word}"):
        make_explanation().save(tmp_path / path)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_longest_file_name_can_be_written(tmp_path: Path) -> None:
    path = make_explanation().save(tmp_path / ("e" * 251 + ".npz"))
    assert gw.Explanation.load(path).caption == make_explanation().caption


def test_an_error_about_another_file_keeps_its_message(tmp_path: Path) -> None:
    missing = tmp_path / "elsewhere" / "widget.css"
    with (
        pytest.raises(FileNotFoundError, match=r"No such file.*widget\.css"),
        replacing(tmp_path / "e.html"),
    ):
        missing.read_text()
    assert not list(tmp_path.iterdir())


def test_a_folder_with_the_name_of_a_file_raises(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"folder.*file.*exists"):
        make_folder(tmp_path / "file")


@pytest.mark.parametrize("command", [["demo"], ["explain", "PHOTO", "a dog"]])
def test_commands_report_a_full_disk_and_leave_the_old_file(
    command: list[str],
    tmp_path: Path,
    clip: gw.ClipModel,
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("gradeclip_widget.clip.load", lambda *args, **options: clip)
    photo, out = tmp_path / "photo.png", tmp_path / "out" / "e.html"
    scene.image.save(photo)
    out.parent.mkdir()
    out.write_bytes(OLD)
    arguments = [a.replace("PHOTO", str(photo)) for a in command]
    with monkeypatch.context() as context:
        fail_after_half(context, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
        context.setattr(
            Path, "write_text", lambda self, text, encoding: self.write_bytes(text.encode(encoding))
        )
        assert main([*arguments, "-o", str(out)]) == 2
    assert re.fullmatch(r"gradeclip: .*e\.html.*no space.*\n", capsys.readouterr().err)
    assert is_unchanged(out)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_killed_while_it_writes_leaves_a_complete_file(tmp_path: Path) -> None:
    """For more tries: ``python -m tests.export.killing FOLDER 25``."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.export.killing", str(tmp_path), "8"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    rows = re.findall(r"^(\S+): (\d+) of 8 complete, (\d+) of them new$", run.stdout, re.MULTILINE)
    assert [(suffix, int(complete)) for suffix, complete, _ in rows] == [(s, 8) for s in SUFFIXES]
    assert sum(int(new) for *_, new in rows) > 0
