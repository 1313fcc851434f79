"""The gallery on disk, looked at now and then -> who is known now, and the matcher over them."""

from collections.abc import Callable

from node.people.gallery import Gallery
from node.people.matcher import Matcher
from node.people.person import Person

_LOOK_S = 0.5


class Roster:
    """Who is known; a change on disk counts within a second, without a restart.

    Args:
        gallery: where people are kept.
        build: makes the matcher over people.
        mono_s: the moment, seconds of the monotonic clock.

    Raises:
        PeopleError: the gallery cannot be read.
    """

    def __init__(self, gallery: Gallery, build: Callable[[tuple[Person, ...]], Matcher], mono_s: float) -> None:
        self._gallery = gallery
        self._build = build
        self._stamp, self._looked_s = gallery.stamp(), mono_s
        self.people = gallery.load()
        self.matcher = build(self.people)

    def refresh(self, mono_s: float, *, now: bool = False) -> bool:
        """Look at the disk if it is time to, or `now`; return whether people have changed."""
        if not now and mono_s - self._looked_s < _LOOK_S:
            return False
        self._looked_s, stamp = mono_s, self._gallery.stamp()
        if stamp == self._stamp:
            return False
        self._stamp, self.people = stamp, self._gallery.load()
        self.matcher = self._build(self.people)
        return True
