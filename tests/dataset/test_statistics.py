"""Statistics of words over a run, and over two."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.stats

from gradeclip_widget.dataset.runs.schema import pairs_schema
from gradeclip_widget.dataset.statistics import word_figure, word_statistics

from .stored_run import write_run


def pair(caption: str, *importances: float | None, **more: Any) -> dict[str, Any]:
    return {"caption": caption, "importances": list(importances), **more}


ROWS = [
    pair("A dog", 0.0, 0.2),
    pair("a cat", -0.1, 0.1),
    pair("a Dog on a dog", 0.01, 0.1, 0.04, 0.05, 0.1),
    pair("dog", float("nan")),
]


def by_word(statistics: pd.DataFrame) -> pd.DataFrame:
    return statistics.set_index("word")


def test_numbers_of_a_word_are_over_the_pairs_that_have_it(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ROWS, part=2)
    words = by_word(word_statistics(run, minimum=1))
    assert list(words.index) == ["cat", "dog", "on", "a"]  # by share: 1, 0.83, 0.13, 0.07
    dog, a = words.loc["dog"], words.loc["a"]
    assert dog["pairs"] == 2  # a caption with the word twice is one pair; NaN is not counted
    assert dog["mean"] == pytest.approx(0.2)
    assert dog["share"] == pytest.approx((1 + 0.2 / 0.3) / 2)
    assert (dog["counts"], dog["lowers"]) == (1, 0)
    assert a["pairs"] == 3
    assert a["mean"] == pytest.approx((0 - 0.1 + 0.06) / 3)
    assert a["median"] == pytest.approx(0)
    assert a["counts"] == pytest.approx(1 / 3)  # its second one in the third caption
    assert a["lowers"] == pytest.approx(1 / 3)
    assert a["share"] == pytest.approx((0 + 0 + 0.06 / 0.3) / 3)
    assert np.isnan(words.loc["cat", "low"])  # one pair has no deviation


def test_95_percent_of_the_intervals_contain_the_mean(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.1, 0.05, (400, 8))
    rows = [pair(f"w{word}", value) for word, of in enumerate(values) for value in of]
    words = word_statistics(write_run(tmp_path / "run", rows))
    assert len(words) == 400
    inside = (words["low"] <= 0.1) & (words["high"] >= 0.1)
    assert 0.925 < inside.mean() < 0.975
    one = by_word(words).loc["w7"]
    low, high = scipy.stats.t.interval(
        0.95, 7, values[7].mean(), scipy.stats.sem(values[7].astype(np.float32))
    )
    assert (one["low"], one["high"]) == pytest.approx((low, high), rel=1e-5)


def test_rare_words_are_left_out(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ROWS)
    assert set(word_statistics(run, minimum=2)["word"]) == {"a", "dog"}
    with pytest.raises(ValueError, match=r"no word .* in 5 pairs.* 3"):
        word_statistics(run)
    with pytest.raises(ValueError, match="minimum=0"):
        word_statistics(run, minimum=0)


def test_two_runs_are_compared_on_the_pairs_that_both_have(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", [pair("a dog", 0.1, 0.1 + n / 100) for n in range(6)])
    rows = [pair("a dog", 0.1, 0.3 + n / 100) for n in range(6)]
    rows[5]["caption"] = "the dog"  # a different pair with the same id
    rows.append(pair("a dog", 0.1, 9.0))  # not in `one`
    two = write_run(tmp_path / "two", rows, method={"name": "rise", "label": "rise, masks=9"})
    words = by_word(word_statistics(one, two))
    dog = words.loc["dog"]
    assert (dog["pairs"], dog["pairs_other"], dog["shared"]) == (6, 7, 5)
    assert dog["mean_other"] == pytest.approx(np.mean([0.3, 0.31, 0.32, 0.33, 0.34, 0.35, 9.0]))
    assert dog["difference"] == pytest.approx(0.2)
    assert (dog["difference_low"], dog["difference_high"]) == pytest.approx((0.2, 0.2), abs=1e-6)
    shares = [
        (0.3 + n / 100) / (0.4 + n / 100) - (0.1 + n / 100) / (0.2 + n / 100) for n in range(5)
    ]
    assert dog["share_difference"] == pytest.approx(np.mean(shares), rel=1e-5)
    low, high = scipy.stats.t.interval(0.95, 4, np.mean(shares), scipy.stats.sem(shares))
    assert (dog["share_difference_low"], dog["share_difference_high"]) == pytest.approx(
        (low, high), rel=1e-5
    )
    few = by_word(word_statistics(one, two, minimum=6)).loc["dog"]
    assert np.isnan(few[["difference", "share_difference", "share_difference_low"]].to_list()).all()
    back = by_word(word_statistics(two, one)).loc["dog"]
    assert back["difference"] == pytest.approx(-0.2)


def test_words_that_are_not_in_the_other_run(tmp_path: Path) -> None:
    one = write_run(tmp_path / "one", [pair("a dog", 0.1, 0.1), pair("a cat", 0.1, 0.1)])
    two = write_run(tmp_path / "two", [pair("a dog", 0.1, 0.1)])
    cat = by_word(word_statistics(one, two, minimum=1)).loc["cat"]
    assert (cat["pairs_other"], cat["shared"]) == (0, 0)
    assert np.isnan(cat["difference"])


def test_pairs_that_failed_in_one_run_are_left_out(tmp_path: Path) -> None:
    rows = [pair("a dog", 0.1, n / 10, position=n, id=f"p{n}") for n in range(7)]
    one = write_run(tmp_path / "one", rows)
    two = write_run(tmp_path / "two", rows[2:])
    dog = by_word(word_statistics(one, two)).loc["dog"]
    assert (dog["pairs"], dog["shared"], dog["difference"]) == (7, 5, 0)


def test_equal_pairs_are_matched_in_order(tmp_path: Path) -> None:
    same = {"id": "7", "picture": "dog"}
    for name in ("one", "two"):
        write_run(tmp_path / name, [pair("a dog", 0.1, n / 10, **same) for n in range(6)])
    dog = by_word(word_statistics(tmp_path / "one", tmp_path / "two")).loc["dog"]
    assert dog["shared"] == 6
    assert (dog["difference_low"], dog["difference_high"]) == (0, 0)


def test_folders_and_runs_without_statistics_raise(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [pair("a dog", 0.1, 0.1)] * 5)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        word_statistics(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="no run"):
        word_statistics(run, tmp_path)
    none = write_run(tmp_path / "none", [{"importances": None}] * 5)
    with pytest.raises(ValueError, match="none' has no importances"):
        word_statistics(none)
    other = write_run(tmp_path / "other", [pair("a cat", 0.1, 0.1)] * 5)
    with pytest.raises(ValueError, match="share no pair"):
        word_statistics(run, other)
    for part in (run / "pairs").iterdir():
        part.unlink()
    with pytest.raises(ValueError, match="no complete part"):
        word_statistics(run)


def test_folders_may_have_names_with_wildcards(tmp_path: Path) -> None:
    run = write_run(tmp_path / "a[b]*", [pair("a dog", 0.1, 0.1)] * 5)
    write_run(tmp_path / "ab", [pair("a cat", 0.1, 0.1)] * 5)
    assert set(word_statistics(run)["word"]) == {"a", "dog"}


def test_a_missing_duckdb_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ModuleNotFoundError, match="need duckdb"):
        word_statistics(tmp_path)


def large(count: int, seed: int, lift: float = 0.0) -> pa.Table:
    """Return the table of a run with 2,000 words, the first of which have the largest importances."""
    rng = np.random.default_rng(seed)
    chosen = np.minimum(rng.zipf(1.3, (count, 10)) - 1, 1999)
    values = rng.normal(np.linspace(0.1, -0.01, 2000)[chosen], 0.02) + lift * (chosen == 3)
    words = np.array([f"word{n}" for n in range(2000)])[chosen]
    schema = pairs_schema(4)
    columns: dict[str, Any] = {
        "id": [str(n) for n in range(count)],
        "position": np.arange(count),
        "caption": [" ".join(of) for of in words],
        "image": [f"{n}.png" for n in range(count)],
        "picture": [str(n) for n in range(count)],
        "words": words.tolist(),
        "importances": list(values.astype(np.float32)),
        "map": np.zeros((count, 4), np.float32).tolist(),
        "cover": np.zeros((count, 4), np.float32).tolist(),
    }
    for field in schema:
        if field.name not in columns:
            empty = (
                ""
                if pa.types.is_string(field.type)
                else False
                if pa.types.is_boolean(field.type)
                else 0
            )
            columns[field.name] = [None if field.nullable else empty] * count
    return pa.table({name: columns[name] for name in schema.names}, schema)


def test_finds_the_one_word_that_changed_among_100000_pairs(tmp_path: Path) -> None:
    table = large(100_000, 0)
    run = write_run(tmp_path / "run", table, 4, part=5000)
    other = write_run(tmp_path / "other", large(100_000, 0, lift=0.05), 4, part=7000)
    words = by_word(word_statistics(run, other))
    count = sum("word3" in caption for caption in table["words"].to_pylist())
    assert words.loc["word3", "pairs"] == words.loc["word3", "shared"] == count
    changed = words["share_difference_low"] > 0
    assert list(words.index[changed & (words["shared"] > 1000)]) == ["word3"]


@pytest.fixture(scope="module")
def statistics(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(3)
    nouns = {"dog": 0.2, "<b>cat": 0.12, "picture": 0.001, "nothing": -0.02}
    runs = []
    for name, dog in (("one", 0.2), ("two", 0.1)):
        rows = []
        for n in range(80):
            word = list(nouns)[n % 4]
            strength = dog if word == "dog" else nouns[word]
            values = np.array([0.01, strength, 0.01, 0.1]) + rng.normal(0, 0.005, 4)
            rows.append(pair(f"a {word} of red", *values, words=["a", word, "of", "red"]))
        rows += [pair("rare", 5.0)] * 5  # the only word of its caption
        runs.append(write_run(folder / name, rows))
    return word_statistics(*runs)


def words_in(figure: Any) -> list[str]:
    """Return the words from top to bottom, without their numbers of pairs."""
    order = figure.layout.yaxis.categoryarray
    labels = order if order is not None else figure.data[0].y
    return [label.rpartition(" (")[0] for label in labels]


def test_words_that_carry_the_score_come_first(statistics: pd.DataFrame) -> None:
    figure = word_figure(statistics, count=4)
    assert words_in(figure) == ["rare", "dog", "red", "&lt;b&gt;cat"]
    assert [trace.name for trace in figure.data] == [
        "one (grad-eclip · demo)",
        "two (grad-eclip · demo)",
    ]
    dog = by_word(statistics).loc["dog"]
    index = words_in(figure).index("dog")
    assert [trace.x[index] for trace in figure.data] == [dog["share"], dog["share_other"]]
    assert figure.data[0].error_x.array[index] == pytest.approx(dog["share_high"] - dog["share"])


def test_ignored_words_are_without_function_words(statistics: pd.DataFrame) -> None:
    assert words_in(word_figure(statistics, "ignored", count=2)) == ["nothing", "picture"]
    everything = words_in(word_figure(statistics, "ignored", function_words=True))
    assert set(everything) >= {"a", "of"}
    figure = word_figure(statistics, "ignored")
    assert figure.data[1].x[0] == 1
    assert "dog" not in words_in(figure)


def test_a_rare_word_does_not_come_first_by_chance() -> None:
    rows = {
        "word": ["rare", "often"],
        "pairs": [5, 500],
        "counts": [0.0, 0.01],
        "lowers": [0.0, 0.0],
    }
    assert words_in(word_figure(pd.DataFrame(rows), "ignored")) == ["often", "rare"]


def test_words_are_colored_by_their_change(statistics: pd.DataFrame) -> None:
    figure = word_figure(statistics, "changed")
    kinds = {trace.name: {label.rpartition(" (")[0] for label in trace.y} for trace in figure.data}
    assert kinds["carries less"] == {"dog"}
    assert "red" in kinds["carries more"]
    assert "rare" in kinds["no clear difference"]


def test_figures_are_drawn_for_light_and_dark_pages(statistics: pd.DataFrame) -> None:
    light, dark = word_figure(statistics), word_figure(statistics, dark=True)
    assert light.layout.template.layout.paper_bgcolor == "white"
    assert dark.layout.template.layout.paper_bgcolor == "rgb(17,17,17)"
    assert light.data[0].marker.color != dark.data[0].marker.color


def test_figures_without_words_raise(statistics: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="shows='all'"):
        word_figure(statistics, "all")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="one run"):
        word_figure(statistics.drop(columns="share_difference"), "changed")
    with pytest.raises(ValueError, match="count=0"):
        word_figure(statistics, count=0)
    with pytest.raises(ValueError, match="every word counts"):
        word_figure(statistics[statistics["word"] == "dog"], "ignored")
    with pytest.raises(ValueError, match=r"no words.*ignored"):
        word_figure(statistics[statistics["word"] == "a"], "ignored")
