"""Visits that have ended -> the entries that an owner can decide about: the last hundred, in memory or on disk.

The rules:

1. Without `review.keep_days` nothing is ever written. With it, an entry is on the disk when its visit has ended.
2. The number and the bytes of the entries are bounded. Beyond that, visits without a usable look go first, then the
   oldest.
3. What the owner has decided about is hidden, and goes after ten minutes and with the end of the visit: until then the
   decision can be undone, and what is seen of the visitor later brings nothing back.
4. Whoever is erased takes along the entries that name them, every stranger, and every face that is like theirs.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from node.clock import BootClock, Clock, Stamp, elapsed_s, stamped
from node.domain import Instant
from node.people.likeness import Comparison
from node.people.person import Anchor
from node.people.undo_log import KEEP_S
from node.review.entry import ReviewEntry
from node.review.files import MAX_FILES, ReviewFiles

MAX_IN_MEMORY, MAX_ON_DISK = 100, MAX_FILES
"""Most entries, without and with `review.keep_days`."""
MAX_BYTES = 24 << 20
"""Most bytes of the faces and pictures of all entries."""
_DAY_S = 86_400.0
_CHECK_S = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept, and for how long.

    Attributes:
        days: days for which entries are kept on disk; 0 for none.
        pictures: whether pictures are kept.
        same: how two faces that may be of one person are compared; entries of another network cannot be, and go.
    """

    days: int
    pictures: bool
    same: Comparison

    @property
    def most(self) -> int:
        """Most entries that are kept."""
        return MAX_ON_DISK if self.days else MAX_IN_MEMORY


