"""A track -> how its face is turned, measured only now and then: that costs more than the network takes."""

from collections.abc import Callable

from node.domain import Track
from node.vision.orientation import Orientation

EVERY_S = 2.0
"""Seconds for which a measurement counts: nobody turns over faster, and a head that tilts is upright all the same."""


class OrientationMemory:
    """Remembers the latest measurement of each track."""

    def __init__(self) -> None:
        self._measured: dict[int, tuple[float, Orientation]] = {}

    def of(self, track: Track, measure: Callable[[], Orientation]) -> Orientation:
        """Return the orientation of a track's face; call `measure` if the latest one is too old."""
        at_s = track.seen.mono_s
        known = self._measured.get(track.number)
        if known is not None and at_s - known[0] < EVERY_S:
            return known[1]
        orientation = measure()
        self._measured = {
            number: each for number, each in self._measured.items() if at_s - each[0] < EVERY_S
        }  # also without the tracks that have ended
        self._measured[track.number] = at_s, orientation
        return orientation
