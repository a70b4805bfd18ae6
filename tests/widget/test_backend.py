"""Models, resolutions and pictures: what a widget offers, and `gw.explore` with the embedded model."""

from __future__ import annotations

import gc
import inspect
import io
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
import traitlets as t
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.demo import Scene
from gradeclip_widget.demo import model as demo
from gradeclip_widget.images import LoadedImage
from gradeclip_widget.methods import method_names

from ..clip.conftest import small_clip
from ..clip.invariants import wrap
from ..factories import SIZE, picture
from ..fakes import FakeBackend, explored, live_widget

PATIENCE = 60  # seconds until a waiting test fails
Widget = gw.ExplanationWidget


def another(name: str) -> gw.ClipModel:
    """A copy of the embedded model with another name."""
    return gw.ClipModel(demo.build(), demo.preprocess(), demo.tokenizer(), name=name)


# Explaining


def test_explore_explains_and_the_widget_explains_changes(clip: gw.ClipModel, scene: Scene) -> None:
    widget = gw.explore(scene.image, ["a dog", "a red circle"], clip, opacity=0.5)
    assert [e.caption for e in widget.explanations] == ["a dog", "a red circle"]
    assert (widget.opacity, widget.method, widget.model, widget.live) == (
        0.5,
        "grad-eclip",
        "demo",
        True,
    )
    widget.method = "grad-cam"
    widget.wait(PATIENCE)
    assert widget.explanation.method == "Grad-CAM"
    widget.prompt = "?!"
    widget.wait(PATIENCE)
    assert widget.status == "error"
    assert "has no words" in widget.error
    assert widget.explanation.caption == "a dog"


def test_the_worker_computes_the_same_as_an_explainer(
    explainer: gw.Explainer, scene: Scene
) -> None:
    widget = gw.explore(scene.image, "a dog", explainer)
    widget.prompts = ("a red circle", "a dog")
    widget.wait(PATIENCE)
    for mine, theirs in zip(
        widget.explanations, explainer(scene.image, widget.prompts), strict=True
    ):
        assert mine.score == pytest.approx(theirs.score, abs=1e-6)
        assert mine.signed_map == pytest.approx(theirs.signed_map, abs=1e-6)


