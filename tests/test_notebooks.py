"""The tutorials run from top to bottom as they are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from .frames import pages, shown

NOTEBOOKS = sorted(Path(__file__).parents[1].joinpath("notebooks").glob("*.ipynb"))
LOCAL_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")

# What the texts say of numbers that cells show, in the cells' own names.
CLAIMS = {
    "datasets": """
assert both["share_difference"].abs().max() < 0.005
assert (both["share_difference_low"] * both["share_difference_high"] <= 0).mean() > 0.5
assert (run.explained, run.failed) == (59, 1)
assert errors["image"].str.endswith("500007.png").all()
assert (statistics.set_index("word")["counts"][["and", "a"]] < 0.1).all()
assert statistics["word"].head(5).isin(["and", "a", "of", "the"]).sum() == 0
assert len(gallery.rows) >= 3
assert gallery.rows["caption"].str.contains(word).all()
assert gallery.rows["score"].is_monotonic_decreasing
""",
    "limits": """
assert wrong.loc[["there", "right color"], ["marked", "colored"]].values.tolist() == [[0, 1], [0, 1]]
assert wrong.loc[["not there", "wrong color", "wrong number"], "marked"].min() == 1
assert wrong.loc[["not there", "wrong color", "wrong number"], "colored"].max() == 0
alike = wrong.loc["not there, in place of what looks alike"]
assert 0.3 < alike["marked"] < 0.7 and 0 < alike["colored"] < 0.2
assert 0.3 < wrong.loc["color of the other thing", "colored"] < 0.5
assert wrong.loc["thing in the other's color", "marked"] == 1
assert not wrong.loc["a place, right or wrong", ["marked", "colored"]].any()
full, part, half, none = [rank for _, _, rank, _ in matches]
assert full == part == 1 and 0.9 < half < 0.98 and none < 0.9
assert at_most_zero.sum() <= 0.02 * named.sum()
assert rank_own.min() >= 0.98 and (rank_next < 0.98).mean() > 0.95
for name in ("another thing", "another color", "colors swapped"):
    assert results[name]["low"] > 0.5, name
assert results["bigger or smaller"]["equal scores"] == 1
assert results["left or right"]["low"] < 0.5 < results["left or right"]["high"]
assert [made.count("three apples") for made in preferred.values()] != [0, 0, 12]
assert [word.known for word in e.words if word.text in ("large", "red", "wooden")] == [False, True, False]
lost = {word: (without, swapped) for _, word, without, _, swapped, _ in rows}
assert abs(lost["left"][1]) < 0.005 < lost["left"][0] < lost["dog"][0], "counts, its meaning does not"
assert lost["dog"][1] > 0.1 > 0.005 > abs(lost["a"][0])
""",
    "methods": """
no = said.set_index(["figure", "importance"])["mean"]
assert max(no["absent word colored", "shapley"], no["wrong color colored", "shapley"]) < 0.1
assert min(no["absent word colored", "evidence"], no["wrong color colored", "evidence"]) > 0.5
scores = {label: r.table.groupby("method")["mean"].min() for label, r in results.items()}
assert scores["pointing game"].idxmin() == "random map"
assert scores["pointing game"]["self-attention"] < 0.6 < scores["pointing game"]["grad-eclip"]
by_caption, by_words = scores["deletion"], scores["deletion, source='words'"]
assert by_caption["self-attention"] < by_caption["grad-eclip"] - 0.1
assert by_words["grad-eclip"] < min(by_caption["grad-eclip"], by_words["random map"]) - 0.1
assert scores["word separation"]["self-attention"] == 1 > scores["word separation"]["grad-eclip"]
""",
    "explore": """
at = explainer(scene.image, [right, "a red dog beside a circle"])
assert all(e.region_share(circle.mask, "red") > 0.9 for e in at)
assert all(e.region_share(dog.mask, "red") < 0.02 for e in at)
blue = explainer(scene.image, "a dog beside a blue circle")
assert abs(at[0].score - at[1].score) < 0.02 < 0.3 < at[0].score - blue.score
for how in ("blur", "mean", "noise"):
    assert worth_of_red(gw.erase(scene.image, circle.box, how)) < -0.1
    assert worth_of_red(gw.erase(scene.image, dog.box, how)) > 0.1
assert max(map(abs, of_dogs)) < 0.03 < 0.6 < min(of_shapes)
""",
    "quickstart": """
