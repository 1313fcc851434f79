"""Degraded views of an aligned crop."""

import cv2
import numpy as np
import pytest

from models.data.degraded import DEGRADERS, Kind, degraded

NOISE = np.random.default_rng(5).integers(0, 256, (112, 112, 3), dtype=np.uint8)
CROP = cv2.GaussianBlur(NOISE, (0, 0), 3).astype(np.uint8)


@pytest.mark.parametrize("kind", list(DEGRADERS))
def test_a_degraded_view_is_reproducible(kind: Kind) -> None:
    """It depends on the kind, the place and the number alone, in any order, and keeps the shape of the crop."""
    first = degraded(CROP, kind, 7, 1)
    assert first.shape == CROP.shape
    assert first.dtype == np.uint8
    assert not np.array_equal(first, degraded(CROP, kind, 7, 2))
    assert not np.array_equal(first, degraded(CROP, kind, 8, 1))
    assert np.array_equal(first, degraded(CROP, kind, 7, 1))


def test_the_crop_itself_stays() -> None:
    """The same crop is degraded many times."""
    before = CROP.copy()
    for kind in DEGRADERS:
        degraded(CROP, kind, 0, 0)
    assert np.array_equal(CROP, before)


def test_a_second_view_is_partly_covered() -> None:
    """One rectangle of a white crop has a single grey value, so the view of a plain crop has at most a few values."""
    white = np.full((112, 112, 3), 255, dtype=np.uint8)
    views = [degraded(white, "second view", place, 0) for place in range(20)]
    assert any(float(view.std()) > 10 for view in views)


def test_a_small_face_has_lost_its_fine_lines() -> None:
    """A face of at most 59 pixels holds no stripes of two pixels: of their contrast, less than a third is left."""
    stripes = np.repeat(np.tile(np.array([0, 0, 255, 255], dtype=np.uint8), 28)[np.newaxis, :, np.newaxis], 112, axis=0)
    stripes = np.repeat(stripes, 3, axis=2)
    view = degraded(stripes, "small and noisy", 0, 0)
    assert float(view.std()) < float(stripes.std()) / 3
