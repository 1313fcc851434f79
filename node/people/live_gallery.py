"""The gallery on disk, looked at now and then -> who is known now, and the matcher over them."""

import logging
from collections.abc import Callable

from node.errors import PeopleError
from node.people.gallery import Gallery
from node.people.matcher import Matcher
from node.people.person import Person

_LOOK_S = 0.5

_log = logging.getLogger(__name__)


class LiveGallery:
    """Who is known; a change on disk counts within a second, without a restart.

    A gallery that can no longer be read changes nothing: whoever was known stays known, and that is said once.

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
        self._lost = False
        self._revision, self._looked_s = gallery.revision(), mono_s
        self.people = gallery.load()
        self.matcher = build(self.people)

    def refresh(self, mono_s: float, *, now: bool = False) -> bool:
        """Look at the disk if it is time to, or `now`; return whether people have changed."""
        if not now and mono_s - self._looked_s < _LOOK_S:
            return False
        self._looked_s = mono_s
        revision = self._gallery.revision()
        changed = revision != self._revision
        try:
            people = self._gallery.load() if changed else self.people
        except PeopleError as error:
            if not self._lost:
                _log.error("people: %s: who was known stays known", error)
            self._lost = True
            return False
        if self._lost:
            _log.info("people: the gallery can be read again")
            self._lost = False
        if changed:
            self._revision, self.people, self.matcher = revision, people, self._build(people)
        return changed