assert abs(e.base() + e.word_importance.sum() - e.score) < 1e-6
assert [e.words[k].text for k in e.lowering_words()] == ["green"]
colored = {e.words[k].text for highlight in e.highlights() for k in highlight.words}
assert colored == {"yellow", "star", "red", "circle"}, "square adds almost nothing"
unrelated = explainer.unrelated_scores(scene.image, wrong)
assert len(unrelated) > 100 and e.score > unrelated.max(), "CLIP accepts the wrong sentence"
""",
    "regions": """
assert table["all quarters"].sub(table["importance"]).abs().max() < 1e-4
assert abs(e.score - e.base() - e.word_importance.sum()) < 1e-4
assert widget.erased["scores"][0] < e.score - 0.1
""",
}

# What the frame of a cell shows in the site, by the cells' ids: all that the text says is there.
SHOWN = {
    "datasets": {},
    "embedding": {
        "widget-page": {"2 prompts", "difference", "box"},
        "cell": set(),
        "numbers": set(),
    },
    "explore": {
        "look": {"word red"},
        "color": {"2 prompts", "difference"},
        "swapped": {"2 prompts", "word red"},
        "erase": {"box", "erased: blur"},
    },
    "limits": {
        "absent": {"dog lowers"},
        "wrong-color": {"green lowers"},
        "unknown": {"velociraptor unknown"},
        "no-match": {"dog lowers", "cat lowers", "no match"},
        "color-widget": set(),
        "ignored-widget": {"2 prompts", "difference"},
    },
    "methods": {
        "compare": {"4 methods", "word bicycle"},
        "curves": {"4 methods", "4 curves"},
    },
    "own_model": {"wrap": {"no match", "picture lowers", "dog lowers", "cat lowers"}},
    "quickstart": {
        "explore": set(),
        "wrong": {"green lowers"},
        "compare": {"2 prompts", "difference"},
        "region": {"thing"},
    },
    "regions": {
        "draw": {"thing"},
        "seen": {"thing", "best match red circle"},
        "erase-widget": {"thing", "erased: mean"},
    },
}

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookClient]:
    """One kernel for all tutorials: starting it and importing torch takes longer than most of them."""
    folder = str(tmp_path_factory.mktemp("notebooks"))
    client = NotebookClient(
        nbformat.v4.new_notebook(),
        timeout=120,
        shutdown_kernel="immediate",
        resources={"metadata": {"path": folder}},
    )
    # The widgets' frames are made as for the site.
    with client.setup_kernel(env=os.environ | {"GRADECLIP_FALLBACK": "page"}):
        yield client


def run(notebook: nbformat.NotebookNode, claims: str, session: NotebookClient) -> None:
    """Execute a notebook's cells, where none of the names are left that others made, and then the claims."""
    forget, check = map(nbformat.v4.new_code_cell, ("%reset -f", claims))
    session.nb = nbformat.v4.new_notebook(cells=[forget, *notebook.cells, check])
    for index, cell in enumerate(session.nb.cells):
        # A cell that raises, or takes longer, raises here with its traceback.
        session.execute_cell(cell, index)


@each_notebook
def test_notebook_runs_from_top_to_bottom(path: Path, session: NotebookClient) -> None:
    notebook = nbformat.read(path, as_version=4)
    run(notebook, CLAIMS.get(path.stem, ""), session)
    warnings = [
        output["name"] + ": " + output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "stream" and output["name"] == "stderr"
    ]
    assert warnings == [], "a reader of the tutorial sees no warnings"
    frames = {
        cell.id: shown(page)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for page in pages(output.get("data", {}).get("text/html", ""))
    }
    assert frames == SHOWN[path.stem]


@each_notebook
def test_notebook_is_stored_without_outputs(path: Path) -> None:
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert code
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@each_notebook
def test_links_of_a_notebook_lead_somewhere(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    gone = [link for link in LOCAL_LINK.findall(text) if not (path.parent / link).exists()]
    assert gone == []


@pytest.mark.parametrize("name", ["datasets", "embedding", "limits", "methods", "regions"])
def test_one_cell_chooses_the_model(name: str) -> None:
    (path,) = (path for path in NOTEBOOKS if path.stem == name)
    code = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    assert sum("gw.load(" in source for source in code) == 1
    for source in code:
        shown = sum(map(source.count, ("gw.explore(", "gw.explain_dataset(", "gw.browse(")))
        assert shown == source.count("model=clip")


def test_there_are_notebooks() -> None:
    names = "datasets embedding explore limits methods own_model quickstart regions"
    assert [path.stem for path in NOTEBOOKS] == names.split()