class ReviewInbox:
    """The entries. For one thread.

    Args:
        keeping: what is kept.
        files: on the disk; used only if entries are kept for days.
        clock: the time.
        boots: says which boot of the machine this is.
        anchors: returns those of a person.

    Attributes:
        keeping: what is kept.
    """

    def __init__(
        self,
        keeping: Keeping,
        files: ReviewFiles,
        clock: Clock,
        boots: BootClock,
        anchors: Callable[[str], Sequence[Anchor]] = lambda _: (),
    ) -> None:
        self.keeping, self._files, self._clock, self._boots, self._anchors = keeping, files, clock, boots, anchors
        self._entries: dict[str, ReviewEntry] = {}
        self._check_s = float("-inf")
        self._failed = False

    def load(self) -> None:
        """Take over what is on the disk; without `review.keep_days` remove it."""
        try:
            if not self.keeping.days:
                self._files.clear()
                return
            for entry in self._files.load():
                self._entries[entry.id] = entry if self.keeping.pictures else replace(entry, picture=None)
            other = [entry.id for entry in self._entries.values() if not entry.fits(self.keeping.same)]
            self._drop(other)
            for entry in self._entries.values():
                if not self.keeping.pictures:
                    self._files.save(entry)
        except OSError as error:
            self._log_failure(error)
        self._expire()
        self._bound()

    def stamp(self, at: Instant) -> Stamp:
        """Return a moment of the present boot as it is kept."""
        return stamped(at, self._boots.boot())

    def age_s(self, since: Stamp) -> float:
        """Return the seconds since a moment; 0 if nobody can tell."""
        return _age(since, self._now())

    def is_handled(self, id_: str) -> bool:
        """Return whether the owner has decided about an entry."""
        return id_ in self._entries and self._entries[id_].handled is not None

    def holds(self, id_: str) -> bool:
        """Return whether there is an entry with this id, decided about or not."""
        return id_ in self._entries

    def entries(self) -> tuple[ReviewEntry, ...]:
        """Return the entries that nobody has decided about, latest first."""
        return tuple(entry for entry in reversed(self._entries.values()) if entry.handled is None)

    def put(self, entry: ReviewEntry) -> None:
        """Add an entry of a visit that has ended, or what was seen later in the same visit."""
        former = self._entries.pop(entry.id, None)
        self._entries[entry.id] = former.joined(entry) if former else entry
        self._save([entry.id])
        self._bound()

    def handle(self, ids: Iterable[str], assigned: str | None) -> None:
        """Hide entries that the owner has decided about.

        Args:
            ids: of the entries.
            assigned: the person to whom the faces were given; None without one.
        """
        now = self._now()
        known = [id_ for id_ in ids if id_ in self._entries]
        self._entries |= {id_: replace(self._entries[id_], handled=now, assigned=assigned) for id_ in known}
        self._save(known)

    def restore(self, ids: Iterable[str]) -> None:
        """Show entries again whose decision was undone."""
        known = [id_ for id_ in ids if id_ in self._entries]
        self._entries |= {id_: replace(self._entries[id_], handled=None, assigned=None) for id_ in known}
        self._save(known)

    def advance(self, mono_s: float, in_view: Callable[[], Collection[str]] = tuple) -> None:
        """Drop what is too old. Cheap: call it on every tick.

        Args:
            mono_s: now, in seconds of the monotonic clock.
            in_view: returns the ids of the entries whose visits go on.
        """
        if mono_s >= self._check_s:
            self._check_s = mono_s + _CHECK_S
            self._expire(in_view())

    def forget(self, person: str) -> None:
        """Forget every entry that may show a person; their files are erased by `ReviewTraces`."""
        same = self.keeping.same
        faces = same.anchors(self._anchors(person))
        gone = [entry.id for entry in self._entries.values() if entry.may_show(person, faces, same)]
        for id_ in gone:
            del self._entries[id_]

    def clear(self) -> None:
        """Drop every entry.

        Raises:
            OSError: a file cannot be removed.
        """
        self._entries.clear()
        self._files.clear()

    def _now(self) -> Stamp:
        return self.stamp(self._clock.now())

    def _expire(self, in_view: Collection[str] = ()) -> None:
        """Drop entries that were decided about, and those that are older than the days for which they are kept."""
        now = self._now()
        dated = {entry.id: _dated(entry, now) for entry in self._entries.values()}
        changed = [id_ for id_, entry in dated.items() if entry is not self._entries[id_]]
        self._entries |= dated
        gone = [id_ for id_, entry in dated.items() if id_ not in in_view and self._is_over(entry, now)]
        self._save([id_ for id_ in changed if id_ not in gone])
        self._try_drop(gone)

    def _is_over(self, entry: ReviewEntry, now: Stamp) -> bool:
        if entry.handled is not None and _age(entry.handled, now) >= KEEP_S:
            return True
        return bool(self.keeping.days) and _age(entry.seen, now) >= self.keeping.days * _DAY_S

    def _bound(self) -> None:
        entries = self._entries.values()
        order = sorted(entries, key=lambda entry: entry.best is not None)  # stable: the oldest first in each half
        size, gone = sum(entry.size for entry in order), []
        while order and (len(order) > self.keeping.most or size > MAX_BYTES):
            size -= order[0].size
            gone.append(order.pop(0).id)
        self._try_drop(gone)

    def _drop(self, ids: Sequence[str]) -> None:
        for id_ in ids:
            self._entries.pop(id_, None)
        if self.keeping.days:
            self._files.remove(ids)

    def _try_drop(self, ids: Sequence[str]) -> None:
        try:
            self._drop(ids)
        except OSError as error:
            self._log_failure(error)

    def _save(self, ids: Iterable[str]) -> None:
        if not self.keeping.days:
            return
        try:
            for id_ in ids:
                self._files.save(self._entries[id_])
        except OSError as error:
            self._log_failure(error)
        else:
            if self._failed:
                _log.info("inbox: %s can be written again", self._files.folder)
            self._failed = False

    def _log_failure(self, error: OSError) -> None:
        if not self._failed:
            _log.error("inbox: cannot write %s (%s): entries are in memory only", self._files.folder, error.strerror)
        self._failed = True


def _dated(entry: ReviewEntry, now: Stamp) -> ReviewEntry:
    """Return an entry whose age can be told: what nobody can tell, as after a reboot, counts from now on."""
    if now.synced and elapsed_s(entry.seen, now) is None:
        entry = replace(entry, seen=now)
    if entry.handled is not None and elapsed_s(entry.handled, now) is None:
        entry = replace(entry, handled=now)
    return entry


def _age(since: Stamp, now: Stamp) -> float:
    """Return the seconds between two moments; 0 if nobody can tell."""
    return elapsed_s(since, now) or 0.0
