"""Kill processes that write over a file, at random moments, and check the files that they leave."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from PIL import ImageChops

from gradeclip_widget.explain.explanation import Explanation

from ..factories import make_explanation

SUFFIXES = (".html", ".npz")  # one written as text, one as bytes


def write_forever(e: Explanation, path: Path) -> None:
    """Write over a file again and again, with different content every time."""
    for n in range(2, 10**9):
        replace(e, score=n / 1000, image=ImageChops.offset(e.image, n)).save(path)


def is_complete(path: Path) -> bool:
    """Return whether a file has all that its writer writes, from beginning to end."""
    if path.suffix == ".npz":
        return Explanation.load(path).score > 0
    content = path.read_bytes()
    return content.startswith(b"<!doctype html>") and content.endswith(b"</html>\n")


def write_and_kill(e: Explanation, path: Path, delay: float) -> None:
    """Start a process that writes over the file, and kill it after ``delay`` seconds."""
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
    """Print for every format how many files were complete, and how many of them were new."""
    rng, e = random.Random(0), make_explanation()
    for suffix in SUFFIXES:
        path = folder / f"e{suffix}"
        began = time.perf_counter()
        e.save(path)  # imports all modules, so that the children start writing at once
        e.save(path)
        once = time.perf_counter() - began
        complete = new = 0
        for _ in range(tries):
            before = path.read_bytes()
            write_and_kill(e, path, rng.uniform(0, 2 * once))
            try:
                complete += is_complete(path)
            except (OSError, ValueError, SyntaxError) as error:
                print(f"{path}: {error}", file=sys.stderr)
            new += path.read_bytes() != before
        print(f"{suffix}: {complete} of {tries} complete, {new} of them new", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
