"""Train the embedded model: symmetric contrastive learning on drawn scenes, and nothing else.

    python -m gradeclip_widget.demo.train --out CHECKPOINTS --start weights.safetensors

Pictures learn from their caption alone; where objects are is never told. Most steps see a random part
of each picture's patches, which costs less and makes the class token read all of an object rather than
its most telling patch. A run can be stopped at any time and goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
import torch.nn.functional as F
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from .batches import (
    Batch,
    SceneBatches,
    Stage,
    locate,
    vary_sprite,
    vocabulary_ids,
)
from .model import CONFIG, TABLE, from_config, read_weights, save_weights
from .scenes import Composer
from .sprites import PACK, Artwork
from .vocabulary import HELD_OUT_STYLE

STAGES = (
    Stage(steps=60, size=224, keep=0.4, batch=256, rate=(1e-5, 1e-3)),
    Stage(steps=40, size=224, keep=0.4, batch=256, rate=(1e-3, 1e-3)),
    Stage(steps=2000, size=224, keep=0.5, batch=256, rate=(7e-4, 7e-4)),
)
EMA_DECAY = 0.998
PART = 64  # pictures that are encoded at a time
WORKING = torch.bfloat16  # of what flows through the towers; weights are float32


class Training:
    """A model in training: weights, their running mean, optimiser, and the step reached."""

    def __init__(self, start: Path | None) -> None:
        self.ids = torch.from_numpy(vocabulary_ids())
        self.model = from_config(CONFIG, vocab_size=len(self.ids))
        if start:
            self._start_from(start)
        self.mean = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.parameters = list(self.model.parameters())
        self.pool = ThreadPoolExecutor(torch.get_num_threads())
        torch.set_num_threads(1)
        matrices = [p for p in self.parameters if p.ndim >= 2]
        vectors = [p for p in self.parameters if p.ndim < 2]
        self.optimiser = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
            betas=(0.9, 0.98),
            fused=True,
        )
        self.step = 0

    def learn(self, batch: Batch, rate: float) -> tuple[float, float]:
        """One step. Returns the loss and how many pictures found their caption.

        The batch is encoded in parts, each by one thread: faster on a CPU than sharing every
        operation among threads, and much more patient with other work on the machine. The loss is
        the whole batch's all the same, for it only needs the embeddings.
        """
        captions = in_parts_of_like_length(batch.tokens)
        parts = list(self.pool.map(self._encode_images, *map(in_parts, batch[:2])))
        parts += self.pool.map(self._encode_texts, [batch.tokens[rows] for rows in captions])
        ends = [part.detach().requires_grad_() for part in parts]
        images = torch.cat(ends[: -len(captions)])
        texts = torch.cat(ends[-len(captions) :])[torch.cat(captions).argsort()]
        scale = self.model.logit_scale.exp().clamp(max=100)
        loss, found = contrast(scale * images @ texts.T, batch.ignored)
        self.optimiser.zero_grad()
        loss.backward()
        for gradients in self.pool.map(self._gradients, parts, ends):
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                if gradient is not None:
                    known = parameter.grad
                    parameter.grad = gradient if known is None else known.add_(gradient)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.step += 1
        decay = min(EMA_DECAY, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.mean[name].lerp_(value, 1 - decay)
        return loss.item(), found.item()

    def _encode_images(self, images: Tensor, kept: Tensor) -> Tensor:
        with torch.autocast("cpu", WORKING):
            return encode_images(self.model, images, kept)

    def _encode_texts(self, tokens: Tensor) -> Tensor:
        with torch.autocast("cpu", WORKING):
            return encode_texts(self.model, tokens)

    def _gradients(self, part: Tensor, end: Tensor) -> tuple[Tensor | None, ...]:
        return torch.autograd.grad(part, self.parameters, end.grad, allow_unused=True)

    def save(self, folder: Path) -> None:
        """Write a checkpoint and, beside it, the mean weights as they would ship."""
        checkpoint = {
            "step": self.step,
            "model": self.model.state_dict(),
            "mean": self.mean,
            "optimiser": self.optimiser.state_dict(),
            "chance": torch.get_rng_state(),
        }
        torch.save(checkpoint, folder / "checkpoint.tmp")
        (folder / "checkpoint.tmp").replace(folder / "checkpoint.pt")
        save_weights(folder / "weights.tmp", self.mean, self.ids, f"{self.step} steps")
        (folder / "weights.tmp").replace(folder / "weights.safetensors")

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in `folder`, if there is one."""
        if not (folder / "checkpoint.pt").exists():
            return
        checkpoint = torch.load(folder / "checkpoint.pt")
        self.step = checkpoint["step"]
        self.model.load_state_dict(checkpoint["model"])
        self.mean = checkpoint["mean"]
        self.optimiser.load_state_dict(checkpoint["optimiser"])
        torch.set_rng_state(checkpoint["chance"])

    def _start_from(self, weights: Path) -> None:
        _, state, ids = read_weights(weights)
        table = self.model.token_embedding.weight.detach().clone()
        shared = torch.isin(self.ids, ids)
        table[shared] = state[TABLE][torch.isin(ids, self.ids)]
        self.model.load_state_dict({**state, TABLE: table})


