"""The status and health of a node -> its problems."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from node.contract.payloads import ONLINE
from node.fleet.node_table import NodeRecord, number


class Problem(StrEnum):
    """The closed list of problems."""

    OFFLINE = "offline"
    SILENT = "silent"
    CAMERA = "camera"
    FRAMES = "frames"
    UPSIDE_DOWN = "upside_down"
    REJECTED = "rejected"
    DROPPED = "dropped"
    CERTIFICATE = "certificate"
    DISCOVERY = "discovery"
    THROTTLED = "throttled"
    SLOW = "slow"
    REQUESTS = "requests"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits beyond which a value is a problem.

    Attributes:
        silent_s: longest time without a health message, seconds.
        cert_days: days for which a certificate must still be valid.
    """

    silent_s: float = 300.0
    cert_days: int = 14


def diagnose(record: NodeRecord, now: datetime, limits: Limits = Limits()) -> tuple[Problem, ...]:
    """Return the problems of a node, the worst first.

    A node that is offline has that one problem: its health is out of date.

    Args:
        record: status and health of the node.
        now: the current wall time.
        limits: the limits beyond which a value is a problem.
    """
    if record.status != ONLINE.decode():
        return (Problem.OFFLINE,)
    health = record.health
    if health is None:
        return (Problem.SILENT,)
    at, camera = _parse_time(health.get("at")), health.get("camera")
    days = number(health, "cert_days_left")
    found = {
        Problem.SILENT: at is None or (now - at).total_seconds() > limits.silent_s,
        Problem.CAMERA: camera not in ("ok", "private"),
        # A rate of null is unknown, not zero: the process, or its camera, has just started.
        Problem.FRAMES: camera == "ok" and number(health, "fps") == 0,
        Problem.UPSIDE_DOWN: health.get("upside_down") is True,
        Problem.REJECTED: bool(number(health, "rejected")),
        Problem.DROPPED: bool(number(health, "dropped")),
        Problem.CERTIFICATE: days is not None and days < limits.cert_days,
        Problem.DISCOVERY: health.get("discovery") in ("refused", "too_large"),
        Problem.THROTTLED: health.get("throttled") is True,
        Problem.SLOW: health.get("slow") is True,
        Problem.REQUESTS: health.get("requests") in ("refused", "paused"),
    }
    return tuple(problem for problem, is_present in found.items() if is_present)


def _parse_time(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
