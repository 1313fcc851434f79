"""Aligned crops of faces, and their cache."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.data.augment import centre_crop
from models.data.crops import Cut, FaceCropper, central_face, load_crops, read_image
from models.data.samples import Sample
from models.errors import DataError
from node.domain import Box, Face

POINTS = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
CUT = Cut(POINTS, (112, 112))


def test_an_unreadable_picture_is_named(tmp_path: Path) -> None:
    """The message names the file."""
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"damaged\.jpg.*not a readable picture"):
        read_image(damaged)


def test_the_central_face_is_the_subject() -> None:
    """These data sets have their subject in the middle; a larger face at the edge is another person."""
    middle = Face(Box(0.4, 0.4, 0.2, 0.2), ((0.5, 0.5),) * 5, 0.8)
    edge = Face(Box(0.0, 0.0, 0.4, 0.4), ((0.1, 0.1),) * 5, 0.99)
    assert central_face((edge, middle)) is middle
    assert central_face(()) is None


def test_a_margin_does_not_move_the_crop(media_dir: Path) -> None:
    """The middle of a crop with a margin equals a node's crop (tolerance 4 gray levels: OpenCV rounds positions)."""
    picture = read_image(media_dir / "astronaut.jpg")
    narrow, wide = FaceCropper(CUT).crop(picture), FaceCropper(Cut(POINTS, (112, 112), 8)).crop(picture)
    assert narrow is not None
    assert wide is not None
    assert narrow.shape == (112, 112, 3)
    assert wide.shape == (128, 128, 3)
    assert int(np.abs(centre_crop(wide, (112, 112)).astype(int) - narrow).max()) <= 4


def test_a_picture_without_a_face_is_counted(tmp_path: Path, media_dir: Path) -> None:
    """A picture without a detected face is reported as missed."""
    empty = tmp_path / "empty.png"
    cv2.imwrite(str(empty), np.full((80, 80, 3), 90, dtype=np.uint8))
    samples = (Sample(empty, "val"), Sample(media_dir / "grace_hopper.jpg", "val"))
    crops = load_crops("test", samples, CUT, tmp_path / "cache")
    assert [sample.path.name for sample in crops.missed] == ["empty.png"]
    assert [sample.path.name for sample in crops.samples] == ["grace_hopper.jpg"]
    assert crops.images.shape == (1, 112, 112, 3)


def test_crops_are_cached(tmp_path: Path, media_dir: Path) -> None:
    """A second run reads the cache: it gives the same crops without the picture."""
    picture = tmp_path / "a.jpg"
    picture.write_bytes((media_dir / "astronaut.jpg").read_bytes())
    samples = (Sample(picture, "val"),)
    first = load_crops("test", samples, CUT, tmp_path / "cache")
    picture.unlink()
    assert np.array_equal(load_crops("test", samples, CUT, tmp_path / "cache").images, first.images)
