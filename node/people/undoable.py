"""Changes of people -> the gallery and the log of actions, so that each can be undone for a while.

The log is written first. After a kill between the two, an action is in the log that never took place: everybody is
still as before it. It is dropped when somebody looks.
"""

import hashlib
import secrets
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from node.errors import PeopleError, Reason
from node.people import normalisation, photo_dates, record
from node.people.entry import Entry, crop_names
from node.people.person import Anchor, Person
from node.people.store import Store
from node.people.summary import Summary
from node.people.undo_log import MAX_ACTION_BYTES, UndoLog
from node.people.undo_record import Action, PersonChange, State
from node.system.plain_files import TooLargeError, WrongKindError, read_regular

_BRIEF_S = 0.2
"""Seconds for which the main loop waits for the lock where it can try again."""
_NOBODY: Mapping[str, str | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class UndoableAction:
    """An action as its owner sees it.

    Attributes:
        action: what was done.
        age_s: seconds since then.
        obstacle: why it cannot be undone; None if it can.
    """

    action: Action
    age_s: float
    obstacle: str | None


class UndoableChanges:
    """Change people so that it can be undone.

    Args:
        store: the folder of the people.
        log: of the actions; without one nothing can be undone.
    """

    def __init__(self, store: Store, log: UndoLog | None = None) -> None:
        self.store, self._log = store, log

    def put(
        self,
        summary: Summary,
        entries: Sequence[Entry] = (),
        removed: Mapping[str, str | None] = _NOBODY,
        *,
        shared: bool = False,
        inbox_entries: Sequence[str] = (),
    ) -> None:
        """Change people, all of them or none; call it within the lock of the store.

        Args:
            summary: what is done.
            entries: people, new or not.
            removed: ids of people who leave the gallery, each with the id of the person they are merged into.
            shared: whether faces of one person become those of another.
            inbox_entries: the entries of the inbox that it is about.

        Raises:
            OSError: something cannot be written.
            PeopleError: somebody among them is being erased, or the change is not complete yet.
        """
        if self._log is None:
            self.store.put(entries, tuple(removed))
            return
        changes = [change for entry in entries if (change := self._change(entry)) is not None]
        too_large = sum(_size(self.store.folder / id_) for id_ in removed) > MAX_ACTION_BYTES
        changes += [
            PersonChange(id_, None if too_large else self._all_files(id_), None, into) for id_, into in removed.items()
        ]
        dated = self._dated(entries, tuple(removed), self._log.now().wall)
        if changes or inbox_entries:
            made = Action(secrets.token_hex(3), self._log.now(), summary, tuple(changes), tuple(inbox_entries), shared)
            self._log.record(made.emptied(State.TOO_LARGE) if too_large else made)
        self.store.put(dated, tuple(removed))

    def actions(self) -> tuple[UndoableAction, ...]:
        """Return the actions of the last ten minutes, latest first; drop those that are older where that is possible.

        Raises:
            PeopleError: the folder or the log cannot be read or written.
        """
        if self._log is None or not self._log.path.exists():
            return ()
        with self.store.locked():
            with suppress(OSError):
                self._log.expire()
            actions = [action for action in self._settled(self._log) if action.state is not State.UNDONE]
            return tuple(
                UndoableAction(action, self._log.age_s(action), self._obstacle(action)) for action in reversed(actions)
            )

    def undo(self, id_: str) -> Action:
        """Put the people of an action back as they were before it, byte for byte.

        Raises:
            PeopleError: there is no such action any more, somebody has changed since, or the disk cannot be written.
        """
        log = self._log
        if log is None:
            raise _forgotten(id_)
        with self.store.locked():
            action = next((each for each in self._settled(log) if each.id == id_), None)
            if action is None or action.state is State.UNDONE:
                raise _forgotten(id_)
            if (obstacle := self._obstacle(action)) is not None:
                raise PeopleError(f"{action.summary}: {obstacle}", _reason(action))
            entries = [_entry(change, self.store.folder) for change in action.changes if change.before is not None]
            left = tuple(change.person for change in action.changes if change.before is None)
            self.store.put(entries, left)
            if left:  # a running node must know that they were not erased
                gone = tuple(PersonChange(person, None, None) for person in left)
                log.replace(replace(action, changes=gone, state=State.UNDONE, entries=(), shared=False))
            else:
                log.drop([action.id])
        return action

    def departed(self) -> Mapping[str, str | None]:
        """Return who left the gallery by an action or its undoing, and into whom they were merged, if they were."""
        return self._log.departed() if self._log else {}

    def expire(self, mono_s: float) -> None:
        """Drop the actions that are too old, without waiting for another process. Cheap: call it on every tick.

        Args:
            mono_s: now, in seconds of the monotonic clock.
        """
        if self._log is not None and self._log.is_due(mono_s):
            with suppress(PeopleError), self.store.locked(timeout_s=0.0):
                self._log.expire(mono_s)

    def clear(self) -> None:
        """Drop every action.

        Raises:
            PeopleError: another process writes, or the file cannot be removed.
        """
        if self._log is not None and self._log.path.exists():
            with self.store.locked(timeout_s=_BRIEF_S):
                self._log.clear()

    def _settled(self, log: UndoLog) -> Sequence[Action]:
        """Return the actions that took place; drop the others, which a kill has prevented."""
        actions = log.actions()
        void = [action.id for number, action in enumerate(actions) if self._is_void(action, actions[number + 1 :])]
        log.drop(void)
        return [action for action in actions if action.id not in void]

    def _is_void(self, action: Action, later: Sequence[Action]) -> bool:
        """Return whether everybody was after an action as they were before it."""
        if action.state is not State.DONE or not action.changes:
            return False
        return all(_digest(change.record) == self._next(change.person, later) for change in action.changes)

    def _next(self, person: str, later: Sequence[Action]) -> str | None:
        """Return the digest of a person's record after an action: that before the next one, else the present one."""
        for action in later:
            for change in action.changes:
                if change.person == person and action.state is State.DONE:
                    return _digest(change.record)
        return self._digest(person)

    def _obstacle(self, action: Action) -> str | None:
        if action.state is State.TOO_LARGE:
            return "it cannot be undone: it was too large to be kept"
        for change in action.changes:
            if self._digest(change.person) != change.after:
                return f"{change.person} has changed since: undo the later action first"
        return None

    def _change(self, entry: Entry) -> PersonChange | None:
        """Return what an entry changes; None if the record stays the same."""
        person, after = entry.person.id, _digest(entry.content)
        folder = self.store.folder / person
        if not folder.is_dir():
            return PersonChange(person, None, after)
        before = _read(folder / record.FILE)
        if before is None or _digest(before) == after:
            return None
        kept = crop_names(entry.person)
        former = self.store.find(person)
        gone = sorted(crop_names(former) - kept) if former else []
        files = {record.FILE: before} | _contents(folder, [photo_dates.FILE, *gone])
        return PersonChange(person, files, after)

    def _all_files(self, person: str) -> Mapping[str, bytes]:
        """Return every file of a person but what was computed from the record: it is computed again."""
        folder = self.store.folder / person
        return _contents(folder, sorted(path.name for path in folder.iterdir() if path.name != normalisation.FILE))

    def _digest(self, person: str) -> str | None:
        return _digest(_read(self.store.folder / person / record.FILE))

    def _dated(self, entries: Sequence[Entry], removed: Sequence[str], now: datetime) -> list[Entry]:
        """Return entries with the dates of their photos: those that are known, and now for the new ones."""
        known: dict[str, datetime | None] = {}
        for person in (*removed, *(entry.person.id for entry in entries)):
            known |= photo_dates.read(self.store.folder / person)
            former = self.store.find(person)
            for anchor in _all_anchors([former] if former else []):
                if anchor.photo not in known:
                    known[anchor.photo] = photo_dates.changed(anchor.crop) if anchor.crop else None
        return [replace(entry, dates=_encoded(entry.person, known, now)) for entry in entries]


def _encoded(person: Person, known: Mapping[str, datetime | None], now: datetime) -> bytes:
    """Return the dates of a person's photos; those that are not known yet are new."""
    dates = {anchor.photo: known.get(anchor.photo, now) for anchor in _all_anchors([person])}
    return photo_dates.encode({photo: at for photo, at in dates.items() if at is not None})


def _all_anchors(people: Iterable[Person]) -> list[Anchor]:
    return [anchor for person in people for anchor in (*person.anchors, *person.negatives)]


def _entry(change: PersonChange, people: Path) -> Entry:
    """Return a person as they were before a change."""
    content = change.record or b""
    try:
        person = record.decode(content, people / change.person, {})
    except ValueError as error:
        raise PeopleError(f"{change.person}: what was kept to undo this is damaged ({error})") from error
    named = crop_names(person)
    crops = {name: content for name, content in change.others.items() if name in named}
    others = {name: content for name, content in change.others.items() if name not in named}
    return Entry(person, crops, content, change.dates, others)


def _contents(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    found = {name: _read(folder / name) for name in names}
    return {name: content for name, content in found.items() if content is not None}


def _size(folder: Path) -> int:
    """Return the bytes of the files in a folder; more than are kept if something in it is not a file."""
    states = [path.lstat() for path in folder.iterdir()]
    return sum(state.st_size if stat.S_ISREG(state.st_mode) else MAX_ACTION_BYTES + 1 for state in states)


def _read(path: Path) -> bytes | None:
    """Return the content of a file; None if there is none, or what is there is not a file of the program."""
    try:
        return read_regular(path, MAX_ACTION_BYTES)
    except (FileNotFoundError, NotADirectoryError, WrongKindError, TooLargeError):
        return None


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _forgotten(id_: str) -> PeopleError:
    sentence = f"{id_}: there is no such action to undo: `facenode people undo` lists those of ten minutes"
    return PeopleError(sentence, Reason.NO_ACTION)


def _reason(action: Action) -> Reason:
    """Return the kind of what stands against undoing an action."""
    return Reason.TOO_LARGE if action.state is State.TOO_LARGE else Reason.CHANGED
