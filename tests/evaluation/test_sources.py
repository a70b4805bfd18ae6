"""Examples from folders with tables of captions, and from COCO's annotation files."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from gradeclip_widget.core.errors import UnreadableFileError
from gradeclip_widget.evaluation import AbsentWords, Example, FailedExample
from gradeclip_widget.evaluation.sources import (
    coco_examples,
    dataset_examples,
    folder_examples,
)
from gradeclip_widget.evaluation.sources.segmentations import mask_of

from .handmade import by_hand

SIZE = (40, 30)  # width, height


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("dog.png", "car.png"):
        Image.new("RGB", SIZE, "gray").save(folder / name)
    return folder


def table(folder: Path, rows: list[dict[str, str]], suffix: str = ".csv") -> Path:
    path = folder / f"captions{suffix}"
    frame = pd.DataFrame(rows)
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".tsv":
        frame.to_csv(path, index=False, sep="\t")
    elif suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True)
    return path


ROWS = [
    {"image": "dog.png", "caption": "a dog, sleeping"},
    {"image": "car.png", "caption": "a red car"},
    {"image": "dog.png", "caption": "an animal"},
]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_row_of_a_table_is_an_example(images: Path, suffix: str) -> None:
    source = folder_examples(images, table(images, ROWS, suffix))
    assert len(source) == 3
    for _ in range(2):  # examples can be iterated again
        assert [(e.id, e.caption) for e in source] == [
            ("dog.png", "a dog, sleeping"),
            ("car.png", "a red car"),
            ("dog.png (2)", "an animal"),
        ]


def test_columns_may_have_other_common_names(images: Path) -> None:
    rows = [{"Filename": r["image"], "Text": r["caption"], "more": "x"} for r in ROWS]
    examples = list(folder_examples(images, table(images, rows)))
    assert [(e.image.name, e.caption) for e in examples] == [
        (r["image"], r["caption"]) for r in ROWS
    ]


def test_masks_belong_to_phrases_in_the_caption(images: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    (masks / "car").mkdir(parents=True)
    inside = np.zeros(SIZE[::-1], np.uint8)
    inside[5:10, 20:30] = 255
    for name in ("red_car", "dog"):
        Image.fromarray(inside).save(masks / "car" / f"{name}.png")
    (only,) = folder_examples(images, table(images, ROWS), masks)
    assert only.id == "car.png"
    assert list(only.masks) == ["red car"]
    np.testing.assert_array_equal(only.masks["red car"], inside > 0)


def test_a_damaged_mask_fails_only_its_example(images: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    for name, word in (("car", "red_car"), ("dog", "dog")):
        (masks / name).mkdir(parents=True)
        Image.new("L", SIZE, 255).save(masks / name / f"{word}.png")
    (masks / "dog" / "dog.png").write_bytes(b"no picture")
    failed, whole = folder_examples(images, table(images, ROWS[:2]), masks)
    assert isinstance(failed, FailedExample)
    assert failed.id == "dog.png"
    assert str(masks / "dog" / "dog.png") in failed.reason
    assert isinstance(whole, Example)
    assert whole.id == "car.png"


def test_the_error_of_masks_without_a_phrase_says_where_to_put_them(
    images: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"no mask in .*dog.dog\.png"):
        folder_examples(images, table(images, ROWS), tmp_path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"image": "cat.png", "caption": "a cat"}], r"row 1 .*'cat\.png'"),
        ([{"image": "dog.png", "caption": " ,"}], r"row 1 .*dog\.png.* no caption"),
        ([{"image": "dog.png", "caption": ""}], r"row 1 .*no caption"),
        ([{"image": "", "caption": "a dog"}], r"row 1 .*no picture"),
        ([{"photo": "dog.png", "caption": "a dog"}], "column of pictures"),
        ([{"image": "dog.png", "words": "a dog"}], "column of captions"),
    ],
)
def test_the_error_of_a_bad_table_names_the_row_or_column(
    images: Path, rows: list[dict[str, str]], message: str
) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        folder_examples(images, table(images, rows))


def test_tables_that_cannot_be_read_raise_errors(images: Path) -> None:
    empty = images / "captions.csv"
    empty.write_text("image,caption\n")
    with pytest.raises(ValueError, match="has no rows"):
        folder_examples(images, empty)
    empty.write_text("")
    with pytest.raises(ValueError, match=r"captions\.csv.*empty"):
        folder_examples(images, empty)
    with pytest.raises(ValueError, match=r"\.csv, \.tsv"):
        folder_examples(images, images / "dog.png")
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        folder_examples(images, images / "none.csv")
    with pytest.raises(FileNotFoundError, match="is not a folder"):
        folder_examples(images / "none", empty)


def test_a_table_with_the_pictures_themselves_is_read_as_a_dataset(images: Path) -> None:
    path = images / "captions.parquet"
    data = (images / "dog.png").read_bytes()
    pd.DataFrame({"image": [data], "caption": ["a dog"]}).to_parquet(path)
    with pytest.raises(ValueError, match=r"row 1 .*--source "):
        folder_examples(images, path)
    (only,) = dataset_examples(path)
    assert (only.image, only.caption, only.id) == (data, "a dog", "0")


def test_pairs_without_words_or_picture_are_left_out(images: Path) -> None:
    rows = [
        ROWS[0],
        {"image": "cat.png", "caption": "a cat"},
        {"image": "car.png", "caption": "?!"},
    ]
    rows += ROWS[1:]
    path = table(images, rows)
    with pytest.warns(UserWarning, match="2 of 5 .*'1'"):
        source = dataset_examples(images)
    assert len(source) == 3
    for _ in range(2):
        assert [(Path(e.image).name, e.caption, e.id) for e in source] == [
            ("dog.png", "a dog, sleeping", "0"),
            ("car.png", "a red car", "3"),
            ("dog.png", "an animal", "4"),
        ]
    with pytest.warns(UserWarning, match="2 of 4"):
        assert [e.id for e in dataset_examples(path, limit=2)] == ["0", "3"]
    with pytest.raises(ValueError, match="'0': its caption"):
        dataset_examples([(images / "dog.png", "...")])
    with pytest.raises(ValueError, match="limit=0"):
        dataset_examples(path, limit=0)


def test_only_pairs_changed_since_their_source_was_opened_fail(images: Path) -> None:
    path = table(images, [*ROWS, {"image": "car.png", "caption": "a car"}], ".jsonl")
    source = dataset_examples(path)
    content = path.read_text()
    for caption, other in (("a red car", "?" * 9), ("an animal", " " * 9)):
        assert content.count(caption) == 1
        content = content.replace(caption, other)
    path.write_text(content)
    first, *changed = source
    assert isinstance(first, Example)
    assert [type(one) for one in changed] == [FailedExample, FailedExample, Example]
    assert "has no words" in changed[0].reason
    assert "has no caption" in changed[1].reason
    (images / "dog.png").unlink()
    assert isinstance(next(iter(source)), FailedExample)


def annotations(images: Path) -> tuple[Path, Path]:
    """Files of COCO's form: polygons, and run lengths both plain and compressed by pycocotools."""
    from pycocotools import mask as runs

    pictures = [{"id": 7, "file_name": "dog.png"}, {"id": 9, "file_name": "car.png"}]
    for picture in pictures:
        picture.update(width=SIZE[0], height=SIZE[1])
    captions = [
        {"id": 2, "image_id": 7, "caption": "second"},
        {"id": 1, "image_id": 7, "caption": "A dog by a traffic light. "},
        {"id": 3, "image_id": 9, "caption": "something red"},
    ]
    half = np.zeros(SIZE[::-1], np.uint8, order="F")
    half[:, :20] = 1
    packed: dict[str, Any] = runs.encode(half)
    packed["counts"] = packed["counts"].decode()
    plain = {"size": [30, 40], "counts": [0, 300, 900]}  # the first 10 columns, column by column
    instances = [
        {
            "id": 1,
            "image_id": 7,
            "category_id": 1,
            "segmentation": [[10, 5, 20, 5, 20, 15, 10, 15]],
        },
        {"id": 2, "image_id": 7, "category_id": 2, "segmentation": packed, "iscrowd": 1},
        {"id": 3, "image_id": 7, "category_id": 2, "segmentation": plain, "iscrowd": 1},
        {"id": 4, "image_id": 9, "category_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9, 0, 9]]},
    ]
    for one in instances:
        one.setdefault("iscrowd", 0)
    categories = [{"id": 1, "name": "dog"}, {"id": 2, "name": "traffic light"}]
    files = images / "captions.json", images / "instances.json"
    files[0].write_text(json.dumps({"images": pictures, "annotations": captions}))
    files[1].write_text(
        json.dumps({"images": pictures, "annotations": instances, "categories": categories})
    )
    return files


def test_cocos_pictures_have_their_first_caption(images: Path) -> None:
    captions, _ = annotations(images)
    source = coco_examples(captions, images)
    assert [(e.id, e.caption) for e in source] == [
        ("dog.png", "A dog by a traffic light."),
        ("car.png", "something red"),
    ]


def test_cocos_instances_are_masks_of_the_categories_that_the_caption_names(images: Path) -> None:
    captions, instances = annotations(images)
    source = coco_examples(captions, images, instances)
    assert len(source) == 1  # the other caption names no category
    (example,) = source
    dog, light = example.masks["dog"], example.masks["traffic light"]
    assert dog[6:14, 11:19].all()
    assert dog.sum() < 140
    assert light[:, :20].all()
    assert not light[:, 20:].any()


def test_categories_without_an_instance_are_absent_from_a_coco_picture(images: Path) -> None:
    captions, instances = annotations(images)
    texts = json.loads(captions.read_text())
    texts["annotations"][1]["caption"] = "A dog."  # and does not name the traffic light
    texts["annotations"][2]["caption"] = "a red dog"
    captions.write_text(json.dumps(texts))
    content = json.loads(instances.read_text())
    content["categories"] += [{"id": 3, "name": "hot dog"}, {"id": 4, "name": "sheep"}]
    instances.write_text(json.dumps(content))
    first, second = coco_examples(captions, images, instances)
    assert isinstance(first, Example)
    assert isinstance(second, Example)
    assert list(first.masks) == ["dog"]
    assert list(first.present) == ["dog", "traffic light"]
    assert first.absent == ["hot dog", "sheep"]
    assert second.absent == ["traffic light", "hot dog", "sheep"]
    explained: list[str] = []

    def explain(image: Any, caption: str) -> Any:
        explained.append(caption)
        return by_hand({})(image, caption)

    result = AbsentWords()(explain, [first, second], progress=False)
    assert set(explained[::2]) == {"A dog.", "a red dog"}
    assert set(explained[1::2]) <= {
        f"{one} and {other}"
        for absent in ("a sheep", "a traffic light")
        for one, other in (("a dog", absent), (absent, "a dog"))
    }
    # "Dog" may mean a hot dog, and the traffic light is in the picture.
    assert "sheep" in explained[1]
    assert result.table["examples"].eq(2).all()


def test_things_with_masks_in_other_pictures_only_are_absent(images: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    for picture, names in {"car": ("red_car", "tree"), "dog": ("dog",)}.items():
        (masks / picture).mkdir(parents=True)
        for name in names:
            Image.new("L", SIZE, 255).save(masks / picture / f"{name}.png")
    dog, car = folder_examples(images, table(images, ROWS[:2]), masks)
    assert isinstance(dog, Example)
    assert isinstance(car, Example)
    assert (dog.present, dog.absent) == (["dog"], ["red car", "tree"])
    assert (car.present, car.absent) == (["red car", "tree"], ["dog"])
    assert list(car.masks) == ["red car"]  # its caption names no tree


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        ([[1, 2]], "is not a polygon"),
        ([], "neither a list of polygons nor run lengths"),
        (None, "neither a list of polygons nor run lengths"),
        ([[0, 0, 1e9, 0, 1e9, 1e9]], "a corner at 1000000000.0; the picture has 40 x 30"),
        ([[0, 0, 10**400, 0, 9, 9]], "a corner at 10000000000000000000; the"),
        ([[0, 0, 9, -31, 9, 9]], "a corner at -31"),
        ([[0, 0, float("nan"), 0, 9, 9]], "other items than numbers"),
        ([[0, 0, True, 0, 9, 9]], "other items than numbers"),
        ([[0, 0, "9", 0, 9, 9]], "other items than numbers"),
        ([[0, 0, 80, 60] * 30_000], "a very long outline"),
        ({"size": [30, 40]}, "counts None are not numbers of pixels"),
        ({"size": [40, 30], "counts": [1200]}, r"its size is \[40, 30\], not \[30, 40\]"),
        ({"size": [30, 40], "counts": [10**9, 200]}, "add up to 1000000200 pixels"),
        ({"size": [30, 40], "counts": [-1, 1201]}, "are not numbers of pixels"),
        ({"size": [30, 40], "counts": "o"}, "end within a number"),
        ({"size": [30, 40], "counts": "oooooooooooo0"}, "not compressed run lengths"),
        ({"size": [30, 40], "counts": "~"}, "not compressed run lengths"),
        ([[5, 5, 5, 5, 5, 5]], "cover no pixel"),
    ],
)
def test_a_malformed_segmentation_fails_only_its_example(
    images: Path, segmentation: Any, reason: str
) -> None:
    captions, instances = annotations(images)
    content = json.loads(instances.read_text())
    content["annotations"][0]["segmentation"] = segmentation
    del content["annotations"][1:3]
    instances.write_text(json.dumps(content))
    texts = json.loads(captions.read_text())
    texts["annotations"][2]["caption"] = "a red dog"
    captions.write_text(json.dumps(texts))
    failed, whole = coco_examples(captions, images, instances)
    assert isinstance(failed, FailedExample)
    assert failed.id == "dog.png"
    assert re.search(reason, failed.reason)
    assert isinstance(whole, Example)
    assert list(whole.masks) == ["dog"]


