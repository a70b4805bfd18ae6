"""``gradeclip evaluate``."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import gradeclip_widget as gw
from gradeclip_widget.cli import main

FEW = ["evaluate", "--scenes", "3", "--measures", "energy in the mask"]


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch, clip: gw.ClipModel) -> None:
    monkeypatch.setattr("gradeclip_widget.clip.load", lambda *args, **options: clip)


def test_scenes_are_measured_and_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "report.html"
    methods = ["--methods", "grad-eclip, grad-cam", "-o", str(output)]
    assert main([*FEW, *methods]) == 0
    out = capsys.readouterr().out
    assert "3 examples: drawn scenes, seeds 500000 on." in out
    assert "| grad-cam | " in out
    assert "energy in the mask: grad-" in out
    assert output.read_text().count("<details>") >= 4


def test_a_users_pictures_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenes = [gw.demo.sample_scene(seed, 2) for seed in (963_100, 963_101)]
    for n, scene in enumerate(scenes):
        scene.image.save(tmp_path / f"{n}.png")
    table = pd.DataFrame(
        {"image": ["0.png", "1.png"], "caption": [scene.caption for scene in scenes]}
    )
    table.to_csv(tmp_path / "captions.csv", index=False)
    pictures = [
        "--images",
        str(tmp_path),
        "--captions",
        str(tmp_path / "captions.csv"),
        "--limit",
        "1",
    ]
    for data, named in (
        (pictures, "pictures of"),
        (["--source", str(tmp_path), "--limit", "1"], "pairs of"),
    ):
        assert main(["evaluate", *data, "--measures", "silent words, word deletion"]) == 0
        out = capsys.readouterr().out
        assert f"1 example: {named}" in out
        assert "word deletion" in out


def test_damaged_files_are_left_out_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(5):
        scene = gw.demo.sample_scene(963_110 + n)
        scene.image.save(tmp_path / f"{n}.png")
        (tmp_path / f"{n}.txt").write_text(scene.caption)
    damaged = tmp_path / "3.png"
    damaged.write_bytes(damaged.read_bytes()[:300])
    arguments = ["evaluate", "--source", str(tmp_path), "--measures", "deletion:steps=1"]
    assert main([*arguments, "-o", str(tmp_path / "report.html")]) == 0
    out, err = capsys.readouterr()
    reason = f"'3': '{damaged}' is a damaged picture"
    assert err.count("gradeclip: left out 1 of 5 examples, such as") == 1
    assert err.count(reason) == 1
    assert f"4 examples: pairs of {tmp_path}." in out
    assert f"1 example left out: {reason}" in out
    assert "1 example left out: &#x27;3&#x27;" in (tmp_path / "report.html").read_text()


def test_options_reach_their_method(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*FEW, "--methods", "rise", "--option", "rise.masks=2"]) == 0
    assert "| rise | " in capsys.readouterr().out
    assert main([*FEW, "--methods", "rise", "--option", "rise.mask=2"]) == 2
    assert "not 'mask'" in capsys.readouterr().err


def test_measures_have_options(capsys: pytest.CaptureFixture[str]) -> None:
    measures = "deletion:steps=1:source=words, deletion:steps=1"
    assert main(["evaluate", "--scenes", "1", "--measures", measures]) == 0
    assert "deletion, steps=1, source='words'" in capsys.readouterr().out


def test_all_methods_come_with_a_control(capsys: pytest.CaptureFixture[str]) -> None:
    quick = [f"--option={o}" for o in ("rise.masks=2", "m2ib.steps=1", "exclip.steps=1")]
    measures = "energy in the mask"
    assert (
        main(["evaluate", "--scenes", "1", "--measures", measures, "--methods", "all", *quick]) == 0
    )
    out = capsys.readouterr().out
    for name in (*gw.methods.method_names(), "random map"):
        assert f"| {name} | " in out


WRONG = "absent words, wrong attribute, true captions"


def test_wrong_captions_are_measured_by_every_importance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], clip: gw.ClipModel
) -> None:
    output = tmp_path / "report.html"
    assert main(["evaluate", "--scenes", "3", "--measures", WRONG, "-o", str(output)]) == 0
    out = capsys.readouterr().out
    for name in WRONG.split(", "):
        assert f"{name}: part of the words or captions; 3 examples:" in out
    explainer = gw.Explainer(clip, integrated_gradients=True)
    measures = explainer(gw.demo.scenes()[0].image, "a tree").importance_measures
    assert "integrated-gradients" in measures
    for measure in measures:
        assert out.count(f"| grad-eclip | {measure} | ") == 3
    assert "| method | importance | absent word above zero | " in out
    assert "<td>integrated-gradients</td>" in output.read_text()


def test_absent_things_come_from_a_list_or_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    captions: list[str] = []
    explain = gw.Explainer.__call__

    def remembering(self: gw.Explainer, image: object, caption: str) -> object:
        captions.append(caption)
        return explain(self, image, caption)

    monkeypatch.setattr(gw.Explainer, "__call__", remembering)
    file = tmp_path / "things.txt"
    file.write_text("velociraptor\n\n unicorn \n")
    for classes in (str(file), "unicorn, velociraptor"):
        captions.clear()
        arguments = [
            "evaluate",
            "--scenes",
            "4",
            "--measures",
            "absent-words",
            "--classes",
            classes,
        ]
        assert main(arguments) == 0
        assert sum("velociraptor" in text or "unicorn" in text for text in captions) == 4
    assert "absent words: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--methods", "grad-clip"], "did you mean 'grad-eclip'"),
        (["--measures", "deletions"], "deletion"),
        (["--measures", "deletion:fil=blur"], "'fill'"),
        (["--classes", "dog"], "'absent words'"),
        (["--classes", " , ", "--measures", "absent words"], "no names"),
        (["--masks", "m"], "--masks needs --images"),
        (["--images", "."], "--captions or --coco"),
        (["--images", ".", "--captions", "a.csv", "--coco", "b.json"], "--captions or --coco"),
        (["--images", ".", "--captions", "a.csv"], "'a.csv'"),
        (["--source", "a.csv", "--images", "."], "--images"),
        (["--source", "a.csv"], "a.csv"),
        (["--source", "a.csv", "--limit", "0"], "--limit 0"),
        (["--scenes", "0"], "--scenes 0"),
        (["--option", "rise"], "METHOD.NAME=VALUE"),
        (["--option", "rise.masks=3"], "--option: rise"),
        (["-o", "report.pdf"], "report.pdf"),
    ],
)
def test_bad_arguments_raise_errors_before_anything_is_measured(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "--scenes", "100000", *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "example/s" not in err
