"""Other machines and torch's other defaults: every answer is the same as on this machine."""

from __future__ import annotations

import contextlib
import locale
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from open_clip import SimpleTokenizer, image_transform

import gradeclip_widget as gw
from gradeclip_widget import evaluation
from gradeclip_widget.evaluation.measures.perturbation import Deletion, Insertion
from gradeclip_widget.evaluation.measures.sanity import RandomizedWeights
from gradeclip_widget.images.erase import ERASURES, erase
from gradeclip_widget.methods import method_names

from ..clip.conftest import small_clip
from ..dataset.conftest import make_pairs
from ..factories import picture
from ..machines import NoFloat64, default_dtype

CAPTION = "a red car"
BOX = (10, 10, 40, 30)
OPTIONS: dict[str, dict[str, Any]] = {
    "rise": {"masks": 8},
    "m2ib": {"steps": 2},
    "exclip": {"steps": 2},
}
WORDS = gw.Vocabulary("animals", ("dog", "cat", "fox"))
MACHINES: dict[str, Callable[[], contextlib.AbstractContextManager[Any]]] = {
    # Tensors whose device is not named have no values here, and on a GPU they would be on the GPU.
    "another default device": lambda: torch.device("meta"),
    "float64 by default": lambda: default_dtype(torch.float64),
    "float16 by default": lambda: default_dtype(torch.float16),
    "no float64": NoFloat64,
    "inference mode": torch.inference_mode,
    "other modes": lambda: other_modes(),  # noqa: PLW0108 - defined below
}


@contextlib.contextmanager
def other_modes() -> Iterator[None]:
    """Switch on what a program may have switched on around a call, with other seeds."""
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002 - the seed of all programs
    try:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            yield
    finally:
        torch.use_deterministic_algorithms(False)


def global_state() -> dict[str, Any]:
    """Return what belongs to the whole process, and every program may rely on."""
    return {
        "random numbers of torch": torch.get_rng_state().tolist(),
        "random numbers of NumPy": str(np.random.get_state()),  # noqa: NPY002
        "random numbers of Python": random.getstate(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "gradients": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "precision": torch.get_float32_matmul_precision(),
        "warnings": list(warnings.filters),
        "locale": locale.setlocale(locale.LC_ALL),
        "errors of NumPy": np.geterr(),
    }


def answers(model: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the name and the numbers of everything that a model is asked, after its check."""
    clip = gw.ClipModel(model, image_transform(96, is_train=False), SimpleTokenizer(), name="small")
    for method in method_names():
        e = gw.Explainer(clip, method, method_options=OPTIONS.get(method))(picture(), CAPTION)
        yield method, np.concatenate([e.signed_map.ravel(), e.interactions.ravel(), [e.score]])
    explainer = gw.Explainer(clip)
    for fit in ("crop", "squash"):
        yield fit, gw.Explainer(clip, fit=fit)(picture(), CAPTION).signed_map  # type: ignore[arg-type]
    yield "reference", gw.Explainer(clip, reference=True)(picture(), CAPTION).signed_map
    yield "gradients", explainer.integrated_gradients(picture(), CAPTION, steps=2)
    yield "unrelated sentences", explainer.unrelated_scores(picture(), CAPTION)
    yield "vocabulary", explainer.vocabulary_maps(picture(), WORDS).maps
    region = explainer.classify_region(picture(), BOX, WORDS)
    yield "region", np.array([word.value for word in region])
    yield "blocks", explainer.block_maps(picture(), CAPTION).image_maps
    erased = [explainer.scores(erase(picture(), BOX, how), [CAPTION]) for how in ERASURES]
    yield "erasures", np.array(erased)
    examples = [evaluation.Example(picture(), CAPTION)]
    measures = [Deletion(steps=3), Insertion(steps=3), RandomizedWeights()]
    for name, result in evaluation.evaluate(explainer, examples, measures, progress=False).items():
        yield name, result.table["mean"].to_numpy()
    with tempfile.TemporaryDirectory() as folder:
        run = gw.explain_dataset(make_pairs(2), folder, model=clip, progress=False, workers=1)
        yield "dataset", np.concatenate(run.to_frame()["map"].to_list())


@pytest.fixture(scope="module")
def model() -> Any:
    return small_clip()


@pytest.fixture(scope="module")
def expected(model: Any) -> dict[str, NDArray[Any]]:
    """The answers on this machine, after a check that each leaves the state of the process alone."""
    found, before = {}, global_state()
    for name, values in answers(model):
        found[name] = values
        assert global_state() == before, name
    return found


@pytest.mark.parametrize("machine", MACHINES)
def test_answers_are_the_same_with(
    machine: str, model: Any, expected: dict[str, NDArray[Any]]
) -> None:
    with MACHINES[machine]():
        for name, values in answers(model):
            # A crop is made by the model's own transform, which makes pixels of the default dtype.
            tolerance = 2e-3 if name in ("crop", "dataset") else 0
            np.testing.assert_allclose(values, expected[name], rtol=0, atol=tolerance, err_msg=name)


def test_a_machine_without_float64_is_simulated() -> None:
    """The simulation refuses what MPS refuses, and nothing else."""
    x = torch.ones(3)
    with NoFloat64():
        assert float(x.cpu().double().sum()) == 3
        for wrong in (
            x.double,
            lambda: x.to("cpu", torch.float64),
            lambda: x.cpu().double().to(x.device),
            lambda: torch.zeros(3, dtype=torch.float64, device=x.device),
        ):
            with pytest.raises(TypeError, match="float64"):
                wrong()
