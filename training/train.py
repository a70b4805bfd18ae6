"""Train the embedded model by symmetric contrastive learning on drawn pictures.

    python -m training.train --out CHECKPOINTS --packs more-sprites.zip --minutes 100
    python -m training.train --out CHECKPOINTS --packs more-sprites.zip --minutes 8 \
        --recipe gpu --start weights.safetensors --device cuda --workers 15 --save-every 200

The first command trains on two CPU cores from random weights, the second continues from them on a GPU. Scenes
are paired with true sentences, close-ups of single things with their names; the places of things are
not used. A run can be stopped at any time and continues from its last checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import BatchNorm2d
from torch.utils.data import DataLoader
from tqdm import tqdm

from gradeclip_widget.demo.model import CONFIG, TABLE, from_config, read_weights, save_weights
from gradeclip_widget.demo.sprites import PACK, Artwork
from gradeclip_widget.demo.trunk import IMAGE_SIZE
from gradeclip_widget.demo.world import HELD_OUT_STYLE, OBJECTS
from gradeclip_widget.export.files import replacing

from .batches import Batch, SceneBatches, vocabulary_ids
from .fast_towers import encode_images, encode_texts
from .losses import contrast, contrast_many
from .muon import Muon
from .recipes import RECIPES, Stage, locate

WARM_UP = 60  # steps
DECAY = 0.6  # last fraction of the time, in which the learning rate falls to zero
EMA_DECAY = 0.998
INNER = re.compile(r"resblocks|backbone|patch_embed|blocks")  # modules whose matrices Muon updates
PART = 8  # scenes that are encoded at a time


class Training:
    """A model in training: weights, their running mean, optimizers, and the number of steps.

    Args:
        start: initial weights; random by default.
        threads: number of parts of a batch that are processed at a time, on a CPU.
        device: the device. All except a CPU process a batch in one part.
    """

    def __init__(self, start: Path | None = None, threads: int = 1, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.ids = torch.from_numpy(vocabulary_ids())
        self.model = from_config(CONFIG, vocab_size=len(self.ids))
        if start:
            self._start_from(start)
        self.model.to(self.device)
        self.mean = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.in_parts = self.device.type == "cpu"
        self.spread = ThreadPoolExecutor(threads).map if self.in_parts else map
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        for module in self.model.modules():
            if isinstance(module, BatchNorm2d):
                module.momentum = 0.0  # `calibrated` measures the statistics of the saved weights
        inner = {p for n, p in self.model.named_parameters() if p.ndim >= 2 and INNER.search(n)}
        outer = [p for p in self.parameters if p not in inner]
        self.optimizers = (
            Muon([p for p in self.parameters if p in inner], spread=self.spread),
            torch.optim.AdamW(outer, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
        )
        self.step = 0

    def learn(self, batch: Batch, rate: float, shape_names: float = 0.0) -> tuple[float, float]:
        """Run one step; return the loss and the fraction of pictures whose caption scores highest.

        On a CPU the batch is encoded in parts, each by one thread. This is faster than sharing every
        operation among threads, and less sensitive to other work on the machine. The loss is that of the
        whole batch, since it needs only the embeddings.
        """
        batch = batch.to(self.device)
        pictures: tuple[Tensor, ...] = (batch.scenes, batch.close_ups)
        if self.in_parts:
            pictures = in_parts(batch.scenes) + in_parts(batch.close_ups)
        captions = in_parts_of_like_length(batch.tokens, 4 if self.in_parts else 1)
        images_of, texts_of = partial(encode_images, self.model), partial(encode_texts, self.model)
        parts = list(self.spread(images_of, pictures))
        parts += self.spread(texts_of, [batch.tokens[rows] for rows in captions])
        ends = [part.detach().requires_grad_() for part in parts]
        images = torch.cat(ends[: -len(captions)])
        texts = torch.cat(ends[-len(captions) :])[torch.cat(captions).argsort()]
        logits = self.model.logit_scale.exp().clamp(max=100) * images @ texts.T
        about = batch.ignored.shape[1]  # number of captions of scenes; the names follow
        of_scenes, of_close_ups = logits.split([len(batch.scenes), len(batch.close_ups)])
        loss, accuracy = contrast(of_scenes[:, :about], batch.ignored)
        loss = loss + contrast_many(of_close_ups[:, about:], batch.in_close_up)
        if shape_names:
            # Only shapes: names of objects would blur the maps, and have no color to bind.
            shapes = slice(len(OBJECTS), None)
            in_scene = batch.in_scene[:, shapes]
            loss = loss + shape_names * contrast_many(of_scenes[:, about:][:, shapes], in_scene)
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss.backward()
        for gradients in self.spread(self._gradients, parts, ends):
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                if gradient is not None:
                    known = parameter.grad
                    parameter.grad = gradient if known is None else known.add_(gradient)
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
        self.step += 1
        decay = min(EMA_DECAY, self.step / (self.step + 10))
        with torch.no_grad():
            for name, value in self.model.named_parameters():
                self.mean[name].lerp_(value, 1 - decay)
        return loss.item(), accuracy.item()

    def _gradients(self, part: Tensor, end: Tensor) -> tuple[Tensor | None, ...]:
        return torch.autograd.grad(part, self.parameters, end.grad, allow_unused=True)

    def calibrated(self, scenes: Tensor) -> dict[str, Tensor]:
        """Return the mean weights, with statistics of batch norms measured on scenes (B, H, W, 3)."""
        model = copy.deepcopy(self.model)
        model.load_state_dict(self.mean)
        for module in model.modules():
            if isinstance(module, BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None  # a plain mean over all parts
        with torch.no_grad():
            for part in scenes.to(self.device).split(32):
                encode_images(model, part)
        state: dict[str, Tensor] = model.state_dict()
        return state

    def save(self, folder: Path, scenes: Tensor) -> None:
        """Write a checkpoint, and the calibrated mean weights as a file for the package."""
        checkpoint = {
            "step": self.step,
            "model": self.model.state_dict(),
            "mean": self.mean,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "chance": torch.get_rng_state(),
        }
        with replacing(folder / "checkpoint.pt") as temporary:
            torch.save(checkpoint, temporary)
        with replacing(folder / "weights.safetensors") as temporary:
            save_weights(temporary, self.calibrated(scenes), self.ids, f"{self.step} steps")

    def resume(self, folder: Path) -> None:
        """Continue from the checkpoint in a folder, if it exists."""
        if not (folder / "checkpoint.pt").exists():
            return
        checkpoint = torch.load(folder / "checkpoint.pt", map_location="cpu")
        self.step = checkpoint["step"]
        self.model.load_state_dict(checkpoint["model"])
        self.mean = {k: v.to(self.device) for k, v in checkpoint["mean"].items()}
        for optimizer, state in zip(self.optimizers, checkpoint["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        torch.set_rng_state(checkpoint["chance"])

    def _start_from(self, weights: Path) -> None:
        _, state, ids = read_weights(weights)
        table = self.model.token_embedding.weight.detach().clone()
        shared = torch.isin(self.ids, ids)
        table[shared] = state[TABLE][torch.isin(ids, self.ids)]
        self.model.load_state_dict({**self.model.state_dict(), **state, TABLE: table})


def in_parts(pictures: Tensor) -> tuple[Tensor, ...]:
    """Return a batch's pictures in parts with the pixels of `PART` scenes, which fit in a core's cache."""
    count = max(1, PART * IMAGE_SIZE**2 // pictures.shape[1] ** 2)
    parts: tuple[Tensor, ...] = pictures.split(count)
    return parts


def in_parts_of_like_length(tokens: Tensor, parts: int) -> tuple[Tensor, ...]:
    """Return row numbers of captions in parts, the shortest captions first."""
    return tokens.argmax(dim=1).argsort(stable=True).chunk(parts)


@contextmanager
def one_thread_per_operation() -> Iterator[None]:
    """Run every PyTorch operation in one thread, since the parts of a batch share the cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread_per_operation()
