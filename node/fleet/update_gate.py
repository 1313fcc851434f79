"""Live health after an update, and the health before it -> whether each node took the update, else why not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from node.fleet.node_table import Fields, number


@dataclass(frozen=True, slots=True)
class Criteria:
    """What the health of a node must show.

    Attributes:
        version: the expected version of the program; None: any.
        model: first eight hex digits of the expected network's sha256; None: any.
        max_slowdown: greatest share by which frame rate, median and 95th percentile may be worse than before.
        messages: how many healthy live messages in a row a node needs.
    """

    version: str | None = None
    model: str | None = None
    max_slowdown: float = 0.5
    messages: int = 2


@dataclass(slots=True)
class _NodeCheck:
    """How far the check of one node is.

    Attributes:
        healthy: healthy messages in a row.
        reason: why the latest message does not count as healthy, an empty string if it does.
        last_fault: the latest fault of any message, an empty string if there was none.
        uptime_s: uptime in the latest message, seconds.
    """

    healthy: int = 0
    reason: str = "no live health message received"
    last_fault: str = ""
    uptime_s: float | None = None


@dataclass(slots=True)
class UpdateGate:
    """Check nodes by live health alone: a retained message is from the process before the update.

    Attributes:
        criteria: what the health of each node must show.
        before: the last health before the update, by node; a new node has none.
        nodes: the nodes to check.
    """

    criteria: Criteria
    before: Mapping[str, Fields | None]
    nodes: tuple[str, ...]
    _checks: dict[str, _NodeCheck] = field(init=False)

    def __post_init__(self) -> None:
        """Start with no message of any node."""
        self._checks = {node: _NodeCheck() for node in self.nodes}

    def add(self, node: str, health: Fields) -> None:
        """Check a live health message; one without a frame rate counts neither for nor against the node."""
        check = self._checks.get(node)
        if check is None:
            return
        uptime_s = number(health, "uptime_s") or 0.0
        if uptime_s == check.uptime_s:
            return  # A second message in the same second, as when the camera changes, is no proof of a longer uptime.
        fault = _fault(health, self.criteria, self.before.get(node) or {})
        if not fault and check.uptime_s is not None and uptime_s < check.uptime_s:
            fault = "restarts repeatedly"
        if fault:
            check.healthy, check.reason, check.last_fault = 0, fault, fault
        elif _lacks_frame_rate(health):
            check.reason = "processes no frames yet"
        else:
            check.healthy, check.reason = check.healthy + 1, ""
        check.uptime_s = uptime_s

    @property
    def passed(self) -> bool:
        """Whether every node has sent enough healthy messages."""
        return all(check.healthy >= self.criteria.messages for check in self._checks.values())

    def reasons(self) -> dict[str, str]:
        """Return why each node has not passed, by node; an empty string if it has."""
        return {
            node: "" if check.healthy >= self.criteria.messages else check.reason or _too_few(check.last_fault)
            for node, check in self._checks.items()
        }


def _lacks_frame_rate(health: Fields) -> bool:
    """Return whether the camera runs but has no frame rate yet, as after a start, privacy or its loss."""
    return health.get("camera") == "ok" and number(health, "fps") is None


def _too_few(last_fault: str) -> str:
    return f"not healthy in enough messages in a row: {last_fault}" if last_fault else "too few live health messages"


def _fault(health: Fields, criteria: Criteria, before: Fields) -> str:
    """Return the fault that one message shows, an empty string if none."""
    for name, expected in (("version", criteria.version), ("model", criteria.model)):
        if expected is not None and health.get(name) != expected:
            return f"{name} is {health.get(name)}, not {expected}"
    # `rejected` counts since the outbox was created: rejections before the update do not count against it.
    rejected = (number(health, "rejected") or 0) - (number(before, "rejected") or 0)
    if rejected > 0:
        return f"the broker rejected {rejected:.0f} {'message' if rejected == 1 else 'messages'}"
    camera, camera_before = health.get("camera"), before.get("camera") or "ok"
    if camera != camera_before:
        return f"camera is {camera}, was {camera_before}"
    if camera == "ok" and number(health, "fps") == 0:
        return "processes no frames"
    return _slowdown(health, before, criteria.max_slowdown)


def _slowdown(health: Fields, before: Fields, limit: float) -> str:
    fps, fps_before = number(health, "fps"), number(before, "fps")
    if fps is not None and fps_before and fps < fps_before / (1 + limit):
        return f"{fps:.1f} frames per second, was {fps_before:.1f}"
    # Check the median, too: one disturbed second before the update would hide a release that is always slow.
    for name, label in (("p50_ms", "median"), ("p95_ms", "95th percentile")):
        value_ms, before_ms = number(health, name), number(before, name)
        if value_ms is not None and before_ms and value_ms > before_ms * (1 + limit):
            return f"{label} is {value_ms:.0f} ms per frame, was {before_ms:.0f} ms"
    return ""
