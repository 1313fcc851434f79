"""YuNet's ONNX file becomes the TFLite files that ship, the same bytes each time."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed: pip install 'facenode[train]'")

from models.data.crops import read_image
from models.data.manifests import data_folder
from models.data.scenes import crowded
from models.errors import DataError
from models.exporting.detector import ONNX, float32, int8, representative_scenes
from node.domain import Frame, Image
from node.vision.detector import Detector

FOLDER = ONNX.parent


@pytest.fixture(scope="module")
def scenes(media_dir: Path) -> list[Image]:
    """Return a few scenes composed of the two portraits that ship."""
    portraits = [read_image(media_dir / name) for name in ("astronaut.jpg", "grace_hopper.jpg")]
    squares = [
        np.ascontiguousarray(portrait[: min(portrait.shape[:2]), : min(portrait.shape[:2])]) for portrait in portraits
    ]
    return list(crowded(squares, 6, 1))


def test_the_float32_file_is_the_one_that_ships() -> None:
    """It depends on the ONNX file alone."""
    assert float32() == (FOLDER / "yunet.float32.tflite").read_bytes()


def test_equal_scenes_give_equal_files_in_8_bits(tmp_path: Path, scenes: list[Image], media_dir: Path) -> None:
    """The ranges are rounded, so that no last bit of a sum shows; the file finds the face of a portrait."""
    content = int8(scenes)
    assert int8(scenes) == content
    path = tmp_path / "yunet.int8.tflite"
    path.write_bytes(content)
    described = json.loads((FOLDER / "yunet.int8.json").read_text(encoding="utf-8"))
    path.with_suffix(".json").write_text(json.dumps(described | {"sha256": hashlib.sha256(content).hexdigest()}))
    (face,) = Detector(path).detect(Frame(read_image(media_dir / "astronaut.jpg")))
    assert face.score > 0.7


def test_the_file_in_8_bits_is_made_of_the_training_split(data_dir: Path) -> None:
    """Equal pictures give equal scenes, 480x640 pixels each."""
    assert data_dir == data_folder()
    first, second = representative_scenes(data_dir)[:3], representative_scenes(data_dir)[:3]
    assert all(scene.shape == (480, 640, 3) for scene in first)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_another_onnx_file_is_refused(tmp_path: Path) -> None:
    """The digest is compared before anything is read from it."""
    other = tmp_path / "other.onnx"
    other.write_bytes(b"something else")
    with pytest.raises(DataError, match=r"other\.onnx: sha256 is .*this is another file"):
        float32(other)
    with pytest.raises(DataError, match="No such file"):
        float32(tmp_path / "missing.onnx")
