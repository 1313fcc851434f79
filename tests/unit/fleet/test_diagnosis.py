"""The problems of a node."""

from datetime import UTC, datetime, timedelta

import pytest

from node.fleet.diagnosis import Limits, Problem, diagnose
from node.fleet.node_table import NodeRecord

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HEALTHY = {
    "at": "2026-11-24T11:59:30.000Z",
    "camera": "ok",
    "fps": 9.8,
    "rejected": 0,
    "dropped": 0,
    "cert_days_left": 300,
    "throttled": False,
    "requests": "on",
}


def test_a_healthy_node_has_no_problems() -> None:
    """No certificate, no temperature sensor and a camera that its owner turned off are no problems either."""
    assert diagnose(NodeRecord("online", HEALTHY), NOW) == ()
    unknown = {"cert_days_left": None, "throttled": None, "upside_down": None}
    assert diagnose(NodeRecord("online", HEALTHY | unknown), NOW) == ()
    assert diagnose(NodeRecord("online", HEALTHY | {"camera": "private", "fps": 0.0}), NOW) == ()


@pytest.mark.parametrize("camera", ["ok", "private"])
def test_an_unknown_frame_rate_is_no_problem(camera: str) -> None:
    """The rate is null until there is one: after a start, privacy or the loss of the camera."""
    assert diagnose(NodeRecord("online", HEALTHY | {"camera": camera, "fps": None}), NOW) == ()


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("camera", "lost", Problem.CAMERA),
        ("fps", 0.0, Problem.FRAMES),
        ("upside_down", True, Problem.UPSIDE_DOWN),
        ("rejected", 1, Problem.REJECTED),
        ("dropped", 2, Problem.DROPPED),
        ("cert_days_left", 13, Problem.CERTIFICATE),
        ("discovery", "too_large", Problem.DISCOVERY),
        ("discovery", "refused", Problem.DISCOVERY),
        ("throttled", True, Problem.THROTTLED),
        ("slow", True, Problem.SLOW),
        ("requests", "paused", Problem.REQUESTS),
        ("requests", "refused", Problem.REQUESTS),
        ("at", "2026-11-24T11:54:59.000Z", Problem.SILENT),
        ("at", "never", Problem.SILENT),
        ("camera", {"state": "ok"}, Problem.CAMERA),
    ],
)
def test_each_problem_shows_in_one_field(field: str, value: object, problem: Problem) -> None:
    """A field out of bounds is one problem, and no other."""
    assert diagnose(NodeRecord("online", HEALTHY | {field: value}), NOW) == (problem,)


def test_a_node_that_is_offline_has_no_other_problem() -> None:
    """Its health is out of date; a node that the broker does not know is offline."""
    assert diagnose(NodeRecord("offline", HEALTHY | {"camera": "lost"}), NOW) == (Problem.OFFLINE,)
    assert diagnose(NodeRecord(), NOW) == (Problem.OFFLINE,)


def test_the_limits_can_be_set() -> None:
    """The caller sets how long a certificate must last, and how long a node may be silent."""
    old = NodeRecord("online", HEALTHY | {"at": f"{NOW - timedelta(seconds=61):%Y-%m-%dT%H:%M:%S.000Z}"})
    assert diagnose(old, NOW, Limits(silent_s=60)) == (Problem.SILENT,)
    assert diagnose(NodeRecord("online", HEALTHY), NOW, Limits(cert_days=301)) == (Problem.CERTIFICATE,)


def test_a_node_that_is_online_without_health_is_silent() -> None:
    """A node publishes its health right after `online`."""
    assert diagnose(NodeRecord("online"), NOW) == (Problem.SILENT,)
