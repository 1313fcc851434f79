"""An aligned crop with a margin -> an augmented view: shifted, turned, scaled, mirrored, relit, blurred."""

import cv2
import numpy as np

from models.recipe.sections import Views
from node.domain import Image

_MIDDLE = 127.5
_LEAST_BLUR = 0.3  # a face of 34 pixels enlarged to 112, about the smallest that a node recognizes


def centre_crop(crop: Image, size: tuple[int, int]) -> Image:
    """Return the middle of a crop, shape (*size, 3), as a node crops it."""
    top, left = (crop.shape[0] - size[0]) // 2, (crop.shape[1] - size[1]) // 2
    return crop[top : top + size[0], left : left + size[1]]


def augmented(crop: Image, size: tuple[int, int], views: Views, rng: np.random.Generator) -> Image:
    """Return an augmented view, shape (*size, 3), uint8, RGB.

    Args:
        crop: shape (height, width, 3), uint8, RGB: `size` plus a margin.
        size: height and width of the view, pixels.
        views: bounds of the augmentation.
        rng: the only source of randomness, so the same seed gives the same view.
    """
    turn, zoom = rng.uniform(-views.turn_deg, views.turn_deg), 1 + rng.uniform(-views.zoom, views.zoom)
    shift = rng.uniform(-views.shift_px, views.shift_px, 2)
    mirrored = rng.random() < 0.5  # noqa: PLR2004 - a fair coin
    gain = 1 + rng.uniform(-views.contrast, views.contrast)
    light = 255 * rng.uniform(-views.brightness, views.brightness) / 2
    blurred = rng.random() < views.blur
    share = rng.uniform(_LEAST_BLUR, 1.0)

    rows, columns = crop.shape[:2]
    matrix = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), turn, zoom)
    right, down = shift - ((columns - size[1]) / 2, (rows - size[0]) / 2)
    matrix = matrix + np.array([[0, 0, right], [0, 0, down]])
    view = cv2.warpAffine(crop, matrix, (size[1], size[0]), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if mirrored:
        view = cv2.flip(view, 1)
    if blurred:
        small = cv2.resize(view, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        view = cv2.resize(small, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    relit = (view.astype(np.float32) - _MIDDLE) * gain + _MIDDLE + light
    augmented_view: Image = np.clip(np.rint(relit), 0, 255).astype(np.uint8)
    return augmented_view
