"""What a process of the simulation sees -> columns of figures that travel to the one that counts."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field


def _column() -> "array[float]":
    return array("d")


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of one node.

    Attributes:
        node: its number.
        seq: the event's.
        happened_s: when it was put into the outbox, seconds of the monotonic clock.
        sent_s: when it was first on its way; NaN if it never was.
        taken: whether the broker has acknowledged it.
    """

    node: int
    seq: int
    happened_s: float
    sent_s: float
    taken: bool


@dataclass(slots=True)
class Diary:
    """Notes of one process. All instants are seconds of the monotonic clock, which all processes of a machine share.

    Attributes:
        events: rows of an entry's five fields.
        accepted: rows of node, when the attempt began, and when the broker accepted it.
        attempts: when a connection was attempted.
        lost: rows of node, and when its connection was lost.
        cuts: how many of those the simulation cut by itself.
        rejected: events that the broker refused for good.
        sentences: how often an attempt or a connection ended with which sentence.
    """

    events: "array[float]" = field(default_factory=_column)
    accepted: "array[float]" = field(default_factory=_column)
    attempts: "array[float]" = field(default_factory=_column)
    lost: "array[float]" = field(default_factory=_column)
    cuts: int = 0
    rejected: int = 0
    sentences: dict[str, int] = field(default_factory=dict)

    def note(self, entry: Entry) -> None:
        """Note what became of an event."""
        self.events.extend((entry.node, entry.seq, entry.happened_s, entry.sent_s, entry.taken))

    def end(self, sentence: str) -> None:
        """Note why an attempt or a connection ended."""
        self.sentences[sentence] = self.sentences.get(sentence, 0) + 1

    def entries(self) -> Iterator[Entry]:
        """Yield the events."""
        for node, seq, happened_s, sent_s, taken in _rows(self.events, 5):
            yield Entry(int(node), int(seq), happened_s, sent_s, bool(taken))

    def connections(self) -> Iterator[tuple[int, float, float]]:
        """Yield the accepted connections: node, begin and end of the attempt."""
        for node, began_s, accepted_s in _rows(self.accepted, 3):
            yield int(node), began_s, accepted_s

    def losses(self) -> Iterator[tuple[int, float]]:
        """Yield the lost connections: node, and when."""
        for node, lost_s in _rows(self.lost, 2):
            yield int(node), lost_s

    def add(self, other: "Diary") -> None:
        """Take in what another process noted."""
        self.events.extend(other.events)
        self.accepted.extend(other.accepted)
        self.attempts.extend(other.attempts)
        self.lost.extend(other.lost)
        self.cuts += other.cuts
        self.rejected += other.rejected
        for sentence, times in other.sentences.items():
            self.sentences[sentence] = self.sentences.get(sentence, 0) + times


def _rows(column: "array[float]", width: int) -> Iterator[tuple[float, ...]]:
    return zip(*(column[offset::width] for offset in range(width)), strict=True)
