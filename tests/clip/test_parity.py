"""`reference=True` against tensors computed by the authors' own code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from safetensors import safe_open
from torch import Tensor

from gradeclip_widget.clip.image_towers.class_token import ClassTokenTower
from gradeclip_widget.clip.text_towers.causal import CausalTextTower
from gradeclip_widget.methods.grad_cam import GradCam
from gradeclip_widget.methods.grad_eclip import GradEclip
from gradeclip_widget.methods.self_attention import SelfAttention

FILE = Path(__file__).with_name("parity") / "vit_small.safetensors"


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    with safe_open(FILE, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@pytest.fixture(scope="module")
def model(tensors: dict[str, Tensor]) -> CLIP:
    with safe_open(FILE, "pt") as file:
        config = json.loads(file.metadata()["config"])
    model = CLIP(
        config["embed_dim"],
        CLIPVisionCfg(
            layers=config["vision_layers"],
            width=config["vision_width"],
            patch_size=config["vision_patch_size"],
            image_size=config["image_resolution"],
        ),
        CLIPTextCfg(
            width=config["text_width"], heads=config["text_heads"], layers=config["text_layers"]
        ),
        quick_gelu=True,
    )
    state = {
        name.removeprefix("model."): value.float()
        for name, value in tensors.items()
        if name.startswith("model.") and "token_embedding." not in name
    }
    table = torch.zeros_like(model.token_embedding.weight)
    rows = tensors["model.token_embedding.rows"].float()
    table[tensors["model.token_embedding.ids"].long()] = rows
    model.load_state_dict(state | {"token_embedding.weight": table})
    return model.eval()


@pytest.fixture(scope="module")
def image_side(model: CLIP, tensors: dict[str, Tensor]) -> tuple[Any, Tensor]:
    """The picture's trace with a single head, and the captions' embeddings."""
    texts = model.encode_text(tensors["tokens"].long(), normalize=True).detach()
    tower = ClassTokenTower(model.visual)
    return tower.trace(tensors["image"].float(), single_head=True), texts


def agrees(ours: Tensor, theirs: Tensor) -> None:
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()


def test_image_scores_are_the_authors(image_side: Any, tensors: dict[str, Tensor]) -> None:
    trace, texts = image_side
    agrees(texts @ trace.embedding, tensors["image_scores"])


@pytest.mark.parametrize(
    ("method", "name"), [(GradEclip, "image_maps"), (GradCam, "grad_cam")], ids=["eclip", "cam"]
)
def test_image_maps_are_the_authors(
    image_side: Any, tensors: dict[str, Tensor], method: Any, name: str
) -> None:
    trace, texts = image_side
    maps = method(reference=True).image_maps(trace, texts).relu()
    agrees(maps.reshape(-1, *trace.grid), tensors[name])


def test_self_attention_is_the_authors(image_side: Any, tensors: dict[str, Tensor]) -> None:
    trace, texts = image_side
    maps = SelfAttention(reference=True).image_maps(trace, texts)
    agrees(maps[0].reshape(trace.grid), tensors["self_attention"])


@pytest.mark.parametrize("layers", [1, 8])
def test_text_importance_and_score_are_the_authors(
    model: CLIP, tensors: dict[str, Tensor], layers: int
) -> None:
    image = tensors["image"].float()[..., :224]
    x = ClassTokenTower(model.visual).trace(image).embedding
    agrees(x, tensors["text_image_embedding"][0])
    ids = tensors["tokens"][0].tolist()
    ids = ids[: ids.index(max(ids)) + 1]
    trace = CausalTextTower(model).trace(ids, layers, single_head=True)
    # Both vectors are unit and nearly orthogonal: at eight blocks the cosine is 0.009, and their own
    # float32 rounding in it is 1e-7, so the larger of the two scores sets the scale.
    score = tensors[f"text_score_n{layers}"][0]
    assert abs(trace.embedding @ x - score) <= 1e-5 * tensors["text_score_n1"].abs().max()
    importance = (GradEclip(reference=True).token_attributions(trace).embedding @ x).relu()
    agrees(importance / importance.sum(), tensors[f"text_importance_n{layers}"])


def test_embeddings_of_packed_captions_are_the_models(
    model: CLIP, tensors: dict[str, Tensor]
) -> None:
    tokens = tensors["tokens"].long()
    sequences = [row[: row.argmax() + 1].tolist() for row in tokens]
    embeddings, _ = CausalTextTower(model).run(sequences, 8)
    agrees(embeddings, F.normalize(model.encode_text(tokens), dim=-1))
