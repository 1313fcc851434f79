"""Topic filters and the broker's answers -> which subscriptions are settled, and which to ask for again.

A refusal without a reason (0x80) may hold only for a moment, and over MQTT 3.1.1 it is the only one. A NATS cluster one
of whose servers has died refuses a new subscription now and then, and grants the next. A refusal with a reason stands.
"""

from collections.abc import Iterable

from node.mqtt import reason_codes
from node.mqtt.link import Link, Subscribed

MAX_TRIES = 10
"""How often a filter is subscribed to at most."""


class Grants:
    """Subscribe to filters over one connection. Not thread-safe.

    Args:
        link: the connection.
        filters: the topics or filters.
    """

    def __init__(self, link: Link, filters: Iterable[str]) -> None:
        self._link = link
        self._open: dict[int, tuple[str, int]] = {}
        self._refused: list[tuple[str, int]] = []
        for each in filters:
            # Until its packet id is known, an answer can be in the connection's queue, but nobody has read it yet.
            self._open[link.subscribe(each)] = (each, 1)

    @property
    def settled(self) -> bool:
        """Whether the broker has answered for good to each filter."""
        return not self._open and not self._refused

    def settle(self, answer: Subscribed) -> bool:
        """Handle an answer; return whether it is for good. If not, `ask_again` subscribes to the filter again."""
        topic, tries = self._open.pop(answer.mid, ("", MAX_TRIES))
        if answer.code != reason_codes.NO_REASON or tries == MAX_TRIES:
            return True
        self._refused.append((topic, tries))
        return False

    def ask_again(self) -> None:
        """Subscribe again to each filter that was refused for a moment."""
        while self._refused:
            topic, tries = self._refused.pop()
            self._open[self._link.subscribe(topic)] = (topic, tries + 1)
