"""What travels to the browser."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import gradeclip_widget as gw
from gradeclip_widget.export.payload import Payload, to_json, to_payload
from gradeclip_widget.export.picture import DISPLAY_SIDE, display_image

from ..factories import GRID, make_explanation, picture

ALLOWANCE = 96_000  # bytes beside the picture, for 20 words in three readings at 14 x 20


def maps(payload: Payload) -> dict[str, np.ndarray]:
    """The maps by name, unpacked as the front end does."""
    rows, cols = payload["header"]["grid"]
    values = np.frombuffer(payload["maps"], "<f4").reshape(-1, rows, cols)
    blocks, start = {}, 0
    for block in payload["header"]["maps"]:
        blocks[block["name"]] = values[start : start + block["rows"]]
        start += block["rows"]
    assert start == len(values)
    return blocks


def test_maps_are_sent_unchanged() -> None:
    e = make_explanation()
    sent = maps(to_payload(e))
    assert list(sent) == ["caption", "in caption", "alone", "left out"]
    np.testing.assert_array_equal(sent["caption"][0], e.signed_map)
    for reading in e.readings:
        np.testing.assert_array_equal(sent[reading], e.raw_maps(reading))


def test_only_computed_readings_are_sent() -> None:
    assert list(maps(to_payload(make_explanation(alone=None, left_out=None)))) == [
        "caption",
        "in caption",
    ]


def test_the_header_is_plain_json() -> None:
    header = to_payload(make_explanation())["header"]
    assert json.loads(json.dumps(header, allow_nan=False)) == header


def test_the_header_has_the_documented_fields() -> None:
    e = make_explanation(logit_bias=-31.25)
    header = to_payload(e)["header"]
    assert header["version"] == 1
    common = {"truncated": False, "known": True}
    assert header["words"][0] == {"text": "a", **common, "small": True, "attribute": False}
    assert header["words"][1]["small"] is False
    assert header["unrelated"] is None
    assert header["grid"] == list(GRID)
    assert header["image"] == {
        "mime": "image/webp",
        "width": 60,
        "height": 40,
        "cover": [5, 2, 55, 38],
    }
    assert header["score"] == {
        "cosine": 0.3125,
        "logit": 0,
        "scale": 100,
        "bias": -31.25,
        "probability": 0.5,
    }
    assert header["blocks"]["image"] == [0.125, 0.25, 0.5]
    assert header["no_evidence"] == {"image": False, "text": False}
    assert header["notes"] == ["A note."]
    assert header["foreign"] is None
    foreign = to_payload(make_explanation(foreign=True))["header"]["foreign"]
    assert foreign == {"model": "ViT-B-16/openai", "megabytes": 599}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_words_and_gaps_spell_the_caption(text: str) -> None:
    caption = text + " dog"
    header = to_payload(make_explanation(caption))["header"]
    words = [w["text"] for w in header["words"]]
    assert len(header["gaps"]) == len(words) + 1
    spelled = header["gaps"][0] + "".join(
        w + g for w, g in zip(words, header["gaps"][1:], strict=True)
    )
    assert spelled == caption


def test_importance_is_sent_for_every_computed_measure() -> None:
    e = make_explanation()
    sent = to_payload(e)["header"]["importance"]
    assert [(m["name"], m["label"]) for m in sent] == [
        ("shapley", "what the word adds to the score"),
        ("evidence", "share of the evidence (never negative)"),
        ("leave-one-out", "what the score loses without the word"),
        ("grad-eclip", "Grad-ECLIP share (never negative)"),
        ("integrated-gradients", "integrated gradients"),
    ]
    for measure in sent:
        assert measure["values"] == e.importance(measure["name"]).tolist()
        assert measure["base"] == e.base(measure["name"])
    few = make_explanation(word_effects=None, integrated_gradients=None, shapley=None)
    names = [m["name"] for m in to_payload(few)["header"]["importance"]]
    assert names == ["evidence", "grad-eclip"]
    as_published = to_payload(make_explanation(reference=True))["header"]["importance"]
    assert as_published[0]["name"] == "grad-eclip"


def test_scores_of_unrelated_sentences_are_sent_if_computed() -> None:
    e = make_explanation(unrelated_scores=np.array([0.125, 0.25]))
    assert to_payload(e)["header"]["unrelated"] == [0.125, 0.25]


def test_a_picture_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = display_image(picture((70, 50)))
    monkeypatch.setattr("gradeclip_widget.export.picture._encode", lambda *args, **options: b"anew")
    assert display_image(picture((70, 50))) is encoded
    edited = picture((70, 50))
    edited.putpixel((3, 3), (1, 2, 3))
    assert display_image(edited) == b"anew"


def test_json_has_the_buffers_as_base64() -> None:
    payload = to_payload(make_explanation())
    text = to_json(payload)
    assert base64.b64decode(text["maps"]) == payload["maps"]
    assert base64.b64decode(text["image"]) == payload["image"]


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((60, 40), (60, 40)),
        ((2560, 1280), (1280, 640)),
        ((500, 5000), (128, 1280)),
        ((20_000, 3), (1280, 1)),
        ((1, 1), (1, 1)),
    ],
)
def test_a_picture_is_shrunk_for_display_and_never_enlarged(
    size: tuple[int, int], shown: tuple[int, int]
) -> None:
    image = Image.new("RGB", size)
    with Image.open(io.BytesIO(display_image(image))) as sent:
        assert sent.size == shown
        assert max(sent.size) <= DISPLAY_SIDE
    assert image.size == size


def test_a_picture_looks_the_same_in_the_browser() -> None:
    image = picture((200, 150))
    with Image.open(io.BytesIO(display_image(image))) as sent:
        difference = np.abs(np.asarray(sent.convert("RGB"), int) - np.asarray(image, int))
    assert difference.mean() < 4


def twenty_words() -> gw.Explanation:
    caption = " ".join(f"strawberry{n}" for n in range(20))
    return make_explanation(caption, (14, 20))


def test_the_payload_of_twenty_words_is_small() -> None:
    payload = to_payload(twenty_words())
    assert len(payload["header"]["maps"]) == 4
    rest = len(payload["maps"]) + len(json.dumps(payload["header"]).encode())
    assert rest <= ALLOWANCE


@pytest.mark.parametrize("scale", [np.inf, np.nan])
def test_numbers_that_json_lacks_are_sent_as_null(scale: float, tmp_path: Path) -> None:
    """A logit scale that overflows is no reason for a blank page: the cosine and the maps are right."""
    e = make_explanation(logit_scale=scale)
    payload = to_payload(e)
    assert payload["header"]["score"]["cosine"] == e.score
    for name in ("logit", "scale", "probability"):
        assert payload["header"]["score"][name] is None
    for path in (e.save(tmp_path / "e.json"), e.save(tmp_path / "e.html")):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[:\[, ](NaN|-?Infinity)[,\]} ]", text)
