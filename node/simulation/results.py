"""The nodes' records and the subscriber's arrivals -> the figures of a simulation."""

import math
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from node.simulation.recorder import Recorder
from node.simulation.subscriber import Arrivals


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Durations in milliseconds: median, 95th and 99th percentile, maximum; and the number of values."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    most_ms: float
    count: int


@dataclass(frozen=True, slots=True)
class EventCounts:
    """The outcomes of the events.

    Attributes:
        made: events created.
        received: distinct events received.
        lost: events that the broker acknowledged but the subscriber never received.
        waiting: events that the broker never acknowledged, without the rejected ones.
        rejected: events that the broker refused for good.
        repeated: how often an event was received again.
        late: distinct events received as late.
    """

    made: int
    received: int
    lost: int
    waiting: int
    rejected: int
    repeated: int
    late: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """How the nodes reconnected after a storm. Times are seconds since its start.

    Attributes:
        lost: nodes that lost their connection.
        missing: those of them that did not reconnect.
        first_s: when the first one had reconnected; None if none did.
        all_s: when the last one had; None if one did not.
        attempts_per_s: greatest number of attempts within a second, including failed ones.
        accepts_per_s: greatest number of connections that the broker accepted within a second.
        connect: how long these connections took.
    """

    lost: int
    missing: int
    first_s: float | None
    all_s: float | None
    attempts_per_s: int
    accepts_per_s: int
    connect: Percentiles | None


def percentiles(values_s: Iterable[float]) -> Percentiles | None:
    """Return the percentiles of durations in seconds, by nearest rank; None if there are no values."""
    ordered = sorted(values_s)
    if not ordered:
        return None
    p50_ms, p95_ms, p99_ms, most_ms = (_nearest_rank(ordered, share) * 1000 for share in (0.5, 0.95, 0.99, 1.0))
    return Percentiles(p50_ms, p95_ms, p99_ms, most_ms, len(ordered))


def peak_count(times_s: Iterable[float], window_s: float = 1.0) -> int:
    """Return the greatest number of times within any window of `window_s`."""
    window: deque[float] = deque()
    peak = 0
    for time_s in sorted(times_s):
        window.append(time_s)
        while time_s - window[0] >= window_s:
            window.popleft()
        peak = max(peak, len(window))
    return peak


def count_events(recorder: Recorder, arrivals: Arrivals) -> EventCounts:
    """Compare the nodes' records with what the subscriber received."""
    records = list(recorder.event_records())
    acknowledged = sum(record.acknowledged for record in records)
    return EventCounts(
        made=len(records),
        received=len(arrivals.first_s),
        lost=len(lost_events(recorder, arrivals)),
        waiting=len(records) - acknowledged - recorder.rejected,
        rejected=recorder.rejected,
        repeated=arrivals.repeated,
        late=arrivals.late,
    )


def lost_events(recorder: Recorder, arrivals: Arrivals) -> Collection[tuple[int, int]]:
    """Return the keys of the events that the broker acknowledged but the subscriber has not received."""
    acknowledged = {(record.node, record.seq) for record in recorder.event_records() if record.acknowledged}
    return acknowledged - arrivals.first_s.keys()


def latencies(recorder: Recorder, arrivals: Arrivals) -> tuple[Percentiles | None, Percentiles | None]:
    """Return how long events took to arrive: since they were first sent, and since they happened."""
    rows = [(record, arrivals.first_s.get((record.node, record.seq))) for record in recorder.event_records()]
    received = [(record, first_s) for record, first_s in rows if first_s is not None]
    return (
        percentiles(first_s - record.sent_s for record, first_s in received if not math.isnan(record.sent_s)),
        percentiles(first_s - record.happened_s for record, first_s in received),
    )


def recovery(recorder: Recorder, storm_s: float) -> Recovery:
    """Return how the nodes reconnected after a storm.

    Args:
        recorder: the records of all nodes.
        storm_s: start of the storm, seconds of the monotonic clock. A node that was disconnected by then counts, too.
    """
    lost = _lost_since(recorder, storm_s)
    back: dict[int, float] = {}
    accepted = [
        (node, attempt_s, accepted_s) for node, attempt_s, accepted_s in recorder.connections() if accepted_s >= storm_s
    ]
    for node, _, accepted_s in accepted:
        if node in lost and accepted_s >= lost[node]:
            back[node] = min(accepted_s, back.get(node, math.inf))
    return Recovery(
        lost=len(lost),
        missing=len(lost) - len(back),
        first_s=min(back.values()) - storm_s if back else None,
        all_s=max(back.values()) - storm_s if back and len(back) == len(lost) else None,
        attempts_per_s=peak_count(each for each in recorder.attempts if each >= storm_s),
        accepts_per_s=peak_count(accepted_s for _, _, accepted_s in accepted),
        connect=percentiles(accepted_s - attempt_s for _, attempt_s, accepted_s in accepted),
    )


def _lost_since(recorder: Recorder, storm_s: float) -> dict[int, float]:
    """Return since when each node was disconnected that lost its connection in the storm or was without one before."""
    latest: dict[int, float] = {}
    for node, _, accepted_s in recorder.connections():
        if accepted_s < storm_s:
            latest[node] = max(accepted_s, latest.get(node, -math.inf))
    before: dict[int, float] = {}
    after: dict[int, float] = {}
    for node, lost_s in recorder.losses():
        if lost_s >= storm_s:
            after[node] = min(lost_s, after.get(node, math.inf))
        elif lost_s >= latest.get(node, -math.inf):
            before[node] = storm_s
    # A node that reconnected just before the storm reached it counts from the moment of that later loss.
    return before | after


def _nearest_rank(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
