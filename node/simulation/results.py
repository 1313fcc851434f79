"""Diaries and what was heard -> the figures of a simulation."""

import math
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from node.simulation.recorder import Diary
from node.simulation.subscriber import Heard


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, milliseconds: median, 95th and 99th percentile, greatest; and of how many."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    most_ms: float
    count: int


@dataclass(frozen=True, slots=True)
class Events:
    """What became of the events.

    Attributes:
        made: how many there were.
        received: different ones that came.
        lost: those that the broker has acknowledged and that never came.
        waiting: those that it never acknowledged, without the rejected ones.
        rejected: those that it refused for good.
        repeated: how often one came again.
        late: different ones that came as late.
    """

    made: int
    received: int
    lost: int
    waiting: int
    rejected: int
    repeated: int
    late: int


@dataclass(frozen=True, slots=True)
class Return:
    """How all came back after a storm. Seconds since it began.

    Attributes:
        lost: nodes that lost their connection.
        missing: those of them that did not come back.
        first_s: when the first one was back; None if none was.
        all_s: when the last one was.
        attempts_per_s: greatest number of attempts in a second, also those that failed.
        accepts_per_s: greatest number of connections that the broker accepted in a second.
        connect: how long those took.
    """

    lost: int
    missing: int
    first_s: float | None
    all_s: float | None
    attempts_per_s: int
    accepts_per_s: int
    connect: Spread | None


def spread(values_s: Iterable[float]) -> Spread | None:
    """Return the percentiles of durations in seconds, by the nearest rank; None of none."""
    ordered = sorted(values_s)
    if not ordered:
        return None
    p50_ms, p95_ms, p99_ms, most_ms = (_rank(ordered, share) * 1000 for share in (0.5, 0.95, 0.99, 1.0))
    return Spread(p50_ms, p95_ms, p99_ms, most_ms, len(ordered))


def busiest(moments_s: Iterable[float], width_s: float = 1.0) -> int:
    """Return how many moments there were at most within any stretch of `width_s`."""
    window: deque[float] = deque()
    most = 0
    for moment_s in sorted(moments_s):
        window.append(moment_s)
        while moment_s - window[0] >= width_s:
            window.popleft()
        most = max(most, len(window))
    return most


def count(diary: Diary, heard: Heard) -> Events:
    """Compare what the nodes noted with what came."""
    entries = list(diary.entries())
    lost = missing(diary, heard)
    taken = sum(entry.taken for entry in entries)
    return Events(
        made=len(entries),
        received=len(heard.first_s),
        lost=len(lost),
        waiting=len(entries) - taken - diary.rejected,
        rejected=diary.rejected,
        repeated=heard.repeated,
        late=heard.late,
    )


def missing(diary: Diary, heard: Heard) -> Collection[tuple[int, int]]:
    """Return the keys of events that the broker has acknowledged and that have not come."""
    came = heard.first_s.keys()
    return {(entry.node, entry.seq) for entry in diary.entries() if entry.taken} - came


def delays(diary: Diary, heard: Heard) -> tuple[Spread | None, Spread | None]:
    """Return how long events took to come: since they were first sent, and since they happened."""
    rows = [(entry, heard.first_s.get((entry.node, entry.seq))) for entry in diary.entries()]
    came = [(entry, first_s) for entry, first_s in rows if first_s is not None]
    return (
        spread(first_s - entry.sent_s for entry, first_s in came if not math.isnan(entry.sent_s)),
        spread(first_s - entry.happened_s for entry, first_s in came),
    )


def returned(diary: Diary, began_s: float) -> Return:
    """Return how all came back after a storm that began at a moment; who was away by then counts, too."""
    lost = _away(diary, began_s)
    back: dict[int, float] = {}
    accepted = [(node, tried_s, at_s) for node, tried_s, at_s in diary.connections() if at_s >= began_s]
    for node, _, at_s in accepted:
        if node in lost and at_s >= lost[node]:
            back[node] = min(at_s, back.get(node, math.inf))
    return Return(
        lost=len(lost),
        missing=len(lost) - len(back),
        first_s=min(back.values()) - began_s if back else None,
        all_s=max(back.values()) - began_s if back and len(back) == len(lost) else None,
        attempts_per_s=busiest(each for each in diary.attempts if each >= began_s),
        accepts_per_s=busiest(at_s for _, _, at_s in accepted),
        connect=spread(at_s - tried_s for _, tried_s, at_s in accepted),
    )


def _away(diary: Diary, began_s: float) -> dict[int, float]:
    """Return since when each node was away that lost its connection after a moment, or had lost it before."""
    latest: dict[int, float] = {}
    for node, _, at_s in diary.connections():
        if at_s < began_s:
            latest[node] = max(at_s, latest.get(node, -math.inf))
    before: dict[int, float] = {}
    after: dict[int, float] = {}
    for node, lost_s in diary.losses():
        if lost_s >= began_s:
            after[node] = min(lost_s, after.get(node, math.inf))
        elif lost_s >= latest.get(node, -math.inf):
            before[node] = began_s
    # Who was away and came back just before the storm reached it is away since then.
    return before | after


def _rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