def test_a_picture_of_another_size_than_its_annotations_fails_alone(images: Path) -> None:
    captions, instances = annotations(images)
    content = json.loads(instances.read_text())
    content["images"][0]["width"] = 10**9
    instances.write_text(json.dumps(content))
    (failed,) = coco_examples(captions, images, instances)
    assert isinstance(failed, FailedExample)
    assert "says that the picture has 1000000000 x 30 pixels; it has 40 x 30" in failed.reason


def test_a_picture_that_the_instances_do_not_list_fails_alone(images: Path) -> None:
    captions, instances = annotations(images)
    content = json.loads(instances.read_text())
    del content["images"][0]
    instances.write_text(json.dumps(content))
    (failed,) = coco_examples(captions, images, instances)
    assert isinstance(failed, FailedExample)
    assert "does not list the picture" in failed.reason


def test_run_lengths_are_those_of_pycocotools() -> None:
    from pycocotools import mask as runs

    rng = np.random.default_rng(0)
    for _ in range(50):
        size = int(rng.integers(1, 40)), int(rng.integers(1, 40))
        mask = rng.random(size[::-1]) < rng.random()
        packed: dict[str, Any] = runs.encode(np.asfortranarray(mask, np.uint8))
        packed["counts"] = packed["counts"].decode()
        np.testing.assert_array_equal(mask_of([packed], size), mask)


