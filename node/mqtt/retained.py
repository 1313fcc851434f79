"""The latest discovery, state and health -> the retained messages to publish. Never on disk."""

import threading
from collections.abc import Callable, Mapping

from node.contract.message import Message
from node.contract.payloads import Fields, dump
from node.contract.topics import Topics
from node.domain import DiscoveryState


class Retained:
    """Keep only the latest of each retained message. Thread-safe: one thread updates, another takes.

    State is due at once when anything but its times changes. If only times change it is due with the next health:
    `last_seen` of a person in view changes with every frame.

    Args:
        topics: the node's topics.
        state: the state before the first tick, in which nobody is in view.
    """

    def __init__(self, topics: Topics, state: Fields) -> None:
        self._topics = topics
        self._lock = threading.Lock()
        self._notify: Callable[[], None] = lambda: None
        self._discovery: bytes | None = None
        self._removal_payload: bytes | None = None
        self._restarted = False  # Home Assistant has, since discovery was last sent
        self._removing: bytes | None = None  # the discovery sent directly after a removal payload
        self._removal_confirmed = self._cleared = False
        self._discovery_state: DiscoveryState | None = None
        self._state = state
        self._health: Fields | None = None
        self._sent: Fields | None = None
        self._due: set[str] = set()

    @property
    def has_discovery(self) -> bool:
        """Whether there is a discovery."""
        return self._discovery is not None

    @property
    def discovery_state(self) -> DiscoveryState | None:
        """Whether the broker has the discovery; None until it has answered."""
        return DiscoveryState.OFF if self._discovery is None else self._discovery_state

    def removal_confirmed(self) -> bool:
        """Return whether the broker has the removal payload and the discovery after it, sent since the latest start."""
        return self._removal_confirmed

    def on_change(self, notify: Callable[[], None]) -> None:
        """Call `notify` whenever another message becomes due, from the thread that updates."""
        self._notify = notify

    def update(self, state: Fields, health: Fields | None = None) -> None:
        """Set the state of a tick, and health if the tick has one."""
        with self._lock:
            before = len(self._due)
            self._state = state
            if self._sent is None or _without_times(state) != _without_times(self._sent):
                self._due.add(self._topics.state)
            if health is not None:
                self._health = health
                self._due.add(self._topics.health)
                if self._sent is None or _without_at(state) != _without_at(self._sent):
                    self._due.add(self._topics.state)
            more = len(self._due) > before
        if more:
            self._notify()

    def set_discovery(self, discovery: bytes, removal_payload: bytes | None = None) -> None:
        """Set the device discovery for Home Assistant.

        Args:
            discovery: the retained payload; empty to remove the device.
            removal_payload: sent once, not retained, directly before the discovery when Home Assistant has started:
                whole entities of what is to be removed, because Home Assistant removes only what it knows.
        """
        with self._lock:
            self._discovery, self._removal_payload = discovery, removal_payload
            self._removal_confirmed = self._cleared = False
            self._due.add(self._topics.discovery)
        self._notify()

    def clear_discovery(self) -> None:
        """Have no discovery from now on."""
        with self._lock:
            self._discovery = self._removal_payload = None
            self._removal_confirmed = False

    def home_assistant_started(self) -> None:
        """Make discovery due again, because Home Assistant has just started."""
        with self._lock:
            self._restarted = True
            self._due.add(self._topics.discovery)

    def confirm(self, message: Message) -> None:
        """Note that the broker has a message."""
        with self._lock:
            if message.topic != self._topics.discovery or message.payload != self._discovery:
                return
            self._cleared = not message.payload
            self._discovery_state = DiscoveryState.ON
            if message.payload == self._removing:
                self._removing, self._removal_confirmed = None, True

    def refuse(self, topic: str, *, too_large: bool) -> None:
        """Note that the broker refuses the latest message of a topic, or that it is larger than the broker allows."""
        if topic == self._topics.discovery:
            self._discovery_state = DiscoveryState.TOO_LARGE if too_large else DiscoveryState.REFUSED

    def resend(self, *topics: str) -> None:
        """Make topics due again (all of them by default), as after a new connection."""
        with self._lock:
            self._due.update(topics or (self._topics.discovery, self._topics.state, self._topics.health))

    def take_due(self) -> list[Message]:
        """Return the messages that are due: discovery, state, health."""
        with self._lock:
            due, self._due = self._due, set()
            messages = []
            if self._topics.discovery in due and self._discovery is not None:
                if self._restarted and self._removal_payload is not None:
                    messages.append(Message(self._topics.discovery, self._removal_payload))
                    self._removing, self._cleared = self._discovery, False
                self._restarted = False
                if not self._cleared:  # Home Assistant logs an error for a device that is removed twice
                    messages.append(Message(self._topics.discovery, self._discovery, retain=True))
            if self._topics.state in due:
                self._sent = self._state
                messages.append(Message(self._topics.state, dump(self._state), retain=True))
            if self._topics.health in due and self._health is not None:
                messages.append(Message(self._topics.health, dump(self._health), retain=True))
            return messages


def _without_at(state: Fields) -> Fields:
    return {name: value for name, value in state.items() if name != "at"}


def _without_times(state: Fields) -> Fields:
    people = state["people"]
    return {**_without_at(state), "people": set(people) if isinstance(people, Mapping) else people}
