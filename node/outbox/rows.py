"""What the outbox stores: rows, each with one message, and counters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from node.contract.message import Message, expiring
from node.contract.topics import Kind, kind_and_name, late_topic

ROW_BYTES = 64
"""The approximate size of a row on disk without its payload."""


@dataclass(frozen=True, slots=True)
class Row:
    """A message that waits for the broker.

    Attributes:
        id: a number that grows from row to row.
        message: what to publish; the message of a late row has the `late/...` topic.
        boot: the start of the node in which the row was added.
        put_s: seconds of that start's monotonic clock at which the row was added.
        late: whether the row has waited too long to count as live.
    """

    id: int
    message: Message
    boot: int
    put_s: float
    late: bool = False

    @property
    def kind(self) -> Kind:
        """Event or alert."""
        return kind_and_name(self.message.topic)[0]

    @property
    def name(self) -> str:
        """The event's type or the alert's rule."""
        return kind_and_name(self.message.topic)[1]

    @property
    def size(self) -> int:
        """Bytes that the row counts towards the limit: its payload and what SQLite adds to a row."""
        return len(self.message.payload) + ROW_BYTES

    def as_live(self, expire_s: int) -> "Row":
        """Return the row to publish while it is live: the broker drops its message after so many seconds."""
        return replace(self, message=expiring(self.message, expire_s))

    def as_late(self) -> "Row":
        """Return the row marked as late, its message on the `late/...` topic."""
        return replace(self, late=True, message=replace(self.message, topic=late_topic(self.message.topic)))


@dataclass(frozen=True, slots=True)
class Counters:
    """What the outbox counts, over all restarts.

    Attributes:
        boot: starts of the node.
        seq: events.
        dropped: messages dropped because there was no room.
        rejected: messages that the broker refused for good.
        puts: transactions that added messages.
    """

    boot: int = 0
    seq: int = 0
    dropped: int = 0
    rejected: int = 0
    puts: int = 0


class DeliveryQueue(Protocol):
    """Keeps rows until the broker has them: the side of the outbox that a session uses."""

    def take(self, limit: int) -> Sequence[Row]:
        """Return at most `limit` rows that are not in flight, and mark them as in flight."""
        ...

    def settle(self, ids: Collection[int]) -> None:
        """Delete rows that the broker has."""
        ...

    def release(self, ids: Collection[int] | None = None) -> None:
        """Put rows back that are in flight (all of them by default), because the broker does not have them."""
        ...

    def reject(self, row_id: int, code: int, reason: str) -> None:
        """Set a row aside that the broker refuses for good, with the reason code of its answer and a sentence."""
        ...