def test_an_edited_prompt_needs_no_pass_of_the_image_tower(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = wrap(small_clip())  # with several image blocks; the embedded model has one
    clip.verify()  # which makes a pass too
    passes: list[int] = []
    trace = clip.image_tower.trace

    def watched(pixels: torch.Tensor, layers: int = 1, **options: Any) -> Any:
        passes.append(layers)
        return trace(pixels, layers, **options)

    monkeypatch.setattr(clip.image_tower, "trace", watched)
    widget = gw.explore([scene.image, picture()], "a dog", clip)
    for change in ({"prompt": "a cat"}, {"method": "grad-cam"}, {"prompts": ("a tree", "a sun")}):
        widget.set_trait(*next(iter(change.items())))
        widget.wait(PATIENCE)
    assert passes == [1]
    for name, value in (("image_layers", 2), ("picture", 1)):
        widget.set_trait(name, value)
        widget.wait(PATIENCE)
    assert passes == [1, 2, 2]
    assert widget.status == "ready"


def test_explore_without_arguments_shows_a_drawn_scene() -> None:
    widget = gw.explore()
    assert widget.prompt == gw.demo.scenes()[0].caption
    assert widget.explanation.image.size == gw.demo.scenes()[0].image.size


@pytest.mark.parametrize("name", ["captions", "caption", "prompt"])
def test_a_caption_can_be_given_by_any_of_its_names(clip: gw.ClipModel, name: str) -> None:
    assert gw.explore(picture(), model=clip, **{name: "a dog"}).prompt == "a dog"
    assert name in inspect.signature(gw.explore).parameters


def test_a_caption_under_two_names_is_an_error(clip: gw.ClipModel) -> None:
    with pytest.raises(TypeError, match="captions and prompt"):
        gw.explore(picture(), "a dog", clip, prompt="a cat")


def test_a_picture_without_a_caption_or_the_reverse_is_an_error(clip: gw.ClipModel) -> None:
    with pytest.raises(TypeError, match="no caption"):
        gw.explore(picture(), model=clip)
    with pytest.raises(TypeError, match="no picture for 'a dog'"):
        gw.explore(captions="a dog")


def test_a_model_given_by_name_is_loaded_with_device_and_dtype() -> None:
    widget = gw.explore(picture(), "a dog", device="cpu", dtype="bfloat16")
    assert widget._session.backend is not None
    assert widget._session.backend.models.get("demo").dtype is torch.bfloat16


def test_loading_options_for_a_model_object_are_an_error(clip: gw.ClipModel) -> None:
    with pytest.raises(ValueError, match=r"device: .*object"):
        gw.explore(picture(), "a dog", clip, device="cpu")


def test_explore_takes_an_explainer_with_its_options(scene: Scene) -> None:
    clip = wrap(small_clip())
    explainer = gw.Explainer(clip, image_layers=2)
    widget = gw.explore(scene.image, "a dog", explainer)
    widget.prompt = "a red circle"
    widget.wait(PATIENCE)
    assert widget.explanation.image_layers == 2
    widget = gw.explore(scene.image, "a dog", clip, image_layers=3)
    assert widget.explanation.image_layers == 3
    widget.image_layers = 1
    widget.wait(PATIENCE)
    assert widget.explanation.image_layers == 1
    with pytest.raises(ValueError, match="image_layers: an Explainer"):
        gw.explore(scene.image, "a dog", explainer, image_layers=3)


def test_a_picture_whose_file_was_deleted_is_still_explained(
    clip: gw.ClipModel, scene: Scene, tmp_path: Path
) -> None:
    path = tmp_path / "photo.png"
    scene.image.save(path)
    widget = gw.explore(path, "a dog", clip)
    path.unlink()
    widget.prompt = "a red circle"
    widget.wait(PATIENCE)
    assert widget.error == ""
    assert widget.explanation.caption == "a red circle"


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"image": []}, ValueError, "pictures is empty"),
        ({"image": torch.zeros(2, 3, 8, 8)}, ValueError, "2 pictures"),
        ({"captions": []}, ValueError, "captions is empty"),
        ({"models": [3]}, TypeError, "not int"),
        ({"models": ["ViT-B-99/openai"]}, ValueError, "'ViT-B-99'"),
        ({"picture": 1}, ValueError, "picture=1"),
        ({"vocabularies": {"mine": []}}, ValueError, "'mine'"),
        ({"method": "grad-cm"}, ValueError, "'grad-cam'"),
        ({"controls": ["knobs"]}, Exception, "knobs"),
    ],
)
def test_bad_input_raises_at_the_call(
    clip: gw.ClipModel, wrong: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        gw.explore(**{"image": picture(), "captions": "a dog", "model": clip} | wrong)


def test_code_shows_the_same_when_it_runs(
    clip: gw.ClipModel, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scene.image.save("it's.png")
    widget = gw.explore("it's.png", "a dog", fit="squash", text_layers=1)
    widget.resolution, widget.method = 168, "grad-cam"
    widget.prompt = "a red circle"
    widget.wait(PATIENCE)
    again = eval(widget.code, {"gw": gw})
    assert again.code == widget.code
    assert again.explanation.score == widget.explanation.score
    assert again.explanation.signed_map == pytest.approx(widget.explanation.signed_map)
    of_objects = gw.explore(scene.image, ["a dog", "a cat"], clip)
    assert of_objects.code == (
        "# image and clip: as given to this widget\n"
        "gw.explore(image, ['a dog', 'a cat'], model=clip, method='grad-eclip')"
    )


# Models


def test_a_model_is_loaded_once_when_it_is_first_used(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []

    def load(name: str, progress: Any = None) -> gw.ClipModel:
        loads.append(name)
        progress("loading weights", 5, 10)
        return another(name)

    first = another("first")
    monkeypatch.setattr("gradeclip_widget.clip.loading.load_once", load)
    monkeypatch.setattr("gradeclip_widget.clip.loading.label", lambda name, _: name)
    widget = explored(picture(), "a dog", first, models=["second"])
    assert widget._models == [
        {"name": "first", "loaded": True, "bytes": first.nbytes},
        {"name": "second", "loaded": False, "bytes": 0},
    ]
    progress_values: list[Any] = []
    widget.observe(lambda change: progress_values.append(change["new"]), "progress")
    for model in ("second", "first", "second"):
        widget.model = model
        widget.wait(PATIENCE)
        assert widget.explanation.model == model
    assert loads == ["second"]
    assert progress_values[0] == {
        "stage": "loading weights",
        "done": 5,
        "total": 10,
        "unit": "bytes",
    }
    assert [entry["loaded"] for entry in widget._models] == [True, True]


def test_checkpoints_with_the_same_file_name_are_two_entries_of_the_menu(tmp_path: Path) -> None:
    paths = [tmp_path / run / "best.pt" for run in ("a", "b")]
    for seed, path in enumerate(paths):
        path.parent.mkdir()
        torch.manual_seed(seed)
        torch.save(open_clip.create_model("ViT-S-32-alt").state_dict(), path)
    first, second = (f"ViT-S-32-alt/{path}" for path in paths)
    widget = gw.explore(picture(), "a dog", first, models=[second, first])
    assert [entry["name"] for entry in widget._models] == ["ViT-S-32-alt/best", second]
    scores = []
    for entry in widget._models:
        widget.model = entry["name"]
        widget.wait(PATIENCE)
        scores.append(widget.explanation.score)
    expected = [gw.Explainer(gw.load(name))(picture(), "a dog").score for name in (first, second)]
    assert scores == pytest.approx(expected, abs=1e-6)
    assert scores[0] != pytest.approx(scores[1], abs=1e-4)


def test_a_checkpoint_that_was_overwritten_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "best.pt"
    torch.save(open_clip.create_model("ViT-S-32-alt").state_dict(), path)
    name = f"ViT-S-32-alt/{path}"
    widget = gw.explore(picture(), "a dog", name)
    torch.manual_seed(1)
    torch.save(open_clip.create_model("ViT-S-32-alt").state_dict(), path)
    for prompt in ("a cat", "a dog"):
        widget.prompt = prompt
        widget.wait(PATIENCE)
    expected = gw.Explainer(gw.load(name))(picture(), "a dog").score
    assert widget.explanation.score == pytest.approx(expected, abs=1e-6)


def test_an_object_and_a_named_model_with_the_same_name_are_an_error() -> None:
    mine = another("demo")
    with pytest.raises(ValueError, match=r"two models .*'demo'"):
        gw.explore(picture(), "a dog", mine, models=["demo"])
    loaded = gw.load("demo")
    widget = gw.explore(picture(), "a dog", loaded, models=["demo"])
    assert [entry["name"] for entry in widget._models] == ["demo"]


@pytest.mark.parametrize(
    ("wrapper", "message"),
    [
        (
            lambda model: model,
            r"gw\.ClipModel\(model, preprocess",
        ),
        (lambda model: (model, None, None), "create_model_and_transforms"),
        (
            torch.nn.DataParallel,
            r"DataParallel .*model\.module",
        ),
        (lambda model: torch.nn.Linear(2, 2), r"Linear.*gw\.load"),
    ],
)
def test_the_error_for_a_raw_model_shows_how_to_wrap_it(wrapper: Any, message: str) -> None:
    raw = wrapper(small_clip())
    for call in (
        lambda: gw.explore(picture(), "a dog", raw),
        lambda: gw.explore(picture(), "a dog", models=[raw]),
        lambda: gw.Explainer(raw),
        lambda: gw.load(raw),
    ):
        with pytest.raises(TypeError, match=message):
            call()


def test_the_error_for_a_model_of_transformers_shows_how_to_wrap_it() -> None:
    transformers = pytest.importorskip("transformers")
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    config = transformers.CLIPConfig(text_config=sizes, vision_config=sizes)
    raw = transformers.CLIPModel(config)
    message = r"gw\.from_transformers\(model, processor\)"
    for call in (
        lambda: gw.explore(picture(), "a dog", raw),
        lambda: gw.Explainer(raw),
        lambda: gw.ClipModel(raw, None, None),
    ):
        with pytest.raises(TypeError, match=message):
            call()


def test_a_model_is_freed_unless_it_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gradeclip_widget.clip.loading.load_once", lambda name, progress=None: another(name)
    )
    monkeypatch.setattr("gradeclip_widget.clip.loading.label", lambda name, _: name)
    widget = gw.explore(picture(), "a dog", another("first"), models=["second"])
    widget.vocabulary, widget.region = "colors", {"kind": "box", "box": [0, 0, 9, 9]}
    widget.model = "second"
    widget.wait(PATIENCE)
    assert widget._session.backend is not None
    gone = weakref.ref(widget._session.backend.models.get("second"))
    widget._handle_custom_msg({"type": "free", "model": "second"}, [])
    assert (widget.status, widget.error) == (
        "error",
        "model 'second' is in use; switch to another one to free it",
    )
    widget.model = "first"
    widget.wait(PATIENCE)
    widget.free("second")
    assert gone() is None
    assert [entry["loaded"] for entry in widget._models] == [True, False]
    with pytest.raises(ValueError, match="'third'"):
        widget.free("third")


def test_freeing_a_model_object_removes_it_from_the_menu(clip: gw.ClipModel) -> None:
    widget = gw.explore(picture(), "a dog", clip, models=[another("second")])
    widget.free("second")
    assert [entry["name"] for entry in widget._models] == ["demo"]


def test_two_models_with_the_same_name_are_an_error(clip: gw.ClipModel) -> None:
    with pytest.raises(ValueError, match=r"two models .*'demo'"):
        gw.explore(picture(), "a dog", clip, models=[another("demo")])


def test_closing_a_widget_frees_its_models() -> None:
    model = another("short-lived")
    gone = weakref.ref(model)
    widget = gw.explore(picture(), "a dog", model)
    widget.prompt = "a cat"
    widget.wait(PATIENCE)
    widget.close()
    del model
    gc.collect()
    assert gone() is None


def test_methods_that_cannot_explain_the_model_are_listed_with_the_reason(
    clip: gw.ClipModel,
) -> None:
    def refusals(widget: Widget) -> dict[str, str]:
        return {method["name"]: method["refusal"] for method in widget._methods}

    widget = explored(picture(), "a dog", clip)
    assert refusals(widget) == dict.fromkeys(method_names(), "")
    pooled = another("pooled")
    pooled.image_tower.has_query = False
    reasons = refusals(explored(picture(), "a dog", pooled))
    assert (reasons["grad-eclip"], reasons["grad-cam"]) == ("", "")
    assert "shows what a query attends to" in reasons["self-attention"]


def test_every_method_has_sentences_on_its_purpose_and_limits(clip: gw.ClipModel) -> None:
    for method in explored(picture(), "a dog", clip)._methods:
        for sentence in (method["purpose"], method["limits"]):
            assert sentence.strip().endswith("."), method["name"]


# Resolution


def test_finer_maps_are_offered_and_another_model_starts_at_its_default_resolution(
    clip: gw.ClipModel, scene: Scene
) -> None:
    widget = explored(scene.image, "a dog", clip, models=[another("second")])
    assert widget._resolutions == [112, 168, 224]
    widget.resolution = 168
    widget.wait(PATIENCE)
    assert widget.explanation.patch_grid == (21, 21)
    widget.model = "second"
    widget.wait(PATIENCE)
    assert (widget.resolution, widget.explanation.patch_grid) == (None, (14, 14))
    widget.history_index = 1
    widget.wait(PATIENCE)
    assert (widget.model, widget.resolution, widget.explanation.patch_grid) == (
        "demo",
        168,
        (21, 21),
    )


def test_integrated_gradients_are_computed_when_they_are_selected(
    clip: gw.ClipModel, scene: Scene
) -> None:
    widget = gw.explore(scene.image, "a dog", clip)
    assert widget.explanation.integrated_gradients is None
    widget.importance = "integrated-gradients"
    widget.wait(PATIENCE)
    assert widget.explanation.integrated_gradients is not None
    names = [measure["name"] for measure in widget._payloads[0]["header"]["importance"]]
    assert names == ["shapley", "evidence", "leave-one-out", "grad-eclip", "integrated-gradients"]
    with pytest.raises(t.TraitError, match="'magic'"):
        widget.importance = "magic"


def test_no_resolution_is_offered_if_there_is_no_choice(clip: gw.ClipModel) -> None:
    assert explored(picture(), "a dog", clip, fit="crop")._resolutions == []
    normalized = clip.image_processor.prepare(picture((112, 112))).pixels
    assert explored(normalized, "a dog", clip)._resolutions == []
    assert explored(torch.zeros(1, 3, 224, 224), "a dog", clip)._resolutions == [112, 168, 224]


# Pictures


def test_several_pictures_are_shown_as_a_strip(clip: gw.ClipModel, tmp_path: Path) -> None:
    picture().save(tmp_path / "dog.png")
    images = [tmp_path / "dog.png", picture((300, 100)), torch.zeros(1, 3, 224, 224)]
    widget = explored(images, "a dog", clip)
    assert [entry["name"] for entry in widget._pictures] == ["dog.png", "picture 2", "picture 3"]
    thumbnails = [Image.open(io.BytesIO(entry["thumbnail"])) for entry in widget._pictures]
    assert [(t.format, t.size) for t in thumbnails] == [
        ("WEBP", SIZE),
        ("WEBP", (96, 32)),
        ("WEBP", (96, 96)),
    ]
    widget.region = {"kind": "box", "box": [0, 0, 9, 9]}
    widget.picture = 1
    widget.wait(PATIENCE)
    assert widget.explanation.image.size == (300, 100)
    assert widget.region is None, "the region belonged to the other picture"


@pytest.fixture
def live(clip: gw.ClipModel) -> Widget:
    return live_widget(FakeBackend(clip))


def test_a_picture_is_added_and_switched_to(live: Widget) -> None:
    buffer = io.BytesIO()
    picture((90, 30)).save(buffer, "PNG")
    message = {"type": "picture", "name": "dropped.png"}
    live._handle_custom_msg(message, [memoryview(buffer.getvalue())])
    live.wait(PATIENCE)
    assert [entry["name"] for entry in live._pictures] == ["picture 1", "dropped.png"]
    assert (live.picture, live.status) == (1, "ready")
    live.add_image(picture(), name="mine")
    live.wait(PATIENCE)
    assert (live.picture, live._pictures[2]["name"]) == (2, "mine")
    assert [step["prompts"][0] for step in live.history] == ["a dog"] * 3


def test_a_picture_that_cannot_be_read_is_an_error_and_changes_nothing_else(live: Widget) -> None:
    before = live._payloads, live._pictures, live.picture, live.history
    live._handle_custom_msg({"type": "picture", "name": "notes.txt"}, [memoryview(b"no picture")])
    live.wait(PATIENCE)
    assert live.status == "error"
    assert "is not a picture; give" in live.error
    assert (live._payloads, live._pictures, live.picture, live.history) == before
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        live.add_image("nowhere.png")


def test_the_error_of_an_upload_stays_visible_when_earlier_work_ends(clip: gw.ClipModel) -> None:
    backend = FakeBackend(clip)
    widget = live_widget(backend)
    backend.gate.shut()
    widget.prompt = "a cat"
    assert backend.gate.reached.wait(PATIENCE)
    widget._handle_custom_msg({"type": "picture", "name": "notes.txt"}, [memoryview(b"no picture")])
    backend.gate.open()
    widget.wait(PATIENCE)
    assert widget.explanation.caption == "a cat"
    assert widget.status == "error"
    assert "is not a picture" in widget.error
    widget.prompt = "a dog"
    widget.wait(PATIENCE)
    assert (widget.status, widget.error) == ("ready", "")


def test_all_prompts_share_one_picture_in_memory(clip: gw.ClipModel, scene: Scene) -> None:
    widget = gw.explore(scene.image, ["a dog", "a red circle"], clip)
    widget.prompt = "a cat"
    widget.wait(PATIENCE)
    assert widget._session.backend is not None
    source = widget._session.backend.pictures[0].source
    assert isinstance(source, LoadedImage)
    assert all(e.image.im is source.image.im for e in widget.explanations)


def test_for_a_photograph_the_embedded_model_offers_a_model_for_photographs(
    clip: gw.ClipModel,
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (224, 224, 3), np.uint8)
    widget = explored(noise, "a cat", clip)
    header = widget._payloads[0]["header"]
    assert header["foreign"]["model"] in [entry["name"] for entry in widget._models]
    assert header["notes"][0].startswith("This model knows drawings only")
    widget.close()


def test_a_drawing_offers_no_other_model(clip: gw.ClipModel, scene: Scene) -> None:
    widget = explored(scene.image, "a dog", clip)
    assert widget._payloads[0]["header"]["foreign"] is None
    assert [entry["name"] for entry in widget._models] == ["demo"]
    widget.close()
