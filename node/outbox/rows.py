"""Rows of the outbox and what is counted of them, wherever they are kept."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from node.contract.topics import Kind

ROW_BYTES = 64
"""Room of a row beside its payload, about."""


@dataclass(frozen=True, slots=True)
class Row:
    """A message that waits for the broker.

    Attributes:
        id: counts the messages, in their order.
        kind: event or alert.
        name: the event's type or the alert's rule.
        payload: what is sent.
        boot: the start of the node in which it was put.
        put_s: seconds of that start's monotonic clock at which it was put.
    """

    id: int
    kind: Kind
    name: str
    payload: bytes
    boot: int
    put_s: float

    @property
    def size(self) -> int:
        """Bytes that the row counts towards the bound: its payload and what SQLite adds to a row."""
        return len(self.payload) + ROW_BYTES


@dataclass(frozen=True, slots=True)
class Counters:
    """What the outbox counts for ever.

    Attributes:
        boot: starts of the node.
        seq: events.
        dropped: messages given up because there was no room.
        rejected: messages that the broker refused for good.
    """

    boot: int = 0
    seq: int = 0
    dropped: int = 0
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """A row on its way to the broker, and whether it has waited too long to count as live."""

    row: Row
    late: bool


class Stock(Protocol):
    """Keeps messages until the broker has them."""

    def take(self, limit: int) -> list[Parcel]:
        """Return at most `limit` messages that are not on their way yet, and count them as on their way."""
        ...

    def settle(self, ids: Collection[int]) -> None:
        """Delete messages that the broker has."""
        ...

    def release(self, ids: Collection[int] | None = None) -> None:
        """Let messages wait again, all that are on their way unless named: the broker does not have them."""
        ...

    def reject(self, number: int, code: int, sentence: str) -> None:
        """Set a message aside that the broker refuses for good, with the answer's reason code and its words."""
        ...