@pytest.mark.parametrize(
    "damage",
    [
        lambda texts, _: texts["annotations"][0].pop("id"),
        lambda texts, _: texts["annotations"][0].update(id="one"),
        lambda texts, _: texts["annotations"].append(None),
        lambda texts, _: texts.update(images=3),
        lambda texts, _: texts["images"][0].pop("file_name"),
        lambda texts, _: texts["annotations"][0].update(image_id=[]),
        lambda _, things: things["annotations"][0].pop("category_id"),
        lambda _, things: things["annotations"][0].update(image_id={}),
        lambda _, things: things["categories"][0].update(name=3),
        lambda _, things: things.update(categories={"a": 1}),
        lambda _, things: things["images"].append("one"),
        lambda texts, _: texts["images"].append(dict(texts["images"][0])),
        lambda texts, _: texts["images"][0].update(file_name="x" * 300),
        lambda texts, _: texts["images"].pop(0),
    ],
)
def test_damaged_files_raise_one_kind_of_error(
    images: Path, damage: Callable[[Any, Any], Any]
) -> None:
    files = annotations(images)
    contents = [json.loads(path.read_text()) for path in files]
    damage(*contents)
    for path, content in zip(files, contents, strict=True):
        path.write_text(json.dumps(content))
    with pytest.raises(UnreadableFileError, match=r"(captions|instances)\.json"):
        coco_examples(files[0], images, files[1])


