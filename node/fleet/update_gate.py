"""Live health of a node after an update, and its health before -> whether it took the update well, else why not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from node.fleet.node_table import Fields, number


@dataclass(frozen=True, slots=True)
class Demand:
    """What a node must show.

    Attributes:
        version: of the program; None: any.
        model: first eight hex digits of the network's sha256; None: any.
        worse: greatest share by which frame rate, median and 95th percentile may be worse than before.
        messages: live health messages in a row that must be well.
    """

    version: str | None = None
    model: str | None = None
    worse: float = 0.5
    messages: int = 2


@dataclass(slots=True)
class _Trial:
    good: int = 0
    why: str = "has said nothing"
    fault: str = ""
    uptime_s: float | None = None


@dataclass(slots=True)
class Jury:
    """Judge nodes by live health alone: what is retained was said by the process before.

    Attributes:
        demand: what each must show.
        before: the last health before the update, by node; nothing of a node that is new.
        nodes: who is judged.
    """

    demand: Demand
    before: Mapping[str, Fields | None]
    nodes: tuple[str, ...]
    _trials: dict[str, _Trial] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nobody heard."""
        self._trials = {node: _Trial() for node in self.nodes}

    def hear(self, node: str, health: Fields) -> None:
        """Take in a live health message."""
        trial = self._trials.get(node)
        if trial is None:
            return
        uptime_s = number(health, "uptime_s") or 0.0
        if uptime_s == trial.uptime_s:
            return  # a second message within a second, as when the camera changes, shows nothing of a life that goes on
        trial.why = _fault(health, self.demand, self.before.get(node) or {})
        if not trial.why and trial.uptime_s is not None and uptime_s < trial.uptime_s:
            trial.why = "starts again and again"
        trial.fault = trial.why or trial.fault
        trial.good = 0 if trial.why else trial.good + 1
        trial.uptime_s = uptime_s

    @property
    def done(self) -> bool:
        """Whether every node has shown that it is well."""
        return all(trial.good >= self.demand.messages for trial in self._trials.values())

    def verdicts(self) -> dict[str, str]:
        """Return why each node is not well, an empty string for who is."""
        return {
            node: "" if trial.good >= self.demand.messages else trial.why or _in_part(trial.fault)
            for node, trial in self._trials.items()
        }


def _in_part(fault: str) -> str:
    return f"was well only now and then: {fault}" if fault else "was heard well, but not often enough"


def _fault(health: Fields, demand: Demand, before: Fields) -> str:
    """Return what one message shows to be wrong, an empty string if nothing."""
    for name, wanted in (("version", demand.version), ("model", demand.model)):
        if wanted is not None and health.get(name) != wanted:
            return f"{name} is {health.get(name)}, not {wanted}"
    # `rejected` counts since the outbox was made: what was refused before this update is not its fault.
    refused = (number(health, "rejected") or 0) - (number(before, "rejected") or 0)
    if refused > 0:
        return f"the broker has rejected {refused:.0f} messages"
    camera, was = health.get("camera"), before.get("camera") or "ok"
    if camera != was:
        return f"camera is {camera}, was {was}"
    if camera == "ok" and not number(health, "fps"):
        return "processes no frames"
    return _slower(health, before, demand.worse)


def _slower(health: Fields, before: Fields, worse: float) -> str:
    fps, was_fps = number(health, "fps"), number(before, "fps")
    if fps is not None and was_fps and fps < was_fps / (1 + worse):
        return f"{fps:.1f} frames a second, were {was_fps:.1f}"
    # The median, too: one disturbed second before the update would hide a release that is slow for good.
    for name, words in (("p50_ms", "the median"), ("p95_ms", "the 95th percentile")):
        took_ms, was_ms = number(health, name), number(before, name)
        if took_ms is not None and was_ms and took_ms > was_ms * (1 + worse):
            return f"{words} is {took_ms:.0f} ms a frame, was {was_ms:.0f} ms"
    return ""
