"""Portraits -> composed scenes: portraits of chosen sizes pasted on plain or textured backgrounds.

They stand in for photographs of rooms with small faces, of which the face data has none. Equal seeds give equal scenes.
"""

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from node.domain import Image

SIZE = (480, 640)
"""Height and width of a scene, pixels."""

_GRAY = 118  # middle grey in sRGB
_FACE_SHARE = 0.6  # about how much of a portrait's width its face takes
_FACES_PX = (16.0, 260.0)
_MOST_PORTRAITS = 5
_GAINS = (0.35, 1.4)

Random = np.random.Generator


def backgrounds() -> tuple[Callable[[Random], Image], ...]:
    """Return the kinds of backgrounds: plain, clouds, shapes, stripes."""
    return (_plain, _clouds, _shapes, _stripes)


def crowded(portraits: Sequence[Image], count: int, seed: int) -> Iterator[Image]:
    """Yield scenes with one to five portraits of any size and brightness.

    Args:
        portraits: square pictures of one face each, shape (side, side, 3), uint8, RGB.
        count: how many scenes.
        seed: of everything random.
    """
    random = np.random.default_rng(seed)
    kinds = backgrounds()
    for _ in range(count):
        scene = kinds[random.integers(len(kinds))](random)
        for _ in range(random.integers(1, _MOST_PORTRAITS + 1)):
            portrait = portraits[random.integers(len(portraits))]
            face_px = np.exp(random.uniform(*np.log(_FACES_PX)))
            side = min(SIZE[0], int(face_px / _FACE_SHARE))
            gain = random.uniform(*_GAINS)
            paste(scene, np.clip(resized(portrait, side) * gain, 0, 255).astype(np.uint8), random)
        yield scene


def paste(scene: Image, portrait: Image, random: Random) -> tuple[int, int]:
    """Paste a portrait into a scene at a random place; return the row and column of its corner."""
    rows, columns = portrait.shape[:2]
    row = int(random.integers(0, scene.shape[0] - rows + 1))
    column = int(random.integers(0, scene.shape[1] - columns + 1))
    scene[row : row + rows, column : column + columns] = portrait
    return row, column


def resized(portrait: Image, side: int) -> Image:
    """Return a square portrait with another side, pixels."""
    how = cv2.INTER_AREA if side < portrait.shape[0] else cv2.INTER_LINEAR
    return cv2.resize(portrait, (side, side), interpolation=how).astype(np.uint8, copy=False)


def _plain(_random: Random) -> Image:
    return np.full((*SIZE, 3), _GRAY, np.uint8)


def _clouds(random: Random) -> Image:
    """Return noise of several sizes, the coarser the stronger."""
    total: npt.NDArray[np.float32] = np.zeros((*SIZE, 3), np.float32)
    for cell in (4, 8, 16, 32, 64, 128):
        noise = random.normal(0, 1, (SIZE[0] // cell + 2, SIZE[1] // cell + 2, 3)).astype(np.float32)
        total += cv2.resize(noise, SIZE[::-1], interpolation=cv2.INTER_CUBIC) * np.sqrt(np.float32(cell))
    least, greatest = total.min(), total.max()
    levels: npt.NDArray[np.float32] = (total - least) / (greatest - least) * 255
    return levels.astype(np.uint8)


def _shapes(random: Random) -> Image:
    """Return blurred boxes and discs."""
    scene = np.empty((*SIZE, 3), np.uint8)
    scene[:] = random.integers(40, 220, 3)
    for _ in range(60):
        colour = [int(level) for level in random.integers(0, 255, 3)]
        x, y = int(random.integers(SIZE[1])), int(random.integers(SIZE[0]))
        if random.random() < 0.5:  # noqa: PLR2004 - as many boxes as discs
            width, height = (int(length) for length in random.integers(5, 160, 2))
            cv2.rectangle(scene, (x, y), (x + width, y + height), colour, -1)
        else:
            cv2.circle(scene, (x, y), int(random.integers(3, 80)), colour, -1)
    return cv2.GaussianBlur(scene, (0, 0), float(random.uniform(0.5, 2))).astype(np.uint8, copy=False)


def _stripes(random: Random) -> Image:
    """Return a sine wave in one direction, with noise."""
    row, column = np.mgrid[0 : SIZE[0], 0 : SIZE[1]].astype(np.float32)
    angle, rate = random.uniform(0, np.pi), random.uniform(0.005, 0.3)
    wave = np.sin((column * np.cos(angle) + row * np.sin(angle)) * rate)[..., np.newaxis]
    noise = random.normal(0, random.uniform(0, 12), (*SIZE, 3))
    scene = wave * random.uniform(20, 120, 3) + random.uniform(60, 190, 3) + noise
    clipped: npt.NDArray[np.float64] = np.clip(scene, 0, 255)
    return clipped.astype(np.uint8)
