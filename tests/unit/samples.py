"""Makers of enrollment samples for tests, with and without a crop; and the removal of a person from a folder."""

from pathlib import Path

import numpy as np
from makers import unit

from node.domain import Image
from node.people.erasure import Erasure
from node.people.gallery import Sample
from node.people.store import Store


def crop(number: int = 0, size: int = 32) -> Image:
    """Return a crop that differs from that of any other number."""
    return np.random.default_rng(number).integers(0, 256, (size, size, 3), dtype=np.uint8)


def sample(*numbers: float, crop: Image | None = None, source: str = "photo.jpg") -> Sample:
    """Return a sample whose embedding is the numbers at unit length."""
    return Sample(unit(*numbers), source, crop)


def remove(folder: Path, person: str) -> None:
    """Erase a person from the gallery in a folder, as another process does."""
    Erasure(Store(folder, {})).erase(person)
