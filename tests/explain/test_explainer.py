"""From a picture and captions to explanations."""

from __future__ import annotations

from typing import Any

import numpy as np
import open_clip
import pytest
import torch

import gradeclip_widget as gw
from gradeclip_widget.core.regions import RegionWarning
from gradeclip_widget.demo.scenes import Scene, sample_scene
from gradeclip_widget.export.still import words_html

from ..clip.conftest import small_clip
from ..clip.invariants import wrap

CAPTION = "a dog next to a red circle"


@pytest.fixture(scope="module")
def clip() -> gw.ClipModel:
    return gw.load("demo", device="cpu")


@pytest.fixture(scope="module")
def blocks() -> gw.ClipModel:
    """A small random model of the kind that the authors' code knows: 3 image blocks, 4 text blocks."""
    return wrap(small_clip())


@pytest.fixture(scope="module")
def scene() -> Scene:
    return sample_scene(3, objects=["dog", "red circle"])


def test_the_score_is_the_models_own(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, fit="crop")(scene.image, CAPTION)
    with torch.no_grad():
        x = clip.model.encode_image(clip.image_processor.crop(scene.image)[None], normalize=True)
        t = clip.model.encode_text(
            open_clip.SimpleTokenizer(context_length=24)([CAPTION]), normalize=True
        )
    assert e.score == pytest.approx(float(x @ t.T), abs=1e-5)
    assert e.logit == pytest.approx(e.score * clip.logit_scale)


def test_several_captions_have_the_same_explanations_as_each_alone(
    clip: gw.ClipModel, scene: Scene
) -> None:
    explainer = gw.Explainer(clip)
    together = explainer(scene.image, [CAPTION, "a cat"])
    assert [e.caption for e in together] == [CAPTION, "a cat"]
    alone = explainer(scene.image, "a cat")
    assert together[1].score == pytest.approx(alone.score, abs=1e-6)
    np.testing.assert_allclose(together[1].interactions, alone.interactions, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"reference": True}, {"image_layers": 3}])
def test_an_encoded_picture_has_the_same_explanation_as_the_picture(
    blocks: gw.ClipModel, scene: Scene, options: dict[str, Any]
) -> None:
    explainer = gw.Explainer(blocks, **options)
    encoded = explainer.encode(scene.image)
    for caption in ("a dog", scene.caption, "a dog"):
        once, anew = explainer(encoded, caption), explainer(scene.image, caption)
        assert once.score == anew.score
        assert np.array_equal(once.interactions, anew.interactions)
        assert np.array_equal(once.token_importance, anew.token_importance)
        assert once.image.tobytes() == anew.image.tobytes()


def test_an_encoded_picture_needs_its_model_and_options(blocks: gw.ClipModel, scene: Scene) -> None:
    encoded = gw.Explainer(blocks).encode(scene.image)
    text_side: list[dict[str, Any]] = [{"readings": False}, {"freeze_norms": False}]
    for options in text_side:
        assert (
            gw.Explainer(blocks, "self-attention", **options)(encoded, "a dog").caption == "a dog"
        )
    for other in (gw.Explainer(blocks, image_layers=2), gw.Explainer(blocks, resolution=448)):
        with pytest.raises(ValueError, match="another model"):
            other(encoded, "a dog")
        with pytest.raises(ValueError, match="another model"):
            other.integrated_gradients(encoded, "a dog")


def test_token_ids_have_the_same_explanation_as_their_caption(
    clip: gw.ClipModel, scene: Scene
) -> None:
    ids = open_clip.SimpleTokenizer(context_length=24)([CAPTION])
    from_ids = gw.Explainer(clip)(scene.image, ids)
    from_text = gw.Explainer(clip)(scene.image, CAPTION)
    assert from_ids.caption == CAPTION
    assert from_ids.words == from_text.words
    np.testing.assert_array_equal(from_ids.interactions, from_text.interactions)


