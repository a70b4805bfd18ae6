"""Damaged annotation files of COCO, and damaged masks."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from gradeclip_widget.evaluation import Example, FailedExample
from gradeclip_widget.evaluation.sources import coco_examples, folder_examples

from ..mutations import damage, damage_json, hostile_text
from ..outcome import Failed, Fault, Outcome, attempt
from ..shared import Shared, picture_bytes

SIZE = 40, 36  # of picture 0


def captions_file() -> dict[str, Any]:
    """Return annotations of three pictures with captions."""
    images = [
        {"id": n, "file_name": f"{n}.png", "width": SIZE[0] + n // 2, "height": SIZE[1]}
        for n in range(3)
    ]
    captions = [
        {"id": n, "image_id": n % 3, "caption": ("a dog", "a cat", "a dog and a cat")[n % 3]}
        for n in range(6)
    ]
    return {"images": images, "annotations": captions}


def instances_file() -> dict[str, Any]:
    """Return annotations of the same pictures with segmentations of both forms."""
    forms = [
        [[2, 2, 30, 2, 30, 30]],
        {"counts": [100, 300, SIZE[0] * SIZE[1] - 400], "size": [SIZE[1], SIZE[0]]},
        [[1, 1, 9, 1, 9, 9], [10, 10, 30, 10, 30, 30]],
    ]
    annotations = [
        {
            "id": n,
            "image_id": n % 3,
            "category_id": 1 + n % 2,
            "segmentation": [forms[0], forms[1], forms[2], forms[0]][n % 4]
            if n % 3 == 0
            else forms[0],
            "area": 9,
            "bbox": [0, 0, 9, 9],
            "iscrowd": int(n % 4 == 1 and n % 3 == 0),
        }
        for n in range(6)
    ]
    categories = [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]
    return captions_file() | {"annotations": annotations, "categories": categories}


class Evaluations:
    """Damaged annotations are a documented error or a failed example."""

    name, weight, seconds, megabytes = "evaluation", 20, 10, 600

    def __init__(self, shared: Shared) -> None:
        self.images = shared.folder / "coco"
        self.images.mkdir()
        for n in range(3):
            (self.images / f"{n}.png").write_bytes(picture_bytes(n))

    def attempt(self, rng: Random, folder: Path) -> Outcome:
        """Read damaged captions, instances or masks, and all examples in them."""
        if rng.random() < 0.3:
            return self._masks(rng, folder)
        captions, instances = captions_file(), instances_file()
        kind = rng.choice(("captions", "instances", "segmentations", "bytes", "whole"))
        if kind == "captions":
            captions = damage_json(rng, captions)
        elif kind == "instances":
            instances = damage_json(rng, instances)
        elif kind == "segmentations":
            one = rng.choice(instances["annotations"])
            one["segmentation"] = damage_json(rng, one["segmentation"])
        texts = [
            json.dumps(each).encode("utf-8", "surrogatepass") for each in (captions, instances)
        ]
        if kind == "bytes":
            which = rng.randrange(2)
            texts[which] = damage(rng, texts[which])
        paths = [folder / "captions.json", folder / "instances.json"]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text)
        kind = f"COCO, {kind} changed" if kind != "whole" else "COCO, whole"
        answer = attempt(
            coco_examples, paths[0], self.images, paths[1] if rng.random() < 0.8 else None
        )
        return self._examples(kind, answer)

    def _examples(self, kind: str, answer: Any) -> Outcome:
        """Read all examples of a source; each is an example or a failed one."""
        if not isinstance(answer, Failed):
            examples = attempt(list, answer, documented=coco_examples)
            if isinstance(examples, Failed):
                return Outcome.of(f"{kind}, at its examples", examples)
            if not all(isinstance(one, Example | FailedExample) for one in examples):
                raise Fault(f"{kind} | gives {examples!r:.200}")
            if len(examples) != len(answer):
                raise Fault(f"{kind} | {len(examples)} examples, but its length is {len(answer)}")
            if kind.endswith("whole") and any(isinstance(one, FailedExample) for one in examples):
                raise Fault(f"{kind} | an example fails: {examples!r:.300}")
        elif kind.endswith("whole"):
            raise Fault(f"{kind} | is not read: {answer.error}")
        return Outcome.of(kind, answer)

    def _masks(self, rng: Random, folder: Path) -> Outcome:
        """Read a folder of masks, of which one is damaged, and a table of captions."""
        table = folder / "captions.csv"
        rows = ["image,caption", "0.png,a dog", "1.png,a cat and a dog", "2.png,a cat"]
        if rng.random() < 0.3:
            rows[rng.randrange(4)] = hostile_text(rng)
        table.write_text("\n".join(rows), "utf-8", "surrogatepass")
        for name, word in (("0", "dog"), ("1", "dog"), ("1", "cat"), ("2", "cat")):
            mask = folder / "masks" / name / f"{word}.png"
            mask.parent.mkdir(parents=True, exist_ok=True)
            data = picture_bytes(int(name))
            mask.write_bytes(damage(rng, data) if rng.random() < 0.4 else data)
        answer = attempt(folder_examples, self.images, table, folder / "masks")
        return self._examples("masks, damaged", answer)
