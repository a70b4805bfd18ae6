"""The command line with arguments of any kind: it ends with a status and one message."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from random import Random

from gradeclip_widget.cli import main

from ..mutations import hostile_text
from ..outcome import ERROR, RIGHT, Fault, Outcome
from ..shared import Shared, picture_bytes

FLAGS = (
    "--model", "--method", "--pretrained", "--device", "--resolution", "--image-layers", "--batch-size",
    "--workers", "--fit", "--dtype", "--engine", "--image-column", "--scenes", "--measures", "--methods",
    "--option", "--limit", "--seed", "--confidence", "--captions", "--masks", "--coco", "--instances",
    "--classes", "--source", "--images", "--split",
)  # fmt: skip
VALUES = (
    "demo", "grad-eclip", "grad-cam", "cpu", "auto", "cuda:9", "0", "1", "-1", "2", "96", "1e9", "nan", "x",
    "crop", "whole", "float16", "local", "pointing-game", "a=b", "rise.masks=0", "dog.png", "out", "all",
)  # fmt: skip


class CommandLine:
    """`gradeclip` with any arguments ends with status 0 or 2, and a message without a traceback."""

    name, weight, seconds, megabytes = "cli", 4, 60, 1500

    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    def attempt(self, rng: Random, folder: Path) -> Outcome:
        """Run one command."""
        picture = folder / "dog.png"
        picture.write_bytes(picture_bytes(0))
        (folder / "captions.csv").write_text("image,caption\ndog.png,a dog\n")
        command = rng.choice(("explain", "batch", "evaluate", "models", "demo", "any"))
        output = [
            "-o",
            str(folder / rng.choice(("out.html", "out.json", "out.x", "out", "no/such/a.png"))),
        ]
        argv = {
            "explain": ["explain", str(picture), rng.choice(("a dog", hostile_text(rng))), *output],
            "batch": ["batch", str(folder), "-o", str(folder / "run"), "--workers", "0"],
            "evaluate": ["evaluate", "--scenes", "2", "--measures", "pointing", *output],
            "models": ["models", hostile_text(rng)],
            "demo": ["demo", *output],
            "any": [hostile_text(rng) for _ in range(rng.randint(0, 4))],
        }[command]
        for _ in range(rng.choice((0, 1, 1, 2))):
            value = rng.choice(VALUES) if rng.random() < 0.8 else hostile_text(rng)
            argv += [rng.choice(FLAGS), value]
        if any(word.lower().startswith(("http", "hf:")) for word in argv):
            argv = [*argv[:1], "--help"]
        argv = [word.replace("\x00", "") for word in argv]  # which no program can be given
        out, err = io.StringIO(), io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            contextlib.chdir(folder),
        ):
            try:
                status = main(argv)
            except SystemExit as error:  # of argparse
                status = error.code
            except Exception as error:
                raise Fault(
                    f"{command} | {argv!r:.400}: {type(error).__name__}: {error}"
                ) from error
        if status not in (0, 2):
            raise Fault(f"{command} | {argv!r:.400} ends with status {status}")
        message = err.getvalue()
        if status == 2 and ("Traceback" in message or "gradeclip" not in message):
            raise Fault(f"{command} | {argv!r:.400} prints {message[:300]!r}")
        return Outcome(command, RIGHT if status == 0 else ERROR, "" if status == 0 else "status 2")
