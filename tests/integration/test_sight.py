"""Detector, aligner and network together, on real faces."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from facenode import facenode

from node.assembly import Vision, build_vision
from node.camera.image_file import read_image
from node.camera.video import read_video
from node.contract import schema
from node.domain import Flaw, Frame, Image, Vector
from node.people.enrolment import Refusal, examine, examine_image
from node.people.gallery import Sample
from node.settings.loader import load


@pytest.fixture(scope="module")
def eyes() -> Vision:
    """Return detector and network with the default settings."""
    return build_vision(load(None, {}, {}, Path("/nonexistent")), ("age",))


def embedding(eyes: Vision, image: Image) -> Vector:
    """Return the embedding of the only face."""
    (face,) = eyes.detector.detect(Frame(image))
    found = eyes.recognizer.look(image, face).embedding
    assert found is not None
    return found


def test_one_man_resembles_himself_and_nobody_else(eyes: Vision, media_dir: Path) -> None:
    """The nearest of five early frames is above .4 of a late one; two other people stay below .25."""
    frames = list(read_video(media_dir / "carphone.mp4"))
    anchors = np.stack([embedding(eyes, frames[number]) for number in (0, 10, 20, 30, 40)])
    late = embedding(eyes, frames[100])
    grace, eileen = (embedding(eyes, read_image(media_dir / f"{n}.jpg")) for n in ("grace_hopper", "astronaut"))
    assert float((anchors @ late).max()) > 0.4
    for stranger in (grace, eileen):
        assert float((anchors @ stranger).max()) < 0.25
    assert float(grace @ eileen) < 0.25


def test_boxes_are_fractions_and_keypoints_lie_inside(eyes: Vision, media_dir: Path) -> None:
    """The eye at the picture's left comes first, eyes are above the mouth."""
    (face,) = eyes.detector.detect(Frame(read_image(media_dir / "astronaut.jpg")))
    box = face.box
    assert 0 < box.left < box.left + box.width < 1
    assert all(box.left < x < box.left + box.width and box.top < y < box.top + box.height for x, y in face.keypoints)
    (left_eye, right_eye, _, left_mouth, right_mouth) = face.keypoints
    assert left_eye[0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < min(left_mouth[1], right_mouth[1])


def test_the_small_picture_is_searched_and_the_full_one_is_cropped(eyes: Vision, media_dir: Path) -> None:
    """A driver with a small stream saves work; boxes are the same within 2 % of the frame."""
    image = read_image(media_dir / "astronaut.jpg")
    (full,) = eyes.detector.detect(Frame(image))
    (half,) = eyes.detector.detect(Frame(image, image[::2, ::2].copy()))
    assert (half.box.left, half.box.top) == pytest.approx((full.box.left, full.box.top), abs=0.02)


def test_a_picture_without_a_face_has_none(eyes: Vision) -> None:
    """Noise is nobody."""
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    assert eyes.detector.detect(Frame(noise)) == ()


def test_an_unusable_face_costs_no_network_and_says_why(eyes: Vision, media_dir: Path) -> None:
    """A dark copy of a portrait is found or not, but never evidence."""
    image = read_image(media_dir / "astronaut.jpg")
    (face,) = eyes.detector.detect(Frame(image))
    look = eyes.recognizer.look((image // 12).astype(np.uint8), face)
    assert Flaw.LIGHT in look.flaws
    assert look.embedding is None
    assert dict(look.heads) == {}


def test_enrolment_takes_a_portrait_and_refuses_what_leaves_doubt(
    eyes: Vision, media_dir: Path, tmp_path: Path
) -> None:
    """No face, two equal faces, no picture: each has its reason."""
    portrait = read_image(media_dir / "astronaut.jpg")
    sample = examine(media_dir / "astronaut.jpg", eyes.detector, eyes.recognizer, keep_crop=True)
    assert isinstance(sample, Sample)
    assert sample.crop is not None
    assert sample.crop.shape == (112, 112, 3)
    twice = np.concatenate([portrait, portrait], axis=1)
    refusals = [
        examine_image(twice, "twice", eyes.detector, eyes.recognizer, keep_crop=False),
        examine_image(np.zeros_like(portrait), "black", eyes.detector, eyes.recognizer, keep_crop=False),
        examine(tmp_path / "none.jpg", eyes.detector, eyes.recognizer, keep_crop=False),
    ]
    reasons = [refusal.reason for refusal in refusals if isinstance(refusal, Refusal)]
    assert [reason.split(":")[0] for reason in reasons[:2]] == ["two faces of about the same size", "no face found"]
    assert "none.jpg" in reasons[2]


def test_recognize_prints_one_valid_line_a_picture(media_dir: Path, tmp_path: Path) -> None:
    """Pictures and frames of a clip in order, each line valid against the contract, with and without embedding."""
    settings = {"storage.dir": tmp_path}
    for more in ((), ("--embedding",)):
        outcome = facenode("recognize", media_dir, "--json", *more, settings=settings)
        assert outcome.code == 0, outcome.err
        lines = [json.loads(line) for line in outcome.out.splitlines()]
        assert len(lines) == 122
        for line in lines:
            jsonschema.validate(line, schema("picture"))
            for face in line["faces"]:
                assert {"identity", "age", "ethnicity"} <= set(face)
                assert ("embedding" in face) == bool(more)


def test_recognize_knows_who_is_enrolled(media_dir: Path, tmp_path: Path) -> None:
    """The gallery decides, and `--source head` asks the network's closed set instead."""
    settings = {"storage.dir": tmp_path}
    portrait = media_dir / "astronaut.jpg"
    assert facenode("people", "add", "eileen", portrait, settings=settings).code == 0
    (line,) = facenode("recognize", portrait, "--json", settings=settings).out.splitlines()
    assert json.loads(line)["faces"][0]["identity"] == {"id": "eileen", "score": 1.0}
    (line,) = facenode("recognize", portrait, "--json", "--source", "head", settings=settings).out.splitlines()
    assert json.loads(line)["faces"][0]["identity"]["id"] != "eileen"


def test_recognize_ends_quietly_when_its_reader_has_seen_enough(media_dir: Path, tmp_path: Path) -> None:
    """`| head -1` is no error."""
    outcome = facenode("recognize", media_dir, "--json", settings={"storage.dir": tmp_path}, head=1)
    assert outcome.err == ""
    assert outcome.code == 0
    assert len(outcome.out.splitlines()) == 1
