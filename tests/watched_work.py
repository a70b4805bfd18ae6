"""Do the usual work of the package under an audit hook, and print every breach of SECURITY.md as JSON.

`test_security` starts it in a separate process, since an audit hook cannot be removed.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gradeclip_widget as gw
from gradeclip_widget.evaluation import PointingGame, demo_examples, evaluate
from gradeclip_widget.evaluation.sources import folder_examples

from .stress.areas.explanations import npy
from .stress.areas.pictures import EPS
from .stress.watch import install

# pytest imports this file too, to look for examples in it.
FOLDER = Path(sys.argv[1] if __name__ == "__main__" else "")


class Harmful:
    """Writes a file when it is unpickled."""

    def __reduce__(self) -> Any:
        return (Path.touch, (FOLDER / "EXECUTED",))


def ghostscript() -> None:
    """Put a program `gs` first in the path that notes that it ran."""
    program = FOLDER / "out/bin/gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {FOLDER}/EXECUTED\n")
    program.chmod(0o755)
    os.environ["PATH"] = f"{program.parent}:{os.environ['PATH']}"


def usual_work() -> None:
    """Explain, export, load, run over a dataset, browse it, and evaluate."""
    scene = gw.demo.scenes()[0]
    clip = gw.load("demo", device="cpu")
    explainer = gw.Explainer(clip)
    encoded = explainer.encode(scene.image)
    e = explainer.with_unrelated_scores(explainer(encoded, scene.caption), encoded)
    for suffix in (".npz", ".html", ".svg", ".png", ".json", ".gif"):
        e.save(FOLDER / f"out/out{suffix}")
    gw.show(gw.Explanation.load(FOLDER / "out/out.npz")).save_html(FOLDER / "out/shown.html")
    widget = gw.explore(scene.image, [scene.caption, "a dog"], clip)
    widget.wait()
    widget.save_html(FOLDER / "out/explored.html")
    widget.close()
    pictures = FOLDER / "out/pictures"
    pictures.mkdir()
    for n, each in enumerate(gw.demo.scenes()[:3]):
        each.image.save(pictures / f"{n}.png")
        (pictures / f"{n}.txt").write_text(each.caption)
    # Without processes that read pictures: they send them to this one in pickles, through a socket.
    run = gw.explain_dataset(pictures, FOLDER / "out/run", model=clip, progress=False, workers=0)
    gallery = gw.browse(gw.open_run(FOLDER / "out/run"), model=clip)
    gallery.selected = str(gallery.rows["id"][0])
    gallery.wait()
    gallery.close()
    gw.word_statistics(run, minimum=1)
    examples = list(demo_examples(2))
    evaluate({"Grad-ECLIP": explainer}, examples, [PointingGame()], progress=False)


def hostile_files() -> None:
    """Give programs in place of pictures, weights and explanations, in every place where a file enters."""
    ghostscript()
    scene, folder = gw.demo.scenes()[0], FOLDER / "out/hostile"
    (folder / "masks" / "dog").mkdir(parents=True)
    (folder / "masks" / "dog" / "dog.png").write_bytes(EPS)
    for name in ("dog.eps", "dog.jpg"):
        (folder / name).write_bytes(EPS)
    (folder / "captions.csv").write_text("image,caption\ndog.jpg,a dog\n")
    torch.save({"weights": Harmful()}, folder / "weights.pt")
    np.savez(folder / "pickled.npz", header=np.array([Harmful()], object), image=np.zeros(3))
    with zipfile.ZipFile(FOLDER / "out/out.npz") as file:
        members = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(folder / "eps.npz", "w") as file:
        for name, data in (members | {"image.npy": npy(EPS)}).items():
            file.writestr(name, data)
    clip = gw.load("demo", device="cpu")
    explainer = gw.Explainer(clip)
    widget = gw.explore(scene.image, "a dog", clip)
    widget.wait()
    uses: list[Callable[[], Any]] = [
        lambda: explainer(EPS, "a dog"),
        lambda: explainer(folder / "dog.eps", "a dog"),
        lambda: explainer(folder / "dog.jpg", "a dog"),
        lambda: gw.explain_dataset(
            folder, FOLDER / "out/run2", model=clip, progress=False, workers=0
        ),
        lambda: gw.Explanation.load(folder / "eps.npz"),
        lambda: gw.Explanation.load(folder / "pickled.npz"),
        lambda: list(folder_examples(folder, folder / "captions.csv", folder / "masks")),
        lambda: widget.add_image(EPS, "dog.jpg"),
        lambda: gw.load("ViT-B-32", str(folder / "weights.pt"), device="cpu"),
    ]
    for use in uses:
        try:
            use()
        except (ValueError, TypeError, RuntimeError, OSError) as error:
            print(type(error).__name__, str(error)[:150], file=sys.stderr)
    widget.close()


def addresses() -> None:
    """Name web addresses: here connections are expected, which shows that the hook sees them."""
    address = "http://127.0.0.1:9/dog.png"
    try:
        gw.Explainer(gw.load("demo", device="cpu"))(address, "a dog")
    except ConnectionError as error:
        print(error, file=sys.stderr)


def main() -> None:
    """Do all work, and print the breaches of each part."""
    notes: list[str] = []
    noted: dict[str, list[str]] = {}
    (FOLDER / "out").mkdir()
    install(notes.append, lambda: [FOLDER / "out", FOLDER / "cache"])
    for work in (usual_work, hostile_files, addresses):
        work()
        noted[work.__name__] = notes.copy()
        notes.clear()
    print(json.dumps(noted | {"executed": (FOLDER / "EXECUTED").exists()}))


if __name__ == "__main__":
    main()
