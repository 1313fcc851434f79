"""Alignment: a face of any position and size is mapped to the template."""

import cv2
import numpy as np
import pytest

from node.domain import Box, Face, Image
from node.vision.aligner import Aligner, similarity

TEMPLATE = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041))
SIZE = (112, 112)


def placed(scale: float, turn: float, shift: tuple[float, float], size: tuple[int, int]) -> Face:
    """Return a face whose keypoints are the template's, rotated, scaled and shifted, in an image of (width, height)."""
    points = np.array(TEMPLATE) @ (scale * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]))
    points = (points + shift) / size
    left, top = points.min(axis=0)
    right, bottom = points.max(axis=0)
    return Face(Box(left, top, right - left, bottom - top), tuple((x, y) for x, y in points.tolist()), 0.9)


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("turn", [-0.6, 0.0, 1.2])
def test_a_rotated_scaled_and_shifted_face_fits_the_template(scale: float, turn: float) -> None:
    """Misfit is what no similarity can remove: 0 for the template itself, within 1e-6."""
    face = placed(scale, turn, (300, 200), (1280, 720))
    aligned = Aligner(TEMPLATE, SIZE).align(np.zeros((720, 1280, 3), np.uint8), face)
    assert aligned.misfit == pytest.approx(0, abs=1e-6)
    assert aligned.crop.shape == (112, 112, 3)
    assert aligned.crop.dtype == np.uint8


def marked(scale: float, shift: tuple[float, float], size: tuple[int, int]) -> tuple[Image, Face]:
    """Return an image with a white disc on the nose of a placed face, and the face."""
    face = placed(scale, 0.3, shift, size)
    image = np.zeros((size[1], size[0], 3), np.uint8)
    x, y = face.keypoints[2]
    cv2.circle(image, (round(x * size[0]), round(y * size[1])), round(6 * scale), (255, 255, 255), -1)
    return image, face


@pytest.mark.parametrize("scale", [1.0, 2.5, 6.0])
def test_the_nose_is_mapped_to_the_nose_of_the_template(scale: float) -> None:
    """Also for a large face, which is shrunk first. Within one pixel."""
    image, face = marked(scale, (250 * scale, 60 * scale), (round(450 * scale), round(250 * scale)))
    crop = Aligner(TEMPLATE, SIZE).align(image, face).crop[:, :, 0].astype(float)
    rows, columns = np.mgrid[:112, :112]
    middle = (columns * crop).sum() / crop.sum(), (rows * crop).sum() / crop.sum()
    assert middle == pytest.approx(TEMPLATE[2], abs=1.0)


def test_a_profile_does_not_fit() -> None:
    """With both eyes and both corners of the mouth at one point the misfit is large."""
    points = tuple((0.5, y) for y in (0.4, 0.4, 0.5, 0.6, 0.6))
    face = Face(Box(0.4, 0.3, 0.2, 0.4), points, 0.9)
    assert Aligner(TEMPLATE, SIZE).align(np.zeros((100, 100, 3), np.uint8), face).misfit > 0.3


def test_coinciding_points_are_only_shifted() -> None:
    """A degenerate detection must not divide by zero."""
    turn, shift = similarity([7 + 7j] * 5, [complex(x, y) for x, y in TEMPLATE])
    assert turn == 1
    assert np.isfinite(shift)


@pytest.mark.parametrize(("shift", "cut"), [((300.0, 200.0), 0.0), ((-56.0, 200.0), 0.5), ((-500.0, 200.0), 1.0)])
def test_cut_is_the_share_of_the_crop_beyond_the_image(shift: tuple[float, float], cut: float) -> None:
    """A face with its left half beyond the edge is cut by half, within a twelfth."""
    face = placed(1.0, 0.0, shift, (1280, 720))
    assert Aligner(TEMPLATE, SIZE).align(np.zeros((720, 1280, 3), np.uint8), face).cut == pytest.approx(cut, abs=1 / 12)


@pytest.mark.parametrize("shift", [(-50_000.0, 0.0), (0.0, 50_000.0)])
def test_a_face_beyond_the_image_is_cut_completely(shift: tuple[float, float]) -> None:
    """Such a face, which no detector should find, gives a black crop and no error."""
    face = placed(6.0, 0.0, shift, (640, 480))
    aligned = Aligner(TEMPLATE, SIZE).align(np.full((480, 640, 3), 200, np.uint8), face)
    assert aligned.cut == 1.0
    assert not aligned.crop.any()


def test_keypoints_that_fit_no_face_are_cut_completely() -> None:
    """A mirrored square fits the square best when it shrinks to a point, which shows nobody."""
    square = ((1.0, 1.0), (3.0, 1.0), (2.0, 2.0), (1.0, 3.0), (3.0, 3.0))
    mirrored = ((0.25, 0.75), (0.75, 0.75), (0.5, 0.5), (0.25, 0.25), (0.75, 0.25))
    face = Face(Box(0.25, 0.25, 0.5, 0.5), mirrored, 0.9)
    assert Aligner(square, (4, 4)).align(np.full((400, 400, 3), 200, np.uint8), face).cut == 1.0
