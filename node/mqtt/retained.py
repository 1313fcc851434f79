"""The latest discovery, state and health -> the retained payloads that have to be sent; never on disk."""

import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

from node.contract.payloads import Fields, dump
from node.contract.topics import Topics


class Notice(NamedTuple):
    """What is due.

    Attributes:
        topic: where it goes.
        payload: what is sent.
        retain: whether the broker keeps it.
    """

    topic: str
    payload: bytes
    retain: bool = True


class Board:
    """Show only what is latest. Thread-safe: one thread shows, another takes.

    State is due at once when anything but its times changes, and with the next health when only they do: `last_seen`
    of somebody in view moves with every frame.

    Args:
        topics: the node's.
        state: what is shown before the first tick: an emptied state.
    """

    def __init__(self, topics: Topics, state: Fields) -> None:
        self._topics = topics
        self._lock = threading.Lock()
        self._ring: Callable[[], None] = lambda: None
        self._discovery: bytes | None = None
        self._ghosts: bytes | None = None
        self._born = False
        self._laying: bytes | None = None
        self._laid = self._emptied = False
        self._state = state
        self._health: Fields | None = None
        self._sent: Fields | None = None
        self._due: set[str] = set()

    @property
    def announced(self) -> bool:
        """Whether there is a discovery."""
        return self._discovery is not None

    def when_changed(self, ring: Callable[[], None]) -> None:
        """Call `ring` whenever something more is due, from the showing thread."""
        self._ring = ring

    def show(self, state: Fields, health: Fields | None = None) -> None:
        """Show a tick's state, and health where it was time for one."""
        with self._lock:
            before = len(self._due)
            self._state = state
            if self._sent is None or _essence(state) != _essence(self._sent):
                self._due.add(self._topics.state)
            if health is not None:
                self._health = health
                self._due.add(self._topics.health)
                if self._sent is None or _without_at(state) != _without_at(self._sent):
                    self._due.add(self._topics.state)
            more = len(self._due) > before
        if more:
            self._ring()

    def announce(self, discovery: bytes, ghosts: bytes | None = None) -> None:
        """Show what Home Assistant learns the device from.

        Args:
            discovery: what is retained; empty where the device is to go.
            ghosts: what is told once, directly before it, to Home Assistant that has just started: only what it knows
                can it remove.
        """
        with self._lock:
            self._discovery, self._ghosts, self._laid, self._emptied = discovery, ghosts, False, False
            self._due.add(self._topics.discovery)
        self._ring()

    def laid(self) -> bool:
        """Whether the broker has taken the ghosts, and what removes them, since Home Assistant has started."""
        return self._laid

    def retire(self) -> None:
        """Have no discovery any more."""
        with self._lock:
            self._discovery = self._ghosts = None
            self._laid = False

    def greet(self) -> None:
        """Make discovery due again for Home Assistant that has just started."""
        with self._lock:
            self._born = True
            self._due.add(self._topics.discovery)

    def confirm(self, topic: str, payload: bytes) -> None:
        """Take in that the broker has taken a payload."""
        with self._lock:
            if topic != self._topics.discovery or payload != self._discovery:
                return
            self._emptied = not payload
            if payload == self._laying:
                self._laying, self._laid = None, True

    def rewind(self, *topics: str) -> None:
        """Make topics due again, all of them unless named, as after a new connection."""
        with self._lock:
            self._due.update(topics or (self._topics.discovery, self._topics.state, self._topics.health))

    def take(self) -> list[Notice]:
        """Return what is due: discovery, state, health."""
        with self._lock:
            due, self._due = self._due, set()
            notices = []
            if self._topics.discovery in due and self._discovery is not None:
                if self._born and self._ghosts is not None:
                    notices.append(Notice(self._topics.discovery, self._ghosts, retain=False))
                    self._laying, self._emptied = self._discovery, False
                self._born = False
                if not self._emptied:  # Home Assistant complains of a device that goes twice
                    notices.append(Notice(self._topics.discovery, self._discovery))
            if self._topics.state in due:
                self._sent = self._state
                notices.append(Notice(self._topics.state, dump(self._state)))
            if self._topics.health in due and self._health is not None:
                notices.append(Notice(self._topics.health, dump(self._health)))
            return notices


def _without_at(state: Fields) -> Fields:
    return {name: value for name, value in state.items() if name != "at"}


def _essence(state: Fields) -> Fields:
    people = state["people"]
    return {**_without_at(state), "people": set(people) if isinstance(people, Mapping) else people}
