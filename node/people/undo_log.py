"""The latest actions on people <-> `undo.jsonl` in `storage.dir`, a line each: private, complete or absent.

The rules:

1. An action is on the disk before the gallery changes. So a kill between the two leaves an action that never took
   place; `UndoableChanges` finds it by the records, and it is dropped.
2. The file holds the last fifty actions, each for ten minutes, and exists only while there is one. After a reboot, an
   action whose age nobody can tell counts from the first look at it.
3. Whoever is erased takes along every action about them, and about everybody whose faces they share by a merge or a
   move. Privacy mode clears the file.
4. Every change of the file is made under the lock of the gallery.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from node.clock import BootClock, Clock, Stamp, elapsed_s, stamped
from node.people.trace import TraceKind
from node.people.undo_record import Action, State, decode, encode
from node.system.files import private_file, remove_partial, sync_folder
from node.system.plain_files import TooLargeError, WrongKindError, open_regular

FILE = "undo.jsonl"
KEEP_S = 600.0
"""Seconds for which an action can be undone."""
MAX_ACTIONS = 50
MAX_ACTION_BYTES = 16 << 20
"""Most bytes of files that an action keeps; a larger one is done, but cannot be undone."""
MAX_BYTES = 32 << 20
"""Most bytes of the file; beyond it the oldest actions go. A change of it takes up to five times the memory."""
_CHECK_S = 1.0

_log = logging.getLogger(__name__)


class UndoLog:
    """The file. Everything but `departed` needs the lock of the gallery.

    Args:
        folder: where it is kept.
        clock: the time.
        boots: says which boot of the machine this is.

    Attributes:
        path: the file.
        kind: what it holds of a person.
    """

    kind = TraceKind.UNDO

    def __init__(self, folder: Path, clock: Clock, boots: BootClock) -> None:
        self.path = folder / FILE
        self._clock, self._boots = clock, boots
        self._seen: tuple[int, ...] | None = None
        self._check_s = self._due_s = float("-inf")

    def now(self) -> Stamp:
        """Return this moment as it is kept."""
        return stamped(self._clock.now(), self._boots.boot())

    def age_s(self, action: Action) -> float:
        """Return the seconds since an action; 0 if nobody can tell."""
        return elapsed_s(action.at, self.now()) or 0.0

    def actions(self) -> tuple[Action, ...]:
        """Return the actions that are not too old, oldest first; nothing if the file cannot be read, which is logged.

        Raises:
            WrongKindError: there is something else in the place of the file.
            OSError: the disk cannot be read.
        """
        return tuple(action for action in self._read() if self.age_s(action) < KEEP_S)

    def record(self, action: Action) -> Action:
        """Keep an action; drop the oldest beyond the bounds. Return it as it is kept.

        Raises:
            OSError: the file cannot be written; it is unchanged.
        """
        kept = action if action.size <= MAX_ACTION_BYTES else action.emptied(State.TOO_LARGE)
        self._write([*self.actions(), kept])
        return kept

    def replace(self, changed: Action) -> None:
        """Keep an action in the place of the one with its id.

        Raises:
            OSError: the file cannot be written; it is unchanged.
        """
        self._write([changed if action.id == changed.id else action for action in self.actions()])

    def drop(self, ids: Sequence[str]) -> None:
        """Drop actions.

        Raises:
            OSError: the file cannot be written; it is unchanged.
        """
        if ids:
            self._write([action for action in self.actions() if action.id not in ids])

    def departed(self) -> Mapping[str, str | None]:
        """Return who left the gallery by an action or by undoing one, and into whom they were merged, if they were."""
        found: dict[str, str | None] = {}
        with suppress(OSError):
            for action in self.actions():
                for change in action.changes:
                    found.pop(change.person, None)
                    if change.after is None:
                        found[change.person] = change.into
        return found

    def names(self, person: str) -> bool:
        """Return whether an action is about a person."""
        try:
            return any(person in action.people for action in self._read())
        except OSError:
            return False

    def erase(self, person: str) -> None:
        """Drop every action about a person, and about whoever shares faces with them; all of it on a full disk.

        Raises:
            OSError: the file cannot be written or removed.
        """
        try:
            actions = self._load()
        except WrongKindError:  # it is not ours, and is never read
            return
        except (ValueError, TooLargeError):
            self.clear()
            return
        linked = _linked(person, actions)
        rest = [action for action in actions if not action.people & linked]
        if len(rest) == len(actions):
            return
        try:
            self._write(rest)
        except OSError:
            self.clear()

    def clear(self) -> None:
        """Drop every action.

        Raises:
            OSError: the file cannot be removed.
        """
        remove_partial(self.path)
        with suppress(FileNotFoundError):
            self.path.unlink()
            sync_folder(self.path.parent)

    def is_due(self, mono_s: float) -> bool:
        """Return whether an action may be too old, so that `expire` is to be called. Cheap: call it on every tick."""
        if mono_s < self._check_s:
            return False
        self._check_s = mono_s + _CHECK_S
        try:
            state = self.path.lstat()
        except OSError:
            return False
        seen = (state.st_mtime_ns, state.st_ino)
        if seen != self._seen:
            self._seen, self._due_s = seen, float("-inf")
        return mono_s >= self._due_s

    def expire(self, mono_s: float = 0.0) -> None:
        """Drop the actions that are too old.

        Args:
            mono_s: now, in seconds of the monotonic clock, for the next `is_due`.

        Raises:
            OSError: the file cannot be read or written.
        """
        actions = self._read()
        now = self.now()
        dated = [action if elapsed_s(action.at, now) is not None else replace(action, at=now) for action in actions]
        kept = [action for action in dated if self.age_s(action) < KEEP_S]
        if kept != actions or not kept:
            self._write(kept)
        ages = [self.age_s(action) for action in kept]
        self._due_s = mono_s + KEEP_S - max(ages, default=0.0)
        with suppress(OSError):
            state = self.path.lstat()
            self._seen = (state.st_mtime_ns, state.st_ino)

    def _read(self) -> list[Action]:
        try:
            return self._load()
        except (TooLargeError, ValueError) as error:
            _log.error("people: %s is damaged (%s): the actions in it cannot be undone", self.path, error)
            return []

    def _load(self) -> list[Action]:
        """Return what the file holds.

        Raises:
            ValueError: it is damaged.
            OSError: it cannot be read, is too large, or is not a file.
        """
        try:
            with open_regular(self.path, MAX_BYTES) as file:
                return [decode(line) for line in file]
        except FileNotFoundError:
            return []

    def _write(self, actions: Sequence[Action]) -> None:
        remove_partial(self.path)
        lines = [encode(action) + b"\n" for action in actions[-MAX_ACTIONS:]]
        while lines and sum(map(len, lines)) > MAX_BYTES:
            del lines[0]
        if not lines:
            self.clear()
            return
        with private_file(self.path) as file:
            file.writelines(lines)


def _linked(person: str, actions: Sequence[Action]) -> frozenset[str]:
    """Return a person and everybody with whom faces were shared, directly or through others."""
    linked = frozenset([person])
    while True:
        groups = [action.people for action in actions if action.shared and action.people & linked]
        more = linked.union(*groups)
        if more == linked:
            return linked
        linked = more
