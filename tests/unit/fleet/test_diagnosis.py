"""What is wrong with a node."""

from datetime import UTC, datetime, timedelta

import pytest

from node.fleet.diagnosis import Limits, Problem, diagnose
from node.fleet.node_table import Known

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WELL = {
    "at": "2026-11-24T11:59:30.000Z",
    "camera": "ok",
    "fps": 9.8,
    "rejected": 0,
    "dropped": 0,
    "cert_days_left": 300,
    "throttled": False,
}


def test_nothing_is_wrong_with_a_node_that_is_well() -> None:
    """Neither with one that has no certificate, does not know its heat, or looks away because its owner wants it to."""
    assert diagnose(Known("online", WELL), NOW) == ()
    unknown = {"cert_days_left": None, "throttled": None, "fps": None}
    assert diagnose(Known("online", WELL | unknown), NOW) == ()
    assert diagnose(Known("online", WELL | {"camera": "private", "fps": 0.0}), NOW) == ()


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("camera", "lost", Problem.CAMERA),
        ("fps", 0.0, Problem.FRAMES),
        ("rejected", 1, Problem.REJECTED),
        ("dropped", 2, Problem.DROPPED),
        ("cert_days_left", 13, Problem.CERTIFICATE),
        ("throttled", True, Problem.THROTTLED),
        ("at", "2026-11-24T11:54:59.000Z", Problem.SILENT),
        ("at", "never", Problem.SILENT),
        ("camera", {"state": "ok"}, Problem.CAMERA),
    ],
)
def test_each_problem_shows_in_one_field(field: str, value: object, problem: Problem) -> None:
    """A field out of its bounds is one problem, and no other."""
    assert diagnose(Known("online", WELL | {field: value}), NOW) == (problem,)


def test_of_who_is_offline_nothing_else_is_told() -> None:
    """Its health is of the past; and who is not known to the broker is offline."""
    assert diagnose(Known("offline", WELL | {"camera": "lost"}), NOW) == (Problem.OFFLINE,)
    assert diagnose(Known(), NOW) == (Problem.OFFLINE,)


def test_the_limits_are_those_given() -> None:
    """An integrator sets when a certificate is worth a word, and how long a node may be silent."""
    old = Known("online", WELL | {"at": f"{NOW - timedelta(seconds=61):%Y-%m-%dT%H:%M:%S.000Z}"})
    assert diagnose(old, NOW, Limits(silent_s=60)) == (Problem.SILENT,)
    assert diagnose(Known("online", WELL), NOW, Limits(cert_days=301)) == (Problem.CERTIFICATE,)


def test_online_without_health_is_silent() -> None:
    """A node tells its health right behind `online`: one that does not is not well."""
    assert diagnose(Known("online"), NOW) == (Problem.SILENT,)