def test_json_nested_deep_raises_the_error_of_files(images: Path) -> None:
    (images / "deep.json").write_text("[" * 200_000)
    with pytest.raises(UnreadableFileError, match=r"deep\.json"):
        coco_examples(images / "deep.json", images)


def test_files_of_another_form_raise_errors(images: Path) -> None:
    captions, instances = annotations(images)
    with pytest.raises(ValueError, match="no captions"):
        coco_examples(instances, images)
    with pytest.raises(ValueError, match="no categories"):
        coco_examples(captions, images, captions)
    (images / "text.json").write_text("dog")
    with pytest.raises(ValueError, match="is not JSON"):
        coco_examples(images / "text.json", images)
    (images / "list.json").write_text("[]")
    with pytest.raises(ValueError, match="not a COCO file"):
        coco_examples(images / "list.json", images)
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        coco_examples(images / "none.json", images)
    (images / "dog.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"'dog\.png'"):
        coco_examples(captions, images)


def test_a_name_too_long_for_a_file_is_a_missing_picture(images: Path, tmp_path: Path) -> None:
    captions = table(tmp_path, [{"image": "x" * 300, "caption": "a dog"}])
    with pytest.raises(FileNotFoundError, match="row 1 of"):
        folder_examples(images, captions)


def test_the_error_without_pycocotools_names_the_extra(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    captions, instances = annotations(images)
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    with pytest.raises(ModuleNotFoundError, match=r"gradeclip-widget\[coco\]"):
        coco_examples(captions, images, instances)
