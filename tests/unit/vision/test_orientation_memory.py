"""How a track's face is turned is measured now and then, not with each look."""

from makers import face, instant

from node.domain import Track
from node.vision.orientation import Orientation
from node.vision.orientation_memory import EVERY_S, OrientationMemory

UPRIGHT, UPSIDE_DOWN = Orientation(0.3, 0), Orientation(-0.3, 180)


def track(number: int, seen_s: float) -> Track:
    """Return a track as last seen."""
    return Track(number, face(), instant(0), instant(seen_s))


def test_a_measurement_counts_for_a_while() -> None:
    """It costs more than the network takes, and nobody turns over that fast."""
    memory, measured = OrientationMemory(), iter([UPRIGHT, UPSIDE_DOWN])
    answers = [memory.of(track(1, seen_s), lambda: next(measured)) for seen_s in (0, 1, EVERY_S - 0.1, EVERY_S)]
    assert answers == [UPRIGHT, UPRIGHT, UPRIGHT, UPSIDE_DOWN]


def test_each_track_is_measured() -> None:
    """Two people need not be turned alike."""
    memory, measured = OrientationMemory(), iter([UPRIGHT, UPSIDE_DOWN])
    assert [memory.of(track(number, 0), lambda: next(measured)) for number in (1, 2, 1, 2)] == [
        UPRIGHT, UPSIDE_DOWN, UPRIGHT, UPSIDE_DOWN,
    ]  # fmt: skip
