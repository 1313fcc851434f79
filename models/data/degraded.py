"""An aligned crop -> a heavily degraded second view of it, or a small and noisy picture of it as a camera sends it.

Where there is no second picture of a person, a degraded view of the first one stands in for it. It is no substitute for
another day: the figures that it gives are called by its name.
"""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np

from node.domain import Image

_TURN_DEG, _ZOOM, _SHIFT_PX, _SHEAR = 10.0, 0.08, 5.0, 0.12
_BLUR_PX = (0.5, 2.0)
_DARK, _BRIGHT = (0.5, 1.0), (1.0, 1.4)
_COVER_PX = (18, 30)
_FACE_PX = (36, 60)
_GAMMA, _NOISE, _QUALITY = (0.6, 1.5), (2.0, 8.0), (40, 80)

Kind = Literal["second view", "small and noisy"]


def second_view(crop: Image, rng: np.random.Generator) -> Image:
    """Return a crop turned, sheared, shifted, blurred, lit from one side, partly covered and perhaps mirrored.

    Args:
        crop: shape (height, width, 3), uint8, RGB.
        rng: the only source of randomness.
    """
    height, width = crop.shape[:2]
    turn, zoom = rng.uniform(-_TURN_DEG, _TURN_DEG), 1 + rng.uniform(-_ZOOM, _ZOOM)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, zoom).astype(np.float64)
    matrix[:, 2] += rng.uniform(-_SHIFT_PX, _SHIFT_PX, 2)
    matrix[0] += rng.uniform(-_SHEAR, _SHEAR) * matrix[1]
    view = cv2.warpAffine(crop, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    blurred = cv2.GaussianBlur(view, (0, 0), rng.uniform(*_BLUR_PX))
    light = np.linspace(rng.uniform(*_DARK), rng.uniform(*_BRIGHT), width)
    lit: Image = np.clip(blurred * light[np.newaxis, :, np.newaxis], 0, 255).astype(np.uint8)
    top, left = int(rng.integers(height)), int(rng.integers(width))
    lit[top : top + _COVER_PX[0], left : left + _COVER_PX[1]] = rng.integers(0, 255)
    return lit[:, ::-1].copy() if rng.random() < 0.5 else lit  # noqa: PLR2004 - a fair coin


def small_and_noisy(crop: Image, rng: np.random.Generator) -> Image:
    """Return a crop as if the face had been 36 to 59 pixels wide, with another exposure, noise and JPEG artefacts.

    Args:
        crop: shape (height, width, 3), uint8, RGB.
        rng: the only source of randomness.
    """
    height, width = crop.shape[:2]
    side = int(rng.integers(*_FACE_PX))
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    exposed = 255 * (large / 255.0) ** rng.uniform(*_GAMMA)
    noisy = exposed + rng.normal(0, rng.uniform(*_NOISE), large.shape)
    pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    _, packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*_QUALITY))])
    view: Image = cv2.imdecode(packed, cv2.IMREAD_COLOR).astype(np.uint8, copy=False)
    return view


DEGRADERS: dict[Kind, Callable[[Image, np.random.Generator], Image]] = {
    "second view": second_view,
    "small and noisy": small_and_noisy,
}


def degraded(crop: Image, kind: Kind, place: int, number: int) -> Image:
    """Return a degraded crop; equal arguments give equal pixels, in any order.

    Args:
        crop: shape (height, width, 3), uint8, RGB.
        kind: how it is degraded.
        place: the place of the crop among its samples.
        number: which of several degraded views of it.
    """
    return DEGRADERS[kind](crop, np.random.default_rng((list(DEGRADERS).index(kind), number, place)))