def encode_images(model: CLIP, images: Tensor, kept: Tensor | None = None) -> Tensor:
    """Unit embeddings of pictures, each seen through some of its patches.

    Args:
        model: An open_clip model with a class token.
        images: (pictures, height, width, 3) uint8, sides multiples of the patch size.
        kept: (pictures, some) numbers of the patches to look at; all by default.

    Returns:
        (pictures, embedding size).
    """
    tower = model.visual
    patch = tower.patch_size[0]
    count, rows, columns = images.shape[0], images.shape[1] // patch, images.shape[2] // patch
    patches = images.view(count, rows, patch, columns, patch, 3).transpose(2, 3)
    patches = patches.reshape(count, rows * columns, patch * patch * 3)
    place = resized_positions(tower.positional_embedding, rows, columns)
    class_place, place = place[:1], place[1:].expand(count, -1, -1)
    if kept is not None:
        patches = patches.gather(1, kept[..., None].expand(-1, -1, patches.shape[2]))
        place = place.gather(1, kept[..., None].expand(-1, -1, place.shape[2]))
    # Normalising the picture is folded into the filters: x * w - mean * w, w = filter / std.
    filters = tower.conv1.weight.permute(0, 2, 3, 1) / (torch.tensor(OPENAI_DATASET_STD) * 255)
    offset = (filters * torch.tensor(OPENAI_DATASET_MEAN) * 255).sum(dim=(1, 2, 3))
    x = F.linear(patches.to(WORKING), filters.flatten(1).to(WORKING)) + (place - offset).to(WORKING)
    class_token = (tower.class_embedding + class_place).to(WORKING).expand(count, 1, -1)
    x = tower.ln_pre(torch.cat([class_token, x], dim=1))
    *blocks, last = tower.transformer.resblocks
    for block in blocks:
        x = run_block(block, x)
    pooled = tower.ln_post(run_block(last, x, x[:, :1])[:, 0])
    return F.normalize((pooled @ tower.proj).float(), dim=-1)


def encode_texts(model: CLIP, tokens: Tensor) -> Tensor:
    """Unit embeddings of captions, cut to the longest of them.

    Args:
        model: An open_clip model.
        tokens: (captions, positions) with the end token's id the highest.

    Returns:
        (captions, embedding size).
    """
    end = tokens.argmax(dim=1)
    count, length = len(tokens), int(end.max()) + 1
    tokens = tokens[:, :length]
    x = model.token_embedding(tokens) + model.positional_embedding[:length]
    x = x.to(WORKING)
    ahead = torch.ones(length, length, dtype=torch.bool).triu(1)
    *blocks, last = model.transformer.resblocks
    for block in blocks:
        x = run_block(block, x, hidden=ahead)
    behind = (torch.arange(length) > end[:, None])[:, None, None]
    pooled = run_block(last, x, x[torch.arange(count), end][:, None], behind)[:, 0]
    return F.normalize((model.ln_final(pooled) @ model.text_projection).float(), dim=-1)


