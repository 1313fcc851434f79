"""The gallery on disk, checked regularly -> the people known now, and the matcher over them."""

import logging
from collections.abc import Callable, Mapping

from node.domain import counted
from node.errors import PeopleError
from node.people.gallery import Gallery
from node.people.matcher import Matcher
from node.people.person import Person

_CHECK_S = 0.5

_log = logging.getLogger(__name__)


class LiveGallery:
    """The people known now. A change on disk takes effect within a second, without a restart.

    If the gallery can no longer be read, everybody known stays known, and one log line says so. The same holds if
    another folder that is empty takes its place, as when a disk is unmounted.

    Args:
        gallery: the people on disk.
        build: returns the matcher over people.
        mono_s: now, in seconds of the monotonic clock.
        closed_set: whether the network's closed set decides about identity; then nobody in the gallery counts.

    Attributes:
        matcher: over the people known now.
        removed: ids of the people whom the last change removed. Whoever's entry is damaged, or is missing because
            another folder took the place of the gallery's, is not removed.
        departed: who left by the last change without being erased, as by a merge that can be undone; each with the id
            of the person they were merged into, if they were.

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
        self._unreadable = self._forgot = False
        self._revision, self._checked_s = gallery.revision(), mono_s
        self._identity = gallery.identity()
        self._people = gallery.load()
        self.matcher = build(self._people)
        self.removed: frozenset[str] = frozenset()
        self.departed: Mapping[str, str | None] = {}

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody enrolled; nobody if the network's closed set decides."""
        return () if self._closed_set else self._people

    @property
    def count(self) -> int | None:
        """Number of people enrolled; None if the network's closed set decides."""
        return None if self._closed_set else len(self._people)

    @property
    def can_recognize(self) -> bool:
        """Whether anybody can be recognized."""
        return self._closed_set or bool(self._people)

    @property
    def summary(self) -> str:
        """Who is known, in words for the log."""
        if self._closed_set:
            return "the network's own closed set decides who is who"
        if not self._people:
            return "nobody is enrolled: every face is unknown"
        return f"{counted(len(self._people), 'person', 'people')} known"

    def invalidate(self) -> None:
        """Check the disk at the next refresh, however soon it comes."""
        self._checked_s = float("-inf")

    def forget(self, person: str) -> None:
        """Know somebody no longer, whatever the disk has; the next refresh returns that people have changed."""
        people = tuple(each for each in self._people if each.id != person)
        if len(people) < len(self._people):
            self._people, self.matcher, self._forgot = people, self._build(people), True

    def refresh(self, mono_s: float) -> bool:
        """Check the disk if it is time to. Return whether people have changed."""
        forgot, self._forgot = self._forgot, False
        if mono_s - self._checked_s < _CHECK_S:
            return forgot
        self._checked_s = mono_s
        revision = self._gallery.revision()
        changed = revision != self._revision
        try:
            if changed:
                self._take_over(revision)
        except PeopleError as error:
            if not self._unreadable:
                _log.error("people: %s: everybody known stays known", error)
            self._unreadable = True
            return forgot
        if self._unreadable:
            _log.info("people: the gallery is readable again")
            self._unreadable = False
        return changed or forgot

    def _take_over(self, revision: tuple[int, ...]) -> None:
        """Know the people on the disk.

        Raises:
            PeopleError: they cannot be read.
        """
        before = self._gallery.identity()
        people = self._gallery.load()
        missing = frozenset(each.id for each in self._people) - {each.id for each in people}
        replaced = not self._identity == before == self._gallery.identity()
        if replaced and missing and not people:
            raise PeopleError("an empty folder is in the place of the gallery: mount its disk, or restart the node")
        left = self._gallery.changes.departed() if missing else {}
        self.departed = {person: left[person] for person in missing if person in left}
        self.removed = frozenset() if replaced else frozenset(filter(self._gallery.gone, missing - left.keys()))
        self._revision, self._identity = revision, before
        self._people, self.matcher = people, self._build(people)
