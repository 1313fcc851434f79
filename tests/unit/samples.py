"""Makers of enrollment samples for tests, with and without a crop; and the removal of a person from a folder."""

from pathlib import Path

import numpy as np
from makers import unit
from manual_clock import ManualClock

from node.clock import Boot
from node.domain import Image
from node.people.erasure import Erasure
from node.people.gallery import Gallery, Sample
from node.people.store import Store
from node.people.undo_log import UndoLog


def crop(number: int = 0, size: int = 32) -> Image:
    """Return a crop that differs from that of any other number."""
    return np.random.default_rng(number).integers(0, 256, (size, size, 3), dtype=np.uint8)


def sample(*numbers: float, crop: Image | None = None, source: str = "photo.jpg") -> Sample:
    """Return a sample whose embedding is the numbers at unit length."""
    return Sample(unit(*numbers), source, crop)


class OneBoot:
    """A machine that is never rebooted."""

    def boot(self) -> Boot:
        """Return the only boot."""
        return Boot("boot-1", 100.0)


def undoable_gallery(storage: Path, clock: ManualClock | None = None) -> Gallery:
    """Return the gallery in a storage folder, whose changes can be undone; its time is that of the clock."""
    storage.mkdir(exist_ok=True)
    return Gallery(storage / "people", log=UndoLog(storage, clock or ManualClock(), OneBoot()))


def remove(folder: Path, person: str) -> None:
    """Erase a person from the gallery in a folder, as another process does."""
    Erasure(Store(folder, {})).erase(person)
