"""The gallery on disk, looked at now and then -> who is known now, and the matcher over them."""

import logging
from collections.abc import Callable

from node.errors import PeopleError
from node.people.gallery import Gallery
from node.people.matcher import Matcher
from node.people.person import Person, counted

_CHECK_S = 0.5

_log = logging.getLogger(__name__)


class LiveGallery:
    """Who is known; a change on disk counts within a second, without a restart.

    A gallery that can no longer be read changes nothing: whoever was known stays known, and this is logged once.

    Args:
        gallery: where people are kept.
        build: makes the matcher over people.
        mono_s: the moment, seconds of the monotonic clock.
        closed_set: whether the network's own closed set decides who is who; then nobody of the gallery counts.

    Attributes:
        matcher: over the people known now.
        removed: the ids of those whom the last change removed.

    Raises:
        PeopleError: the gallery cannot be read.
    """

    def __init__(
        self,
        gallery: Gallery,
        build: Callable[[tuple[Person, ...]], Matcher],
        mono_s: float,
        *,
        closed_set: bool = False,
    ) -> None:
        self._gallery, self._build, self._closed_set = gallery, build, closed_set
        self._unreadable = False
        self._stamp, self._checked_s = gallery.stamp(), mono_s
        self._people = gallery.load()
        self.matcher = build(self._people)
        self.removed: frozenset[str] = frozenset()

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody who counts; nobody where the network's closed set decides."""
        return () if self._closed_set else self._people

    @property
    def count(self) -> int | None:
        """How many people are enrolled; None where the network's closed set decides."""
        return None if self._closed_set else len(self._people)

    @property
    def can_recognize(self) -> bool:
        """Whether there is anybody who can be recognized."""
        return self._closed_set or bool(self._people)

    @property
    def summary(self) -> str:
        """Who is known, as the log says it."""
        if self._closed_set:
            return "the network's own closed set decides who is who"
        if not self._people:
            return "nobody is enrolled: every face is unknown"
        return f"{counted(len(self._people), 'person', 'people')} known"

    def invalidate(self) -> None:
        """Look at the disk at the next refresh, however soon it comes."""
        self._checked_s = float("-inf")

    def refresh(self, mono_s: float) -> bool:
        """Look at the disk if it is time to; return whether people have changed."""
        if mono_s - self._checked_s < _CHECK_S:
            return False
        self._checked_s = mono_s
        stamp = self._gallery.stamp()
        changed = stamp != self._stamp
        try:
            people = self._gallery.load() if changed else self._people
        except PeopleError as error:
            if not self._unreadable:
                _log.error("people: %s: whoever was known stays known", error)
            self._unreadable = True
            return False
        if self._unreadable:
            _log.info("people: the gallery can be read again")
            self._unreadable = False
        if changed:
            self.removed = frozenset(each.id for each in self._people) - {each.id for each in people}
            self._stamp, self._people, self.matcher = stamp, people, self._build(people)
        return changed
