"""Our measures compared with those of Quantus, which runs in another process, since it imports OpenCV, which
changes the notes on arrays, and emits warnings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gradeclip_widget.evaluation import Deletion
from gradeclip_widget.evaluation.pointing import energy_in_mask, pointing_hit

from .handmade import explained

SIDE, COUNT = 24, 12
STEPS = 8

THEIRS = """
import sys
import numpy as np, quantus, torch

inputs = dict(np.load(sys.argv[1]))
maps, masks, gray, baseline = (inputs[name] for name in ("maps", "masks", "gray", "baseline"))
weights = torch.tensor(inputs["weights"]).float()

class Linear(torch.nn.Module):
    def forward(self, x):
        total = (x.flatten(1).float() * weights.flatten()).sum(1)
        return torch.stack([total, -total], 1)

count, side = len(maps), maps.shape[-1]
images = np.zeros((count, 1, side, side), np.float32)
model = Linear().eval()
common = dict(model=model, x_batch=images, y_batch=np.zeros(count, int), channel_first=True)
of_masks = dict(a_batch=np.maximum(maps, 0)[:, None], s_batch=masks[:, None])
quiet = dict(disable_warnings=True)
hits = quantus.PointingGame(**quiet)(**common, **of_masks)
mass = quantus.RelevanceMassAccuracy(normalise=False, **quiet)(**common, **of_masks)
flipping = quantus.PixelFlipping(
    features_in_step=side * side // int(inputs["steps"]),
    perturb_baseline=float(baseline), normalise=False, **quiet,
)
flipped = flipping(
    model=model, x_batch=gray[None, None].astype(np.float32), y_batch=np.zeros(1, int),
    a_batch=maps[:1, None], softmax=False, channel_first=True,
)
np.savez(sys.argv[2], hits=np.array(hits, bool), mass=mass, flipped=np.ravel(flipped))
"""


@pytest.fixture(scope="module")
def inputs() -> dict[str, np.ndarray]:
    """Maps of the picture's own size, and masks of about a third of it."""
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
    return {
        "maps": rng.normal(size=(COUNT, SIDE, SIDE)).astype(np.float32),
        "masks": rng.random((COUNT, SIDE, SIDE)) < 0.35,
        "gray": gray,
        "baseline": np.rint(gray.mean()),
        "weights": rng.normal(size=(SIDE, SIDE)),
        "steps": np.array(STEPS),
    }


@pytest.fixture(scope="module")
def theirs(
    inputs: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, np.ndarray]:
    """Values of Quantus' measures on the same maps and masks."""
    folder: Path = tmp_path_factory.mktemp("quantus")
    np.savez(folder / "inputs.npz", **inputs)
    files = [str(folder / "inputs.npz"), str(folder / "theirs.npz")]
    command = [sys.executable, "-W", "ignore", "-c", THEIRS, *files]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return dict(np.load(folder / "theirs.npz"))


def test_the_pointing_game_agrees_with_theirs(
    inputs: dict[str, np.ndarray], theirs: dict[str, np.ndarray]
) -> None:
    pairs = list(zip(inputs["maps"], inputs["masks"], strict=True))
    ours = [pointing_hit(values, mask) for values, mask in pairs]
    assert ours == theirs["hits"].tolist()
    assert 0 < sum(ours) < COUNT


def test_energy_in_the_mask_is_their_relevance_mass(
    inputs: dict[str, np.ndarray], theirs: dict[str, np.ndarray]
) -> None:
    pairs = zip(inputs["maps"], inputs["masks"], strict=True)
    ours = [energy_in_mask(values, mask) for values, mask in pairs]
    np.testing.assert_allclose(ours, theirs["mass"], rtol=1e-5)


def test_deletion_alters_the_pixels_of_their_pixel_flipping(
    inputs: dict[str, np.ndarray], theirs: dict[str, np.ndarray]
) -> None:
    """With a linear model, every pixel that is altered too early or too late changes the values."""
    image = Image.fromarray(inputs["gray"]).convert("RGB")
    explanation = explained(image, "a dog", {})
    explanation = type(explanation)(
        **vars(explanation)
        | {
            "signed_map": inputs["maps"][0],
            "interactions": np.zeros((len(explanation.tokens), SIDE, SIDE)),
        }
    )
    deletion = Deletion(fill="mean", until=1.0, steps=STEPS)
    pictures = deletion.pictures(explanation, np.random.default_rng(0))
    ours = [(np.asarray(picture)[..., 0] * inputs["weights"]).sum() for picture in pictures]
    np.testing.assert_allclose(ours[1:], theirs["flipped"], rtol=1e-3)
