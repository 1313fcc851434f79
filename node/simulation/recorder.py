"""What a worker process observes -> columns of numbers, which it sends to the main process."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field


def _column() -> "array[float]":
    return array("d")


@dataclass(frozen=True, slots=True)
class EventRecord:
    """The outcome of one event of one node.

    Attributes:
        node: the node's number.
        seq: the event's number.
        happened_s: when it was put into the outbox, seconds of the monotonic clock.
        sent_s: when it was first sent; NaN if it never was.
        acknowledged: whether the broker has acknowledged it.
    """

    node: int
    seq: int
    happened_s: float
    sent_s: float
    acknowledged: bool


@dataclass(slots=True)
class Recorder:
    """The records of one process.

    All times are seconds of the monotonic clock, which all processes of a machine share.

    Attributes:
        events: rows of the five fields of an EventRecord.
        accepted: rows of node, start of the attempt, and its acceptance by the broker.
        attempts: times of the connection attempts.
        lost: rows of node, and the time when it lost its connection.
        cuts: how many of these losses the simulation caused by cutting single connections.
        rejected: events that the broker refused for good.
        errors: how often an attempt or a connection ended with each message.
    """

    events: "array[float]" = field(default_factory=_column)
    accepted: "array[float]" = field(default_factory=_column)
    attempts: "array[float]" = field(default_factory=_column)
    lost: "array[float]" = field(default_factory=_column)
    cuts: int = 0
    rejected: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def record_event(self, record: EventRecord) -> None:
        """Record the outcome of an event."""
        self.events.extend((record.node, record.seq, record.happened_s, record.sent_s, record.acknowledged))

    def count_error(self, message: str) -> None:
        """Count why an attempt or a connection ended."""
        self.errors[message] = self.errors.get(message, 0) + 1

    def event_records(self) -> Iterator[EventRecord]:
        """Yield the outcomes of the events."""
        for node, seq, happened_s, sent_s, acknowledged in _rows(self.events, 5):
            yield EventRecord(int(node), int(seq), happened_s, sent_s, bool(acknowledged))

    def connections(self) -> Iterator[tuple[int, float, float]]:
        """Yield the accepted connections: node, start of the attempt, acceptance."""
        for node, attempt_s, accepted_s in _rows(self.accepted, 3):
            yield int(node), attempt_s, accepted_s

    def losses(self) -> Iterator[tuple[int, float]]:
        """Yield the lost connections: node, and when it lost it."""
        for node, lost_s in _rows(self.lost, 2):
            yield int(node), lost_s

    def merge(self, other: "Recorder") -> None:
        """Add the records of another process."""
        self.events.extend(other.events)
        self.accepted.extend(other.accepted)
        self.attempts.extend(other.attempts)
        self.lost.extend(other.lost)
        self.cuts += other.cuts
        self.rejected += other.rejected
        for message, times in other.errors.items():
            self.errors[message] = self.errors.get(message, 0) + times


def _rows(column: "array[float]", width: int) -> Iterator[tuple[float, ...]]:
    return zip(*(column[offset::width] for offset in range(width)), strict=True)
