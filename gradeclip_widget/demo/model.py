"""The embedded model: a small CLIP for drawn scenes, in open_clip's own classes.

Its weights are next to this file as float16. Of the embedding table of open_clip's standard vocabulary, only
the rows that training changed are stored. The others are zeros; `known_token_ids` lists the stored ones.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import open_clip
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg, set_model_preprocess_cfg
from open_clip.transform import PreprocessCfg, image_transform_v2
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from .trunk import IMAGE_SIZE as IMAGE_SIZE
from .trunk import TRUNK

WEIGHTS = Path(__file__).with_name("weights.safetensors")
TABLE = "token_embedding.weight"
UNTRAINED = ("attn_mask", "visual.trunk.pos_embed")  # constants, which are not in the file
CONTEXT_LENGTH = 24
CONFIG: dict[str, Any] = {
    "embed_dim": 256,
    "vision_cfg": {
        "timm_model_name": TRUNK,
        "timm_pool": "token",
        "timm_proj": "",
        "image_size": IMAGE_SIZE,
    },
    "text_cfg": {
        "context_length": CONTEXT_LENGTH,
        "vocab_size": 49408,
        "width": 256,
        "heads": 4,
        "layers": 2,
    },
}


def build(weights: Path | None = WEIGHTS) -> CLIP:
    """Return the embedded model: float32, evaluation mode, open_clip's standard vocabulary.

    Args:
        weights: a file written by `save_weights`; by default the one in the package.

    Returns:
        The model. Rows of the embedding table that were never trained are zeros.
    """
    config, state, ids = read_weights(weights or WEIGHTS)
    rows = state[TABLE]
    table = rows.new_zeros(config["text_cfg"]["vocab_size"], rows.shape[1])
    table[ids] = rows
    model = from_config(config)
    model.load_state_dict({**model.state_dict(), **state, TABLE: table}, assign=True)
    return model.eval()


def from_config(config: dict[str, Any], vocab_size: int | None = None) -> CLIP:
    """Return an untrained model, with a shorter embedding table if ``vocab_size`` is given."""
    text = config["text_cfg"] | ({"vocab_size": vocab_size} if vocab_size else {})
    model = CLIP(
        config["embed_dim"],
        CLIPVisionCfg(**config["vision_cfg"]),
        CLIPTextCfg(**text),
        quick_gelu=False,
    )
    size = config["vision_cfg"]["image_size"]
    set_model_preprocess_cfg(model, vars(PreprocessCfg(size=(size, size))))
    return model


def preprocess() -> Any:
    """Return open_clip's image transform for this model, as `create_model_and_transforms` does."""
    size = CONFIG["vision_cfg"]["image_size"]
    return image_transform_v2(PreprocessCfg(size=(size, size)), is_train=False)


def tokenizer() -> open_clip.SimpleTokenizer:
    """Return open_clip's standard tokenizer for the model's 24 positions."""
    return open_clip.SimpleTokenizer(context_length=CONTEXT_LENGTH)


@cache
def known_token_ids() -> frozenset[int]:
    """Return the ids of the tokens that the embedded model was trained on."""
    with safe_open(WEIGHTS, "pt") as file:
        return frozenset(file.get_tensor("token_embedding.ids").tolist())


def read_weights(path: Path) -> tuple[dict[str, Any], dict[str, Tensor], Tensor]:
    """Return config, float32 state, and the vocabulary ids of the rows of its compact embedding table."""
    with safe_open(path, "pt") as file:
        config = json.loads(file.metadata()["open_clip_config"])
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    ids = stored.pop("token_embedding.ids")
    rows = stored.pop("token_embedding.rows")
    state = {name: tensor.float() for name, tensor in stored.items()}
    return config, state | {TABLE: rows.float()}, ids


def save_weights(path: Path, state: dict[str, Tensor], ids: Tensor, note: str) -> None:
    """Write a state with a compact embedding table as float16 safetensors.

    Args:
        path: the file to write.
        state: a state dict of `open_clip.model.CLIP` with a compact embedding table.
        ids: vocabulary ids of the table's rows, ascending.
        note: a description of the weights for the file's metadata.
    """
    stored = {
        name: t.half().contiguous()
        for name, t in state.items()
        if t.is_floating_point() and name not in UNTRAINED
    }
    stored["token_embedding.rows"] = stored.pop(TABLE)
    stored["token_embedding.ids"] = ids
    save_file(stored, path, {"open_clip_config": json.dumps(CONFIG), "note": note})