def train(
    out: Path,
    packs: Sequence[Path],
    stages: Sequence[Stage],
    seed: int = 0,
    start: Path | None = None,
    save_every: int = 50,
    workers: int = 1,
    minutes: float | None = None,
    threads: int = 2,
    device: str = "cpu",
) -> None:
    """Train through all stages, or the remaining ones.

    Args:
        out: folder of the checkpoint, the weights and the log; training continues from its checkpoint.
        packs: packs of sprites. The held-out style is never used.
        stages: the stages.
        seed: seed of batches, patch dropout and initial weights.
        start: initial weights.
        save_every: steps between checkpoints.
        workers: number of further processes, which draw scenes.
        minutes: stop after this time, at which the learning rate is zero, in any stage. The result then
            depends on the machine.
        threads: number of parts of a batch that are processed at a time, each by one thread, on a CPU.
        device: the device.
    """
    torch.manual_seed(seed)
    training = Training(start, threads, device)
    out.mkdir(parents=True, exist_ok=True)
    training.resume(out)
    artwork = Artwork(packs)
    styles = [style for style in artwork.styles if style != HELD_OUT_STYLE]
    data = SceneBatches(artwork, styles, stages, training.ids.numpy(), seed)
    total = sum(stage.steps for stage in stages)
    steps = range(training.step, total)
    pinned = training.device.type == "cuda"
    loader = DataLoader(data, None, sampler=steps, num_workers=workers, pin_memory=pinned)
    start_time = time.monotonic()
    calibrating = torch.empty(0, 0)  # the latest scenes, preferably of the model's own size
    with tqdm(total=total, initial=training.step, unit="step") as bar:
        for batch in loader:
            if batch.scenes.shape[1] == IMAGE_SIZE or calibrating.shape[1] != IMAGE_SIZE:
                calibrating = batch.scenes
            stage, progress = locate(stages, training.step)
            first, last = stage.rate
            rate = first + (last - first) * progress
            left = 1 - (time.monotonic() - start_time) / (60 * minutes) if minutes else 1.0
            rate *= min(1.0, (training.step + 1) / WARM_UP, max(left, 0.0) / DECAY)
            loss, accuracy = training.learn(batch, rate, stage.shape_names)
            bar.set_postfix(loss=f"{loss:.3f}", retrieval=f"{accuracy:.3f}")
            bar.update()
            entry = {"step": training.step, "loss": loss, "retrieval": accuracy}
            entry |= {
                "size": batch.scenes.shape[1],
                "seconds": round(time.monotonic() - start_time, 1),
            }
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(entry) + "\n")
            if training.step % save_every == 0 or training.step == total or left <= 0:
                training.save(out, calibrating)
            if left <= 0:
                break


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints and log")
    parser.add_argument(
        "--packs", type=Path, nargs="*", default=[], help="sprites besides those of the package"
    )
    parser.add_argument("--start", type=Path, help="initial weights")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="stop after this time, annealed")
    parser.add_argument("--device", default="cpu", help="device, such as cuda")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw scenes")
    parser.add_argument("--save-every", type=int, default=50, help="steps between checkpoints")
    parser.add_argument("--recipe", choices=RECIPES, default="cpu", help="the others need --start")
    args = parser.parse_args()
    torch.set_float32_matmul_precision("highest" if args.device == "cpu" else "high")
    train(
        args.out,
        packs=[PACK, *args.packs],
        stages=RECIPES[args.recipe],
        seed=args.seed,
        start=args.start,
        save_every=args.save_every,
        workers=args.workers,
        minutes=args.minutes,
        threads=args.threads,
        device=args.device,
    )


if __name__ == "__main__":
    main()
