"""YuNet on the TFLite runtimes, compared with its ONNX file in OpenCV."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from installed_runtimes import runtimes

from models.evaluation.opencv_detector import OpenCvDetector
from node.camera.image_file import read_image
from node.domain import Face, Frame, Image
from node.vision.detector import Detector
from node.vision.tflite import Runtime

FOLDER = Path(__file__).resolve().parents[3] / "models" / "detector"
ONNX = FOLDER / "face_detection_yunet_2023mar.onnx"
SIZES = ((480, 640), (360, 640), (240, 320), (100, 75), (96, 96), (33, 333))


@pytest.fixture(scope="module", params=["astronaut.jpg", "grace_hopper.jpg", "two"])
def picture(request: pytest.FixtureRequest, media_dir: Path) -> Image:
    """Return a picture with one face or with two, shape (512, n, 3)."""
    names = ["astronaut.jpg", "grace_hopper.jpg"] if request.param == "two" else [request.param]
    parts = [read_image(media_dir / name) for name in names]
    return np.hstack([cv2.resize(part, (512, 512)).astype(np.uint8, copy=False) for part in parts])


def numbers(faces: tuple[Face, ...], size: tuple[int, int]) -> list[float]:
    """Return all numbers of the faces, in pixels."""
    rows, columns = size
    found = []
    for face in faces:
        box = face.box
        found += [box.left * columns, box.top * rows, box.width * columns, box.height * rows]
        found += [number for x, y in face.keypoints for number in (x * columns, y * rows)]
    return found


def by_size(faces: tuple[Face, ...]) -> tuple[Face, ...]:
    """Return faces, the largest first."""
    return tuple(sorted(faces, key=lambda face: -face.box.width * face.box.height))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("min_score", [0.1, 0.7])
@pytest.mark.parametrize("runtime", runtimes())
def test_float32_gives_the_faces_of_opencv(
    picture: Image, size: tuple[int, int], min_score: float, runtime: Runtime
) -> None:
    """The same faces in the same order, whatever the size; tolerance .01 px, and 1e-4 for scores."""
    image = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    mine = Detector(FOLDER / "yunet.float32.tflite", min_score=min_score, runtime=runtime).detect(Frame(image))
    theirs = by_size(OpenCvDetector(ONNX, min_score).detect(Frame(image)))
    assert len(mine) == len(theirs)
    assert numbers(mine, size) == pytest.approx(numbers(theirs, size), abs=0.01)
    assert [face.score for face in mine] == pytest.approx([face.score for face in theirs], abs=1e-4)


@pytest.mark.parametrize("runtime", runtimes())
def test_the_file_in_8_bits_finds_the_same_faces(picture: Image, runtime: Runtime) -> None:
    """Landmarks move by about a third of a pixel; tolerance .7 px in the mean and 3 px for the worst number."""
    size = (240, 240 * picture.shape[1] // picture.shape[0])
    image = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    mine, theirs = (
        Detector(FOLDER / f"yunet.{form}.tflite", runtime=runtime).detect(Frame(image)) for form in ("int8", "float32")
    )
    assert len(mine) == len(theirs) > 0
    apart_px = np.abs(np.subtract(numbers(mine, size), numbers(theirs, size)))
    assert apart_px.mean() < 0.7
    assert apart_px.max() < 3


@pytest.mark.parametrize("form", ["float32", "int8"])
def test_what_was_searched_before_changes_nothing(form: str, media_dir: Path) -> None:
    """A smaller picture of the same padded size does not see the rest of the larger one."""
    path = FOLDER / f"yunet.{form}.tflite"
    large = cv2.resize(read_image(media_dir / "astronaut.jpg"), (320, 320)).astype(np.uint8, copy=False)
    small = np.ascontiguousarray(large[:290, :300])
    used = Detector(path)
    for image in (large, small[:64, :64], large):
        used.detect(Frame(image))
    assert used.detect(Frame(small)) == Detector(path).detect(Frame(small))


def test_a_picture_of_each_size_in_turn_is_searched(media_dir: Path) -> None:
    """More sizes than are kept ready."""
    image = read_image(media_dir / "astronaut.jpg")
    detector = Detector(FOLDER / "yunet.float32.tflite")
    for _ in range(2):
        for side in (128, 160, 192, 224, 256, 288):
            assert detector.detect(Frame(cv2.resize(image, (side, side)).astype(np.uint8, copy=False)))
