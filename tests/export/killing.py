"""Kill processes that write over a file, at random instants, and look at what they leave."""

from __future__ import annotations

import io
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageChops

from gradeclip_widget.explain.explanation import Explanation

from ..factories import make_explanation

SUFFIXES = (".html", ".json", ".npz", ".png", ".jpg", ".webp", ".gif", ".svg")


def write_forever(e: Explanation, path: Path) -> None:
    """Write over a file again and again, differently every time."""
    for n in range(2, 10**9):
        replace(e, score=n / 1000, image=ImageChops.offset(e.image, n)).save(path)


def whole(path: Path) -> bool:
    """Return whether a file is what its writer writes, from beginning to end."""
    content = path.read_bytes()
    if path.suffix == ".npz":
        return Explanation.load(path).score > 0
    if path.suffix == ".html":
        return content.startswith(b"<!doctype html>") and content.endswith(b"</html>\n")
    if path.suffix == ".json":
        return content.startswith(b"{") and content.endswith(b"}")
    if path.suffix == ".svg":
        return content.startswith(b"<svg ") and content.endswith(b"</svg>\n")
    with Image.open(io.BytesIO(content)) as image:
        image.load()
    return True


def killed(e: Explanation, path: Path, delay: float) -> None:
    """Let a process write over the file, and kill it after so many seconds."""
    child = os.fork()
    if not child:
        try:
            write_forever(e, path)
        finally:
            os._exit(1)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(folder: Path, tries: int) -> None:
    """Print, for every format, how many files were whole, and how many of these were new."""
    rng, e = random.Random(0), make_explanation()
    for suffix in SUFFIXES:
        path = folder / f"e{suffix}"
        began = time.perf_counter()
        e.save(path)  # also brings all modules, so that children begin at once
        e.save(path)
        once = time.perf_counter() - began
        intact = new = 0
        for _ in range(tries):
            before = path.read_bytes()
            killed(e, path, rng.uniform(0, 2 * once))
            try:
                intact += whole(path)
            except (OSError, ValueError, SyntaxError) as error:
                print(f"{path}: {error}", file=sys.stderr)
            new += path.read_bytes() != before
        print(f"{suffix}: {intact} of {tries} whole, {new} of them new", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