def run_block(
    block: ResidualAttentionBlock,
    x: Tensor,
    rows: Tensor | None = None,
    hidden: Tensor | None = None,
) -> Tensor:
    """A block's output, the same as `block(x)` but much faster to train on a CPU.

    PyTorch's fused attention takes five times as long there, most of it in the backward pass, and
    of the last block only the pooled row is ever needed.

    Args:
        block: A block of either tower.
        x: (count, positions, width), what enters it.
        rows: (count, some, width), the rows of x whose output is wanted; all by default.
        hidden: Bool, broadcast to (count, heads, some, positions): where rows may not look.

    Returns:
        (count, some, width).
    """
    attn, width = block.attn, x.shape[-1]
    query_weight, pair_weight = attn.in_proj_weight.split([width, 2 * width])
    query_bias, pair_bias = attn.in_proj_bias.split([width, 2 * width])
    source = block.ln_1(x)
    if rows is None:
        rows, target = x, source
    else:
        target = block.ln_1(rows)
    key, value = F.linear(source, pair_weight, pair_bias).chunk(2, dim=-1)
    query = F.linear(target, query_weight, query_bias) * attn.head_dim**-0.5
    query, key, value = (
        t.unflatten(-1, (attn.num_heads, -1)).transpose(1, 2) for t in (query, key, value)
    )
    scores = query @ key.mT
    if hidden is not None:
        scores = scores.masked_fill(hidden, -torch.inf)
    read = (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
    rows = rows + attn.out_proj(read)
    return rows + block.mlp(block.ln_2(rows))


def in_parts(pictures: Tensor) -> tuple[Tensor, ...]:
    """A batch's pictures in parts that fit a core's cache."""
    parts: tuple[Tensor, ...] = pictures.split(PART)
    return parts


def in_parts_of_like_length(tokens: Tensor) -> tuple[Tensor, ...]:
    """Row numbers of captions in four parts, the shortest captions first."""
    return tokens.argmax(dim=1).argsort(stable=True).chunk(4)


def resized_positions(embedding: Tensor, rows: int, columns: int) -> Tensor:
    """The positional embedding for another patch grid; its first row is the class token's."""
    side = math.isqrt(len(embedding) - 1)
    if (rows, columns) == (side, side):
        return embedding
    grid = embedding[1:].float().view(1, side, side, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, (rows, columns), mode="bicubic", align_corners=False, antialias=True)
    return torch.cat([embedding[:1], grid.flatten(2)[0].T])


def contrast(logits: Tensor, ignored: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric InfoNCE, and the share of pictures whose own caption scores highest.

    Args:
        logits: (pictures, captions); caption i belongs to picture i, captions beyond are wrong.
        ignored: (pictures, captions) bool, pairs to leave out of the denominators.
    """
    logits = logits.masked_fill(ignored, -torch.inf)
    count = len(logits)
    partner = torch.arange(count)
    by_caption = F.cross_entropy(logits, partner)
    by_picture = F.cross_entropy(logits[:, :count].T, partner)
    found = (logits[:, :count].argmax(1) == partner).float().mean()
    return (by_caption + by_picture) / 2, found


def train(
    out: Path,
    packs: Sequence[Path],
    stages: Sequence[Stage],
    seed: int = 0,
    start: Path | None = None,
    save_every: int = 50,
    workers: int = 1,
) -> None:
    """Train through all stages, or what is left of them.

    Args:
        out: Folder of the checkpoint, the weights and the log; training goes on from there.
        packs: Sprites to draw with. The held-out style is never used.
        stages: What to do for how long.
        seed: Fixes batches, patch dropout and initial weights.
        start: Weights to begin from.
        save_every: Steps between checkpoints.
        workers: Processes that draw scenes beside the one that learns.
    """
    torch.manual_seed(seed)
    training = Training(start)
    out.mkdir(parents=True, exist_ok=True)
    training.resume(out)
    artwork = Artwork(packs)
    styles = [style for style in artwork.styles if style != HELD_OUT_STYLE]
    data = SceneBatches(Composer(artwork, styles, vary_sprite), stages, training.ids.numpy(), seed)
    total = sum(stage.steps for stage in stages)
    steps = range(training.step, total)
    loader = DataLoader(data, batch_size=None, sampler=steps, num_workers=workers)
    began = time.monotonic()
    with tqdm(total=total, initial=training.step, unit="step") as bar:
        for batch in loader:
            stage, progress = locate(stages, training.step)
            first, last = stage.rate
            loss, found = training.learn(batch, first + (last - first) * progress)
            bar.set_postfix(loss=f"{loss:.3f}", retrieval=f"{found:.3f}")
            bar.update()
            entry = {"step": training.step, "loss": loss, "retrieval": found}
            entry |= {"size": stage.size, "seconds": round(time.monotonic() - began, 1)}
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(entry) + "\n")
            if training.step % save_every == 0 or training.step == total:
                training.save(out)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints and log")
    parser.add_argument("--packs", type=Path, nargs="*", default=[], help="sprites beside our own")
    parser.add_argument("--start", type=Path, help="weights to begin from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    train(args.out, [PACK, *args.packs], STAGES, args.seed, args.start)


if __name__ == "__main__":
    main()
