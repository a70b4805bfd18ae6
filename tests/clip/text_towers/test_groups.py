"""Groups of captions embedded together give what each caption gives alone."""

from __future__ import annotations

import random

import pytest

import gradeclip_widget as gw
from gradeclip_widget.clip.text_towers.trie import packed_batches

from .. import invariants as check

WORDS = "a brown dog in the red car waits for green lights and two old cats sleep".split()


def groups_of(clip: gw.ClipModel, lengths: list[int]) -> list[list[list[int]]]:
    """Captions of so many words, each with itself without every word."""
    rng = random.Random(3)
    captions = clip.tokens([" ".join(rng.choices(WORDS, k=length)) for length in lengths])
    enclose = clip.tokenizer.add_special_tokens
    return [[enclose(t.ids), *(enclose(t.without(w)) for w in t.words)] for t in captions]


@pytest.mark.parametrize("lengths", [[4], [1, 12, 3, 7, 7, 2], [40, 1, 30, 60, 2]])
def test_causal_tower(wrapped: gw.ClipModel, lengths: list[int]) -> None:
    groups = groups_of(wrapped, lengths)
    found = wrapped.text_tower.embed_groups(groups)
    for group, embeddings in zip(groups, found, strict=True):
        check.close(embeddings, wrapped.embed(group))


def test_towers_that_read_both_ways(clip: gw.ClipModel) -> None:
    """They have no beginnings to share, and embed all captions in a row."""
    groups = groups_of(clip, [2, 5])
    base = super(type(clip.text_tower), clip.text_tower)._embed_groups
    found = base(groups, clip.tokenizer.special_tokens)
    for group, embeddings in zip(groups, found, strict=True):
        check.close(embeddings, clip.embed(group))


def test_little_of_a_batch_is_padding(wrapped: gw.ClipModel) -> None:
    groups = groups_of(wrapped, [2, 3, 4, 5, 9, 10, 11, 12, 14] * 8)
    batches = list(packed_batches(groups, 16_384))
    tokens = sum(int((batch.mask.sum(2) > 1).sum()) + batch.ids.shape[0] for batch in batches)
    assert tokens > 0.8 * sum(batch.ids.numel() for batch in batches)
    assert sorted(n for batch in batches for n in batch.groups) == list(range(len(groups)))


def test_batches_are_bounded(wrapped: gw.ClipModel) -> None:
    groups = groups_of(wrapped, [12] * 20 + [50])
    sizes = [batch.ids.numel() for batch in packed_batches(groups, 512)]
    longest = max(batch.ids.shape[1] for batch in packed_batches(groups, 512))
    assert len(sizes) > 1
    assert all(size <= max(512, longest) for size in sizes)
