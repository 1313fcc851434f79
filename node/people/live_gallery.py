"""The gallery on disk, checked regularly -> the people known now, and the matcher over them."""

import logging
from collections.abc import Callable

from node.errors import PeopleError
from node.people.gallery import Gallery
from node.people.matcher import Matcher
from node.people.person import Person

_CHECK_EVERY_S = 0.5

_log = logging.getLogger(__name__)


class LiveGallery:
    """The people known now; a change on disk takes effect within a second, without a restart.

    If the gallery can no longer be read, everybody known stays known, and one log line says so.

    Attributes:
        people: everybody enrolled.
        matcher: over them.

    Args:
        gallery: the people on disk.
        build: returns the matcher over people.
        mono_s: now, in seconds of the monotonic clock.

    Raises:
        PeopleError: the gallery cannot be read.
    """

    def __init__(self, gallery: Gallery, build: Callable[[tuple[Person, ...]], Matcher], mono_s: float) -> None:
        self._gallery = gallery
        self._build = build
        self._unreadable = False
        self._revision, self._checked_s = gallery.revision(), mono_s
        self.people = gallery.load()
        self.matcher = build(self.people)

    def refresh(self, mono_s: float, *, now: bool = False) -> bool:
        """Check the disk if it is time to, or always with `now`. Return whether people have changed."""
        if not now and mono_s - self._checked_s < _CHECK_EVERY_S:
            return False
        self._checked_s = mono_s
        revision = self._gallery.revision()
        changed = revision != self._revision
        try:
            people = self._gallery.load() if changed else self.people
        except PeopleError as error:
            if not self._unreadable:
                _log.error("people: %s: everybody known stays known", error)
            self._unreadable = True
            return False
        if self._unreadable:
            _log.info("people: the gallery is readable again")
            self._unreadable = False
        if changed:
            self._revision, self.people, self.matcher = revision, people, self._build(people)
        return changed
