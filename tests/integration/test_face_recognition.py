"""Detector, aligner and network together, on real faces."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from facenode_command import facenode

from node.assembly import Vision, build_vision
from node.camera.decoder_process import DecoderProcess
from node.camera.image_file import read_image
from node.camera.video import read_video
from node.contract import schema
from node.domain import Flaw, Frame, Image, Vector
from node.people.enrolment import Refusal, examine, examine_image
from node.people.gallery import Sample
from node.settings.loader import load


@pytest.fixture(scope="module")
def vision() -> Vision:
    """Return detector and network with the default settings."""
    return build_vision(load(None, {}, {}, Path("/nonexistent")), ("age",))


def embedding(vision: Vision, image: Image) -> Vector:
    """Return the embedding of the only face in an image."""
    (face,) = vision.detector.detect(Frame(image))
    found = vision.recognizer.look(image, face).embedding
    assert found is not None
    return found


def test_embeddings_separate_one_man_from_other_people(vision: Vision, media_dir: Path) -> None:
    """The nearest of five early frames is above 0.4 to a late one; other people stay below 0.25."""
    frames = list(read_video(media_dir / "carphone.mp4"))
    anchors = np.stack([embedding(vision, frames[number]) for number in (0, 10, 20, 30, 40)])
    late = embedding(vision, frames[100])
    grace, eileen = (embedding(vision, read_image(media_dir / f"{n}.jpg")) for n in ("grace_hopper", "astronaut"))
    assert float((anchors @ late).max()) > 0.4
    for stranger in (grace, eileen):
        assert float((anchors @ stranger).max()) < 0.25
    assert float(grace @ eileen) < 0.25


def test_boxes_are_fractions_and_keypoints_lie_inside(vision: Vision, media_dir: Path) -> None:
    """The first keypoint is the eye at the picture's left, and both eyes are above the mouth."""
    (face,) = vision.detector.detect(Frame(read_image(media_dir / "astronaut.jpg")))
    box = face.box
    assert 0 < box.left < box.left + box.width < 1
    assert all(box.left < x < box.left + box.width and box.top < y < box.top + box.height for x, y in face.keypoints)
    (left_eye, right_eye, _, left_mouth, right_mouth) = face.keypoints
    assert left_eye[0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < min(left_mouth[1], right_mouth[1])


def test_the_detector_searches_the_small_stream(vision: Vision, media_dir: Path) -> None:
    """Boxes found in a small stream agree with those of the full frame within 2 % of the frame."""
    image = read_image(media_dir / "astronaut.jpg")
    (full,) = vision.detector.detect(Frame(image))
    (half,) = vision.detector.detect(Frame(image, image[::2, ::2].copy()))
    assert (half.box.left, half.box.top) == pytest.approx((full.box.left, full.box.top), abs=0.02)


def test_noise_has_no_face(vision: Vision) -> None:
    """The detector finds no face in random noise."""
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    assert vision.detector.detect(Frame(noise)) == ()


def test_an_unusable_face_is_not_embedded_and_has_its_flaw(vision: Vision, media_dir: Path) -> None:
    """A face in the dark gets the flaw `light` and no embedding."""
    image = read_image(media_dir / "astronaut.jpg")
    (face,) = vision.detector.detect(Frame(image))
    look = vision.recognizer.look((image // 12).astype(np.uint8), face)
    assert Flaw.LIGHT in look.flaws
    assert look.embedding is None
    assert dict(look.heads) == {}


def test_enrollment_accepts_a_portrait_and_refuses_ambiguous_photos(
    vision: Vision, media_dir: Path, tmp_path: Path
) -> None:
    """A photo without a face, with two equal faces, or unreadable is refused with its own reason."""
    portrait = read_image(media_dir / "astronaut.jpg")
    with DecoderProcess() as decoder:
        sample = examine(
            media_dir / "astronaut.jpg", vision.detector, vision.recognizer, decoder=decoder, keep_crop=True
        )
    assert isinstance(sample, Sample)
    assert sample.crop is not None
    assert sample.crop.shape == (112, 112, 3)
    twice = np.concatenate([portrait, portrait], axis=1)
    refusals = [
        examine_image(twice, "twice", vision.detector, vision.recognizer, keep_crop=False),
        examine_image(np.zeros_like(portrait), "black", vision.detector, vision.recognizer, keep_crop=False),
        examine(tmp_path / "none.jpg", vision.detector, vision.recognizer, decoder=decoder, keep_crop=False),
    ]
    reasons = [refusal.reason for refusal in refusals if isinstance(refusal, Refusal)]
    assert [reason.split(":")[0] for reason in reasons[:2]] == ["two faces of about the same size", "no face found"]
    assert "none.jpg" in reasons[2]


def test_recognize_prints_one_valid_line_for_each_picture(media_dir: Path, tmp_path: Path) -> None:
    """Pictures and frames of a clip come in order, each line matches the schema, with and without embedding."""
    settings = {"storage.dir": tmp_path}
    for more in ((), ("--embedding",)):
        result = facenode("recognize", media_dir, "--json", *more, settings=settings)
        assert result.code == 0, result.err
        lines = [json.loads(line) for line in result.out.splitlines()]
        assert len(lines) == 122
        for line in lines:
            jsonschema.validate(line, schema("picture"))
            for face in line["faces"]:
                assert {"identity", "age", "ethnicity"} <= set(face)
                assert ("embedding" in face) == bool(more)


def test_recognize_names_an_enrolled_person(media_dir: Path, tmp_path: Path) -> None:
    """The gallery decides by default; `--source head` uses the network's closed set instead."""
    settings = {"storage.dir": tmp_path}
    portrait = media_dir / "astronaut.jpg"
    assert facenode("people", "add", "eileen", portrait, settings=settings).code == 0
    (line,) = facenode("recognize", portrait, "--json", settings=settings).out.splitlines()
    assert json.loads(line)["faces"][0]["identity"] == {"id": "eileen", "score": 1.0}
    (line,) = facenode("recognize", portrait, "--json", "--source", "head", settings=settings).out.splitlines()
    assert json.loads(line)["faces"][0]["identity"]["id"] != "eileen"


def test_recognize_exits_with_0_when_its_output_is_closed(media_dir: Path, tmp_path: Path) -> None:
    """A closed pipe, as by `| head -1`, is no error."""
    result = facenode("recognize", media_dir, "--json", settings={"storage.dir": tmp_path}, head=1)
    (line,) = result.err.splitlines()
    assert line.endswith("1 entry not used: README.md: not a picture or a clip")
    assert result.code == 0
    assert len(result.out.splitlines()) == 1
