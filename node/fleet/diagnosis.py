"""What is known of a node -> what is wrong with it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from node.contract.payloads import ONLINE
from node.fleet.node_table import Known, number


class Problem(StrEnum):
    """The closed list of what can be wrong."""

    OFFLINE = "offline"
    SILENT = "silent"
    CAMERA = "camera"
    FRAMES = "frames"
    REJECTED = "rejected"
    DROPPED = "dropped"
    CERTIFICATE = "certificate"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class Limits:
    """When something is wrong.

    Attributes:
        silent_s: seconds without a health message.
        cert_days: days for which a certificate must still be valid.
    """

    silent_s: float = 300.0
    cert_days: int = 14


def diagnose(known: Known, now: datetime, limits: Limits = Limits()) -> tuple[Problem, ...]:
    """Return what is wrong, the worst first; of who is offline nothing else is told, since it is of the past."""
    if known.status != ONLINE.decode():
        return (Problem.OFFLINE,)
    health = known.health
    if health is None:
        return (Problem.SILENT,)
    at, camera = _moment(health.get("at")), health.get("camera")
    days = number(health, "cert_days_left")
    found = {
        Problem.SILENT: at is None or (now - at).total_seconds() > limits.silent_s,
        Problem.CAMERA: camera not in ("ok", "private"),
        # None is the first health of a process, before there was time for a rate.
        Problem.FRAMES: camera == "ok" and number(health, "fps") == 0,
        Problem.REJECTED: bool(number(health, "rejected")),
        Problem.DROPPED: bool(number(health, "dropped")),
        Problem.CERTIFICATE: days is not None and days < limits.cert_days,
        Problem.THROTTLED: health.get("throttled") is True,
    }
    return tuple(problem for problem, there in found.items() if there)


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