@pytest.mark.parametrize(
    ("ids", "word"),
    [
        (torch.zeros(2, 24, dtype=torch.long), r"shape \(1, 24\)"),
        (torch.zeros(1, 24), "not .* of torch.float32"),
        (torch.zeros(1, 24, dtype=torch.long), r"start with SOT \(49406\)"),
    ],
)
def test_malformed_token_ids_raise(clip: gw.ClipModel, ids: torch.Tensor, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        gw.Explainer(clip)(torch.zeros(1, 3, 224, 224), ids)


@pytest.mark.parametrize("caption", ["", "   ", "?!... --", "\n\t"])
def test_a_caption_without_words_raises(clip: gw.ClipModel, scene: Scene, caption: str) -> None:
    with pytest.raises(ValueError, match="no words"):
        gw.Explainer(clip)(scene.image, caption)


def test_a_caption_that_is_not_a_text_raises(clip: gw.ClipModel, scene: Scene) -> None:
    with pytest.raises(TypeError, match="int: 5"):
        gw.Explainer(clip)(scene.image, [5])  # type: ignore[list-item]


def test_an_empty_list_of_captions_raises(clip: gw.ClipModel, scene: Scene) -> None:
    with pytest.raises(ValueError, match=r"captions.*empty"):
        gw.Explainer(clip)(scene.image, [])


def test_words_beyond_the_context_length_are_cut_off_and_noted(
    clip: gw.ClipModel, scene: Scene
) -> None:
    e = gw.Explainer(clip)(scene.image, "dog " * 500)
    assert len(e.words) == 500
    assert sum(bool(w.tokens) for w in e.words) == len(e.tokens) == 22
    assert not e.words[21].truncated
    assert e.words[22].truncated
    assert any("478 words from 'dog' on were not read" in note for note in e.notes)
    assert not e.raw_map(400).any()
    frame = e.to_frame(full=True)
    numbers = frame.select_dtypes("number")
    assert numbers[22:].isna().all(None)
    assert numbers["importance"][:22].notna().all()
    last = e.region_words((0, 0, *e.image.size))[-1]
    assert np.isnan([last.value, last.share, e.region_share((0, 0, 50, 50), 400)]).all()
    assert "not read" in words_html(e)


def test_words_the_model_was_not_trained_on_are_named(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip)(scene.image, "a dog and a xylophone")
    assert [w.text for w in e.words if not w.known] == ["xylophone"]
    assert any("vocabulary" in note and "'xylophone'" in note for note in e.notes)


def test_evidence_in_unexplained_blocks_is_noted(
    blocks: gw.ClipModel, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gradeclip_widget.explain.notes._FAINT", 0.999)

    def notes(**options: Any) -> list[str]:
        made = gw.Explainer(blocks, **options)(scene.image, CAPTION).notes
        return [note for note in made if "would explain more" in note]

    (note,) = notes()
    assert "image_layers=3 would explain more" in note
    assert not notes(image_layers=3)
    (note,) = notes(image_layers=3, text_layers=1)
    assert "layers of the text tower carry" in note
    assert "text_layers=4 would explain more" in note


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_more_blocks_change_only_the_maps(blocks: gw.ClipModel, scene: Scene, layers: int) -> None:
    e = gw.Explainer(blocks, image_layers=layers)(scene.image, CAPTION)
    base = gw.Explainer(blocks)(scene.image, CAPTION)
    assert e.image_layers == layers
    assert e.score == pytest.approx(base.score, abs=1e-5)
    assert np.allclose(e.signed_map, base.signed_map, atol=1e-5) == (layers == 1)


def test_block_shares_cover_every_block(blocks: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(blocks)(scene.image, CAPTION)
    assert (e.image_block_shares.shape, e.text_block_shares.shape) == ((3,), (4,))
    assert e.text_layers == 4


def test_the_grid_covers_the_whole_of_a_wide_picture(clip: gw.ClipModel) -> None:
    wide = sample_scene(5).image.resize((448, 224))
    e = gw.Explainer(clip)(wide, CAPTION)
    assert e.patch_grid == (14, 28)
    assert e.cover == (0, 0, 448, 224)
    crop = gw.Explainer(clip, fit="crop")(wide, CAPTION)
    assert crop.cover == (112, 0, 336, 224)
    assert any(
        "did not see all" in n and "448 x 224" in n and "112, 0, 336, 224" in n for n in crop.notes
    )
    assert not any("did not see" in note for note in e.notes)
    with pytest.warns(RegionWarning, match="did not see"):
        left = crop.region_words((0, 0, 100, 224))
    assert [word.index for word in left] == list(range(len(crop.words)))
    assert np.isnan([(word.value, word.share) for word in left]).all()
    with pytest.warns(RegionWarning, match="saw 50 %"):
        half = crop.region_words((0, 0, 224, 224))
    assert half == crop.region_words((112, 0, 224, 224))
    with pytest.warns(RegionWarning, match="did not see"):
        assert np.isnan(crop.region_share((0, 0, 100, 224), "dog"))
    assert gw.Explainer(clip, fit="squash")(wide, CAPTION).patch_grid == (14, 14)


def test_resolution_makes_finer_maps(clip: gw.ClipModel, scene: Scene) -> None:
    finer = 2 * clip.image_processor.image_size[0]
    e = gw.Explainer(clip, resolution=finer)(scene.image, CAPTION)
    assert e.patch_grid == (28, 28)


def test_without_readings_only_the_caption_is_explained(clip: gw.ClipModel, scene: Scene) -> None:
    e = gw.Explainer(clip, readings=False)(scene.image, CAPTION)
    assert e.readings == ("in caption",)
    with pytest.raises(ValueError, match="reading 'alone'"):
        e.raw_map("dog", "alone")


@pytest.mark.parametrize(
    "caption",
    ["\u0643\u0644\u0628 \u0641\u064a", "\u4e00\u53ea\u72d7", "\U0001f436 \U0001f697", "dog"],
)
def test_captions_in_any_script_are_explained(
    clip: gw.ClipModel, scene: Scene, caption: str
) -> None:
    e = gw.Explainer(clip)(scene.image, caption)
    assert [k for w in e.words for k in w.tokens] == list(range(len(e.tokens)))
    np.testing.assert_allclose(e.raw_maps().sum(0), e.interactions.sum(0), atol=1e-6)


def test_a_leave_one_out_score_is_the_difference_to_the_score_without_the_word(
    clip: gw.ClipModel, scene: Scene
) -> None:
    explainer = gw.Explainer(clip)
    e = explainer(scene.image, CAPTION)
    assert e.word_effects is not None
    shorter = explainer.scores(scene.image, ["a next to a red circle", "a dog next to a circle"])
    assert e.word_effects[[1, 5]] == pytest.approx(e.score - shorter, abs=1e-6)
    assert gw.Explainer(clip, readings=False)(scene.image, CAPTION).word_effects is None


def test_a_word_that_was_not_read_has_a_leave_one_out_score_of_zero(
    clip: gw.ClipModel, scene: Scene
) -> None:
    e = gw.Explainer(clip)(scene.image, "dog " * 25)
    assert e.word_effects is not None
    assert not e.word_effects[22:].any()


@pytest.mark.parametrize("options", [{}, {"image_layers": 3}, {"reference": True}, {"fit": "crop"}])
def test_scores_equal_those_of_the_explanations(
    blocks: gw.ClipModel, scene: Scene, options: dict[str, Any]
) -> None:
    explainer, captions = gw.Explainer(blocks, **options), [CAPTION, "a cat", "two red cars"]
    scores = explainer.scores(scene.image, captions)
    assert scores.shape == (3,)
    assert scores == pytest.approx([e.score for e in explainer(scene.image, captions)], abs=1e-6)


def test_progress_reports_the_stages(clip: gw.ClipModel, scene: Scene) -> None:
    told: list[tuple[str, int, int | None]] = []
    gw.Explainer(clip)(scene.image, [CAPTION, "a cat"], lambda *step: told.append(step))
    assert told == [("tokens", 0, None), ("image tower", 0, None), ("maps", 0, 2), ("maps", 1, 2)]


@pytest.mark.parametrize("stage", ["tokens", "image tower", "maps"])
def test_an_exception_in_progress_stops_the_work(
    clip: gw.ClipModel, scene: Scene, stage: str
) -> None:
    class StopError(Exception):
        pass

    def stop(at: str, done: int, total: int | None) -> None:
        if at == stage:
            raise StopError

    clip.model.train()
    try:
        with pytest.raises(StopError):
            gw.Explainer(clip)(scene.image, CAPTION, stop)
        assert clip.model.training
    finally:
        clip.model.eval()


def test_reference_explains_the_score_of_the_authors_code(
    blocks: gw.ClipModel, scene: Scene
) -> None:
    e = gw.Explainer(blocks, reference=True)(scene.image, CAPTION)
    ours = gw.Explainer(blocks)(scene.image, CAPTION)
    assert e.reference
    assert e.score != pytest.approx(ours.score, abs=1e-4)


def test_freezing_norms_changes_the_importance_of_tokens_and_no_map(
    blocks: gw.ClipModel, scene: Scene
) -> None:
    explainer = gw.Explainer(blocks)
    encoded = explainer.encode(scene.image)
    frozen = explainer(encoded, CAPTION)
    differentiated = gw.Explainer(blocks, freeze_norms=False)(encoded, CAPTION)
    for name in ("interactions", "signed_map", "alone", "left_out", "word_effects"):
        assert np.array_equal(getattr(frozen, name), getattr(differentiated, name)), name
    assert not np.allclose(frozen.token_importance, differentiated.token_importance, atol=0.01)
    for e in (frozen, differentiated):
        assert e.token_importance.sum() == pytest.approx(1, abs=1e-5)


def test_the_authors_computation_differentiates_norms(blocks: gw.ClipModel, scene: Scene) -> None:
    either = [
        gw.Explainer(blocks, reference=True, freeze_norms=freeze)(scene.image, CAPTION)
        for freeze in (True, False)
    ]
    assert np.array_equal(either[0].token_importance, either[1].token_importance)
    assert not gw.Explainer(blocks, reference=True).freeze_norms


def test_another_method_keeps_the_options(blocks: gw.ClipModel) -> None:
    options = {
        "reference": False, "freeze_norms": False, "image_layers": 2, "text_layers": 3, "fit": "crop",
        "resolution": 192, "readings": False, "integrated_gradients": True,
    }  # fmt: skip
    other = gw.Explainer(blocks, **options).with_method("grad-cam")
    assert other.method.name == "grad-cam"
    assert other.options == options


def test_measures_that_contradict_each_other_are_noted(
    blocks: gw.ClipModel, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[list[str], str]] = []

    def disagreement(words: Any, importances: dict[str, Any], default: str) -> str:
        assert all(len(values) == len(words) for values in importances.values())
        told.append((list(importances), default))
        return "They contradict each other."

    monkeypatch.setattr("gradeclip_widget.explain.assemble.disagreement", disagreement)
    options = ({"readings": False}, {"readings": False, "integrated_gradients": True})
    for each in options:
        e = gw.Explainer(blocks, **each)(scene.image, CAPTION)
        assert e.notes[-1] == "They contradict each other."
    assert told == [
        (["evidence", "grad-eclip"], "evidence"),
        (["evidence", "grad-eclip", "integrated-gradients"], "evidence"),
    ]


def test_a_signed_measure_needs_no_note_on_contradictions(
    blocks: gw.ClipModel, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gradeclip_widget.explain.assemble.disagreement", lambda *_: "Contradiction."
    )
    assert "Contradiction." not in gw.Explainer(blocks)(scene.image, CAPTION).notes


def test_wrong_options_raise(clip: gw.ClipModel, blocks: gw.ClipModel) -> None:
    with pytest.raises(ValueError, match="1 to 3"):
        gw.Explainer(blocks, image_layers=9)
    with pytest.raises(ValueError, match="text_layers=0"):
        gw.Explainer(clip, text_layers=0)
    with pytest.raises(TypeError, match=r"'demo'.*gw\.load"):
        gw.Explainer("demo")  # type: ignore[arg-type]
