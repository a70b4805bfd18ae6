"""The error of Kernel SHAP with few coalitions, compared with exact Shapley values of words.

``python -m benchmarks.shapley [--scenes 300 --seed 981000]``: true captions of drawn scenes with too many
players for exact values, the embedded model. The exact values use the scores of all coalitions.
"""

from __future__ import annotations

import argparse

import numpy as np

import gradeclip_widget as gw
from gradeclip_widget.clip.tokenizers.base import Tokens
from gradeclip_widget.core.shapley import EXACT, Values, WordGame
from gradeclip_widget.demo import sample_scene
from gradeclip_widget.explain.setup import EncodedImage


def main() -> None:
    """Print the error by the number of players, and over all captions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=300)
    parser.add_argument("--seed", type=int, default=981_000)
    args = parser.parse_args()
    explainer = gw.Explainer(gw.load("demo"))
    errors: dict[int, list[tuple[float, float, float]]] = {}
    for seed in range(args.seed, args.seed + args.scenes):
        scene = sample_scene(seed)
        (tokens,) = explainer.clip.tokens([scene.caption])
        players = len(WordGame.of(tokens.words).players)
        if players > EXACT:
            encoded = explainer.encode(scene.image)
            exact, few = (values_of(encoded, tokens, most) for most in (players, EXACT))
            error = np.abs(few - exact)
            correlation = float(np.corrcoef(few, exact)[0, 1])
            row = float(np.sqrt((error**2).mean())), float(np.abs(exact).max()), correlation
            errors.setdefault(players, []).append(row)
    print("players  captions  root mean square error  largest value  correlation")
    for name, rows in [*sorted(errors.items()), ("all", [r for k in errors.values() for r in k])]:
        error, largest, correlation = np.mean(rows, 0)
        print(f"{name:>7}  {len(rows):8}  {error:22.4f}  {largest:13.3f}  {correlation:11.3f}")


def values_of(encoded: EncodedImage, tokens: Tokens, exact: int) -> Values:
    """Return the words' values, exact for up to ``exact`` players."""
    game, clip = WordGame.of(tokens.words, exact), encoded.setup.clip
    ids = [clip.tokenizer.add_special_tokens(tokens.only(words)) for words in game.coalitions]
    with clip.inference_context():
        scores = (clip.embed(ids) @ encoded.embedding).double().cpu().numpy()
    return game.values(scores)


if __name__ == "__main__":
    main()
