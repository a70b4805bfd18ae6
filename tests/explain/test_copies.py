"""Explanations and models copied, and sent to another process."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene

from ..clip.loading.test_transformers import clip_pair
from ..export.test_npz import assert_same
from ..factories import make_explanation

ROOT = Path(__file__).parents[2]
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickled": lambda x: pickle.loads(pickle.dumps(x)),
    "pickled as of old": lambda x: pickle.loads(pickle.dumps(x, protocol=2)),
    "deep copy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.fixture(params=COPIES)
def copied(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return COPIES[request.param]


def same_numbers(one: gw.Explanation, other: gw.Explanation) -> None:
    """All but the time that it took."""
    changes = {"seconds": None}
    assert_same(dataclasses.replace(one, **changes), dataclasses.replace(other, **changes))


def test_a_copied_explanation_is_the_same_and_cannot_be_written_to(
    copied: Callable[[Any], Any],
) -> None:
    e = make_explanation(alone=None)
    duplicate = copied(e)
    assert type(duplicate) is gw.Explanation
    assert_same(duplicate, e)
    for field in dataclasses.fields(duplicate):
        if isinstance(array := getattr(duplicate, field.name), np.ndarray):
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_a_copied_model_explains_the_same(
    copied: Callable[[Any], Any], clip: gw.ClipModel, scene: Scene
) -> None:
    duplicate = copied(clip)
    assert (duplicate.name, duplicate.nbytes, duplicate.notes) == (
        clip.name,
        clip.nbytes,
        clip.notes,
    )
    caption = "a dog and a red circle"
    same_numbers(
        gw.Explainer(duplicate)(scene.image, caption), gw.Explainer(clip)(scene.image, caption)
    )


def test_a_copied_explainer_keeps_its_settings(
    copied: Callable[[Any], Any], clip: gw.ClipModel, scene: Scene
) -> None:
    explainer = gw.Explainer(clip, "grad-cam", readings=False)
    duplicate = copied(explainer)
    assert (duplicate.options, duplicate.label) == (explainer.options, explainer.label)
    same_numbers(duplicate(scene.image, "a dog"), explainer(scene.image, "a dog"))


def test_a_deep_copy_shares_no_weights(clip: gw.ClipModel) -> None:
    ours = {p.data_ptr() for p in clip.model.parameters()}
    assert not ours & {p.data_ptr() for p in copy.deepcopy(clip).model.parameters()}


def test_a_model_from_transformers_can_be_copied(
    copied: Callable[[Any], Any], scene: Scene, tmp_path: Path
) -> None:
    clip = gw.from_transformers(*clip_pair(tmp_path))
    same_numbers(
        gw.Explainer(copied(clip))(scene.image, "a dog"), gw.Explainer(clip)(scene.image, "a dog")
    )


def test_a_model_in_use_can_be_pickled(clip: gw.ClipModel, scene: Scene) -> None:
    with clip.inference_context():
        duplicate = pickle.loads(pickle.dumps(clip))
    same_numbers(
        gw.Explainer(duplicate)(scene.image, "a dog"), gw.Explainer(clip)(scene.image, "a dog")
    )


def test_another_process_explains_the_same(
    clip: gw.ClipModel, scene: Scene, tmp_path: Path
) -> None:
    (tmp_path / "sent").write_bytes(pickle.dumps((clip, scene.image)))
    code = (
        "import pickle, sys; from pathlib import Path; import gradeclip_widget as gw\n"
        "folder = Path(sys.argv[1])\n"
        "clip, image = pickle.loads((folder / 'sent').read_bytes())\n"
        "e = gw.Explainer(clip)(image, 'a dog')\n"
        "(folder / 'answer').write_bytes(pickle.dumps(e))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=True)
    answer = pickle.loads((tmp_path / "answer").read_bytes())
    expected = gw.Explainer(clip)(scene.image, "a dog")
    assert answer.score == pytest.approx(expected.score, abs=1e-6)
    np.testing.assert_allclose(answer.interactions, expected.interactions, atol=1e-6)
