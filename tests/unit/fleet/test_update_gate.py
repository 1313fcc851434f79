"""Whether nodes took an update."""

import pytest

from node.fleet.update_gate import Criteria, UpdateGate

BEFORE = {"camera": "ok", "fps": 10.0, "p50_ms": 20.0, "p95_ms": 40.0, "rejected": 0}
AFTER = {
    "version": "0.2.0", "model": "3f9a1c02", "camera": "ok", "fps": 9.8, "p50_ms": 21.0, "p95_ms": 42.0,
    "rejected": 0, "uptime_s": 5,
}  # fmt: skip
CRITERIA = Criteria("0.2.0", "3f9a1c02")


def reason(*messages: dict[str, object], before: dict[str, object] | None = None, criteria: Criteria = CRITERIA) -> str:
    """Return why one node has not passed after these messages, an empty string if it has."""
    gate = UpdateGate(criteria, {"hall": BEFORE if before is None else before}, ("hall",))
    for number, message in enumerate(messages):
        gate.add("hall", {"uptime_s": 5 + 30 * number, **message})
    return gate.reasons()["hall"]


def after(**changes: object) -> dict[str, object]:
    """Return the health after the update with these changes, without an uptime unless it is among them."""
    return {key: value for key, value in (AFTER | changes).items() if key != "uptime_s" or "uptime_s" in changes}


def test_two_healthy_messages_pass() -> None:
    """New version and model, frames, the same camera, no slower, with growing uptime: twice."""
    assert reason(after(), after()) == ""


def test_one_healthy_message_is_not_enough() -> None:
    """A process that crashes after its first message must not pass."""
    assert reason(after()) == "too few live health messages"
    assert reason() == "no live health message received"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"version": "0.1.0"}, "version is 0.1.0, not 0.2.0"),
        ({"model": "00000000"}, "model is 00000000, not 3f9a1c02"),
        ({"rejected": 1}, "the broker rejected 1 message"),
        ({"rejected": 2}, "the broker rejected 2 messages"),
        ({"camera": "lost"}, "camera is lost, was ok"),
        ({"fps": None}, "processes no frames yet"),
        ({"fps": 0.0}, "processes no frames"),
        ({"fps": 6.0}, "6.0 frames per second, was 10.0"),
        ({"p50_ms": 31.0}, "median is 31 ms per frame, was 20 ms"),
        ({"p95_ms": 80.0}, "95th percentile is 80 ms per frame, was 40 ms"),
    ],
)
def test_the_reason_names_the_fault(changes: dict[str, object], expected: str) -> None:
    """The reason says what is wrong, with the figures of both times."""
    assert reason(after(**changes), after(**changes)) == expected


def test_a_node_that_restarts_repeatedly_does_not_pass() -> None:
    """Each process is healthy on its own: only the uptime shows the restart."""
    assert reason(after(uptime_s=2), after(uptime_s=1)) == "restarts repeatedly"
    assert reason(after(uptime_s=2), after(uptime_s=2)) == "too few live health messages"


def test_a_slow_first_minute_does_not_count() -> None:
    """The first frames of a process are slow: what counts are enough healthy messages in a row at the end."""
    assert reason(after(p95_ms=400.0), after(), after()) == ""
    slow = "not healthy in enough messages in a row: 95th percentile is 400 ms per frame, was 40 ms"
    assert reason(after(), after(p95_ms=400.0), after()) == slow


def test_an_unknown_frame_rate_is_neither_fault_nor_proof() -> None:
    """The rate is null until there is one, as after privacy: such a message neither counts nor resets the count."""
    unknown = after(fps=None)
    assert reason(after(), unknown, after()) == ""
    assert reason(unknown, unknown, unknown) == "processes no frames yet"
    assert reason(unknown, after()) == "too few live health messages"
    assert reason(after(fps=0.0), unknown, after()).endswith(": processes no frames")


def test_an_unknown_frame_rate_hides_no_other_fault() -> None:
    """Each other field still counts, and so does a restart."""
    assert reason(after(), after(fps=None, p95_ms=80.0), after()).endswith("is 80 ms per frame, was 40 ms")
    assert reason(after(fps=None, uptime_s=2), after(fps=None, uptime_s=1)) == "restarts repeatedly"


def test_a_private_camera_needs_no_frame_rate() -> None:
    """Its owner turned it off before the update, too."""
    private = {"camera": "private", "fps": None}
    assert reason(after(**private), after(**private), before=BEFORE | private) == ""


def test_faults_from_before_the_update_do_not_count_against_it() -> None:
    """Messages rejected long ago, a camera already lost, a node already slow, and a node that is new."""
    assert reason(after(rejected=3), after(rejected=3), before=BEFORE | {"rejected": 3}) == ""
    lost = {"camera": "lost", "fps": 0.0}
    assert reason(after(**lost), after(**lost), before=BEFORE | lost) == ""
    assert reason(after(p95_ms=80.0), after(p95_ms=80.0), before=BEFORE | {"p95_ms": 70.0}) == ""
    assert reason(after(), after(), before={}) == ""


def test_the_allowed_slowdown_can_be_set() -> None:
    """An owner can let a release pass that is known to be slower."""
    slow = after(p95_ms=80.0, fps=6.0)
    assert reason(slow, slow, criteria=Criteria("0.2.0", "3f9a1c02", max_slowdown=1.0)) == ""


def test_all_nodes_must_pass_and_others_do_not_count() -> None:
    """The gate passes with the last of its nodes; a node that it does not check changes nothing."""
    gate = UpdateGate(CRITERIA, {}, ("hall", "yard"))
    for uptime_s in (5, 35):
        gate.add("hall", AFTER | {"uptime_s": uptime_s})
        gate.add("other", AFTER | {"uptime_s": uptime_s, "fps": None})
    assert not gate.passed
    assert gate.reasons() == {"hall": "", "yard": "no live health message received"}
    for uptime_s in (5, 35):
        gate.add("yard", AFTER | {"uptime_s": uptime_s})
    assert gate.passed
