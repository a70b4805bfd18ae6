"""Paths as people write them: found if they can only mean one file, and explained if not."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

import gradeclip_widget as gw
from gradeclip_widget.clip.loading.names import resolve
from gradeclip_widget.core.paths import existing_path, path_of, why_missing
from gradeclip_widget.dataset.sources import open_source
from gradeclip_widget.evaluation.sources.folder import folder_examples

from ..factories import picture


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``photos/dog.jpg``, which is the home folder and the current one."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "dog.jpg").write_bytes(b"")
    (tmp_path / "photos" / "my cat.jpg").write_bytes(b"")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PHOTOS", str(tmp_path / "photos"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "text",
    ["photos/dog.jpg", "~/photos/dog.jpg", "file://{home}/photos/dog.jpg", "file://localhost{home}/photos/dog.jpg",
     "file:{home}/photos/dog.jpg", "{home}/photos/../photos/dog.jpg"],
)  # fmt: skip
def test_a_path_or_a_file_address_is_taken(home: Path, text: str) -> None:
    assert existing_path(text.format(home=home), "picture").samefile(home / "photos" / "dog.jpg")


def test_a_file_address_is_decoded(home: Path) -> None:
    assert path_of((home / "photos" / "my cat.jpg").as_uri()) == home / "photos" / "my cat.jpg"


@pytest.mark.parametrize(("stored", "given"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_name_in_another_unicode_form_is_taken(tmp_path: Path, stored: str, given: str) -> None:
    def form(kind: str) -> Path:
        return (
            tmp_path / unicodedata.normalize(kind, "fête") / unicodedata.normalize(kind, "café.jpg")
        )  # type: ignore[arg-type]

    form(stored).parent.mkdir()
    form(stored).write_bytes(b"")
    assert form(stored) != form(given)
    assert path_of(form(given)).samefile(form(stored))
    form(given).with_name("other.jpg")
    assert "did you mean" not in why_missing(tmp_path / "cafe.jpg")


def test_a_name_that_fits_two_files_is_not_taken(tmp_path: Path) -> None:
    for form in ("NFC", "NFD"):
        (tmp_path / unicodedata.normalize(form, "é-ö.jpg")).write_bytes(b"")  # type: ignore[arg-type]
    mixed = (
        tmp_path / f"{unicodedata.normalize('NFC', 'é')}-{unicodedata.normalize('NFD', 'ö')}.jpg"
    )
    assert path_of(mixed) == mixed
    assert not mixed.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (r"C:\photos\dig.jpg", "a path of Windows, and this is (Linux|macOS)$"),
        (r"C:\elsewhere\photos", "a path of Windows.*did you mean 'photos'"),
        (r"\\server\share\dog.jpg", "a path of Windows"),
        (r"photos\dog.jpg", r"\\ does not separate.*did you mean 'photos/dog\.jpg'"),
        ("photos\\new\toy.jpg", r"contains the character \\t"),
        (" photos/dog.jpg\n", r"spaces around it; did you mean 'photos/dog\.jpg'"),
        ("'photos/dog.jpg'", r"quotes.*did you mean 'photos/dog\.jpg'"),
        ("“photos/dog.jpg”", r"quotes.*did you mean 'photos/dog\.jpg'"),
        ("$PHOTOS/dog.jpg", r"variable \$PHOTOS is not replaced.*did you mean '.*/photos/dog\.jpg'"),
        ("${NOWHERE}/dog.jpg", r"no variable \${NOWHERE}"),
        ("photos/my%20cat.jpg", r"did you mean 'photos/my cat\.jpg'"),
        ("Photos/Dog.JPG", r"did you mean 'photos/dog\.jpg'"),
        ("photos/dig.jpg", r"did you mean 'dog\.jpg'"),
        ("elsewhere/dog.jpg", r"no folder '.*elsewhere'"),
        ("/mnt/no-such-disk/photos/dog.jpg", r"no folder '/mnt/no-such-disk'; is the disk mounted"),
        ("~nobody-here/dog.jpg", "no folder '.*~nobody-here'"),
        ("x" * 5000, "no picture"),
    ],
)  # fmt: skip
def test_a_missing_path_is_explained(home: Path, text: str, reason: str) -> None:
    with pytest.raises(FileNotFoundError, match=reason):
        existing_path(text, "picture")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("s3://bucket/dog.jpg", r"address of 's3'.*aws s3 cp"),
        ("gs://bucket/dog.jpg", r"address of 'gs'.*gcloud"),
        ("hf://owner/name/dog.jpg", r"address of 'hf'.*hf download"),
        ("ftp://host/dog.jpg", "address of 'ftp'.*download it"),
        ("data:image/png;base64,AAAA", r"address of 'data'.*b64decode"),
        ("file://server/share/dog.jpg", "address of 'file'"),
        (Path("https://host/dog.jpg"), "removed a slash"),
        (" https://host/dog.jpg", "spaces around"),
        ("dog\0.jpg", "NUL"),
    ],
)
def test_an_address_that_is_no_path_is_named(text: str | Path, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        path_of(text)


def test_a_forbidden_folder_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", forbidden)
    assert "no permission" in why_missing("photos/dog.jpg")


def test_every_reader_explains_a_missing_path(home: Path) -> None:
    picture().save(home / "photos" / "dog.jpg")
    (home / "runs.csv").write_text("image,caption\n")
    meant = r"did you mean 'photos/dog\.jpg'"
    with pytest.raises(FileNotFoundError, match=meant):
        gw.Explainer(gw.load("demo")).encode(r"photos\dog.jpg")
    with pytest.raises(FileNotFoundError, match=meant):
        gw.Explanation.load(r"photos\dog.jpg")
    with pytest.raises(FileNotFoundError, match=meant):
        folder_examples("photos", r"photos\dog.jpg")
    folder = r"did you mean 'photos'"
    for call in (
        lambda: open_source("Photos"),
        lambda: open_source("runs.csv", images="Photos"),
        lambda: folder_examples("Photos", "runs.csv"),
        lambda: gw.open_run("Photos"),
    ):
        with pytest.raises(FileNotFoundError, match=folder):
            call()
    for name, pretrained in (("ViT-B-32", r"photos\dog.jpg"), (r".\photos\dog.jpg", None)):
        with pytest.raises(ValueError, match="does not separate"):
            resolve(name, pretrained)
