"""People to erase -> nothing left of them: files, messages and memory, whatever is killed on the way.

The rules:

1. Before anything of a person is erased, they are marked on the disk. After the last of it is erased, the mark is
   removed. So whoever starts next knows what to finish.
2. Every step may be done twice.
3. Until everything is erased, the person is neither loaded nor sent: a disk that cannot be written changes nothing
   about that.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from node.errors import PeopleError
from node.people.gallery import nobody
from node.people.person import checked_id
from node.people.store import Store
from node.people.trace import Trace, TraceKind

_CHECK_S, _RETRY_S = 0.5, 5.0

_log = logging.getLogger(__name__)


class MessageTraces(Protocol):
    """How many messages are about a person."""

    @property
    def waiting(self) -> int:
        """Messages that wait for the broker."""
        ...

    @property
    def rejected(self) -> int:
        """Messages that it refused, of those that are kept."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """Damaged files set aside that contain the id."""
        ...


class Messages(Protocol):
    """The messages that wait for the broker or were refused by it."""

    def traces(self, person: str) -> MessageTraces:
        """Return how many are about a person."""
        ...

    def names(self, person: str) -> bool:
        """Return whether a message names a person."""
        ...

    def erase(self, person: str) -> object:
        """Erase every message about a person, or hide it for as long as the disk cannot be written."""
        ...

    def holds(self, person: str) -> bool:
        """Return whether the disk may still hold what `erase` was to erase."""
        ...


class Kept(Protocol):
    """A file, or a folder of files, that may name people."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def kind(self) -> TraceKind:
        """What it holds of a person."""
        ...

    def names(self, person: str) -> bool:
        """Return whether it holds anything of a person."""
        ...

    def erase(self, person: str) -> None:
        """Erase a person from it; called under the lock of the gallery, before the person's files go.

        Raises:
            OSError: the disk cannot be written.
        """
        ...


class Erasure:
    """Erase people, on one thread.

    Args:
        store: the folder of the people.
        messages: those of the node; None if there are none.
        forget: called with the id of whoever is erased, to erase them from memory.
        kept: what else is on the disk and may name people.
    """

    def __init__(
        self,
        store: Store,
        messages: Messages | None = None,
        forget: Callable[[str], None] = lambda _: None,
        kept: Sequence[Kept] = (),
    ) -> None:
        self._store, self._messages, self._kept, self._forget = store, messages, kept, forget
        self._check_at_s = float("-inf")
        self._failed = False

    def traces(self, person: str) -> tuple[Trace, ...]:
        """Return everything of a person in the gallery, readable or not, in what else is on the disk, and in messages.

        Raises:
            PeopleError: the id is not valid, or the folder cannot be read.
        """
        known, folder = self._store.find(checked_id(person)), self._store.folder / person
        reason = TraceKind.INTERRUPTED if self.pending(person) else TraceKind.DAMAGED
        found = []
        if known is not None:
            crops = len(list(folder.glob("*.png")))
            numbers = {"faces": len(known.anchors), "rejected": len(known.negatives), "crops": crops}
            found.append(Trace(TraceKind.ENTRY, folder, numbers))
        others = (path for path in self._store.stored(person) if known is None or path != folder)
        found += [Trace(reason, path) for path in others]
        found += [Trace(kept.kind, kept.path) for kept in self._kept if kept.names(person)]
        return (*found, *self._messages_about(person, known=bool(found)))

    def _messages_about(self, person: str, *, known: bool) -> Iterator[Trace]:
        """Yield what the messages have; nothing if nobody is known and no message names the id."""
        if self._messages is None or not (known or self._messages.names(person)):
            return
        messages = self._messages.traces(person)
        yield Trace(TraceKind.WAITING, numbers={"messages": messages.waiting})
        if messages.rejected:
            yield Trace(TraceKind.REFUSED, numbers={"messages": messages.rejected})
        yield from (Trace(TraceKind.DAMAGED_MESSAGES, path) for path in messages.files)

    def pending(self, person: str) -> bool:
        """Return whether the erasure of a person has begun and not ended.

        Raises:
            PeopleError: the folder cannot be read.
        """
        return person in self._store.erasing()

    def stored(self, person: str) -> bool:
        """Return whether anything on the disk but messages names a person, or their erasure has begun.

        Raises:
            PeopleError: the id is not valid, or the folder cannot be read.
        """
        stored = self._store.stored(checked_id(person))
        return bool(stored) or self.pending(person) or any(kept.names(person) for kept in self._kept)

    def begin(self, person: str) -> None:
        """Note on the disk that a person is to be erased: from now on nobody loads them.

        Raises:
            PeopleError: nobody has this id and no message names it, or the folder cannot be written.
        """
        if not (self.stored(person) or (self._messages is not None and self._messages.names(person))):
            raise nobody(person)
        with self._store.locked():
            self._store.begin_erasing(person)

    def end(self, person: str) -> None:
        """Note on the disk that nothing of a person is left.

        Raises:
            PeopleError: the folder cannot be written.
        """
        with self._store.locked():
            self._store.end_erasing(person)

    def erase(self, person: str) -> None:
        """Erase a person.

        Raises:
            PeopleError: nobody has this id, or not everything could be erased: the rest is at the next `advance`.
        """
        self.begin(person)
        self.erase_begun(person)
        self.end(person)

    def erase_begun(self, person: str) -> None:
        """Erase a person whose erasure has begun, and leave it to the caller to end it.

        Raises:
            PeopleError: not everything could be erased.
        """
        self.forget(person)
        with self._store.locked():
            failed = [error for kept in self._kept if (error := _tried(kept, person)) is not None]
            self._store.delete(person)
            if failed:
                raise failed[0]
        if self._messages is not None and self._messages.holds(person):
            raise PeopleError(f"{person}: the disk cannot be written and still holds messages: make room on it")

    def forget(self, person: str) -> None:
        """Erase a person from memory and from the messages only: whoever else removed their files has done the rest."""
        self._forget(person)
        if self._messages is not None:
            self._messages.erase(person)

    def advance(self, mono_s: float) -> None:
        """Finish every erasure that was begun, by whichever process. Cheap: call it on every tick.

        A disk that fails is logged once, and tried again every few seconds.

        Args:
            mono_s: now, in seconds of the monotonic clock.
        """
        if mono_s < self._check_at_s:
            return
        self._check_at_s = mono_s + _CHECK_S
        problems = []
        try:
            for person in sorted(self._store.erasing()):
                problems += self._problems(person)
        except PeopleError as error:
            problems.append(error)
        if problems:
            self._check_at_s = mono_s + _RETRY_S
            if not self._failed:
                # Without the sentence of the error: it names the person.
                reason = getattr(problems[0].__cause__, "strerror", None) or "the disk cannot be written"
                _log.error("people: a person is not erased completely yet (%s): nothing about them is sent", reason)
        elif self._failed:
            _log.info("people: everybody who was to be erased is erased")
        self._failed = bool(problems)

    def _problems(self, person: str) -> list[PeopleError]:
        try:
            self.erase_begun(person)
            self.end(person)
        except PeopleError as error:
            return [error]
        _log.info("people: finished the erasure of a person that had begun before")
        return []


def _tried(kept: Kept, person: str) -> OSError | None:
    """Erase a person from one place, so that a place that fails keeps nothing in the others."""
    try:
        kept.erase(person)
    except OSError as error:
        return error
    return None
