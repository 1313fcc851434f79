"""Whether nodes took an update well."""

import pytest

from node.fleet.update_gate import Demand, Jury

BEFORE = {"camera": "ok", "fps": 10.0, "p50_ms": 20.0, "p95_ms": 40.0, "rejected": 0}
AFTER = {
    "version": "0.2.0", "model": "3f9a1c02", "camera": "ok", "fps": 9.8, "p50_ms": 21.0, "p95_ms": 42.0,
    "rejected": 0, "uptime_s": 5,
}  # fmt: skip
DEMAND = Demand("0.2.0", "3f9a1c02")


def judge(*messages: dict[str, object], before: dict[str, object] | None = None, demand: Demand = DEMAND) -> str:
    """Return the verdict on one node after these messages."""
    jury = Jury(demand, {"hall": BEFORE if before is None else before}, ("hall",))
    for number, message in enumerate(messages):
        jury.hear("hall", {"uptime_s": 5 + 30 * number, **message})
    return jury.verdicts()["hall"]


def after(**changed: object) -> dict[str, object]:
    """Return the health after the update, without the time that it runs, and with what is changed."""
    return {key: value for key, value in (AFTER | changed).items() if key != "uptime_s" or "uptime_s" in changed}


def test_two_good_messages_are_a_good_update() -> None:
    """New version and model, frames, the same camera, no slower: with growing uptime, twice."""
    assert judge(after(), after()) == ""


def test_one_good_message_is_not_enough() -> None:
    """A process that dies after its first message would else pass."""
    assert judge(after()) == "was heard well, but not often enough"
    assert judge() == "has said nothing"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"version": "0.1.0"}, "version is 0.1.0, not 0.2.0"),
        ({"model": "00000000"}, "model is 00000000, not 3f9a1c02"),
        ({"rejected": 2}, "the broker has rejected 2 messages"),
        ({"camera": "lost"}, "camera is lost, was ok"),
        ({"fps": None}, "processes no frames"),
        ({"fps": 0.0}, "processes no frames"),
        ({"fps": 6.0}, "6.0 frames a second, were 10.0"),
        ({"p50_ms": 31.0}, "the median is 31 ms a frame, was 20 ms"),
        ({"p95_ms": 80.0}, "the 95th percentile is 80 ms a frame, was 40 ms"),
    ],
)
def test_each_thing_that_is_not_well_is_said(changed: dict[str, object], why: str) -> None:
    """The report says what, with both figures."""
    assert judge(after(**changed), after(**changed)) == why


def test_a_node_that_starts_again_and_again_is_not_well() -> None:
    """Each of its lives is well: only the time that it runs tells."""
    assert judge(after(uptime_s=2), after(uptime_s=1)) == "starts again and again"
    assert judge(after(uptime_s=2), after(uptime_s=2)) == "was heard well, but not often enough"


def test_a_slow_first_minute_is_forgiven() -> None:
    """The first frames of a process are slow: what counts is that it is well in the end, so many times in a row."""
    assert judge(after(p95_ms=400.0), after(), after()) == ""
    now_and_then = "was well only now and then: the 95th percentile is 400 ms a frame, was 40 ms"
    assert judge(after(), after(p95_ms=400.0), after()) == now_and_then


def test_what_was_wrong_before_is_not_blamed_on_the_update() -> None:
    """Messages rejected long ago, a camera that was lost already, a node that was slow, and one that is new."""
    assert judge(after(rejected=3), after(rejected=3), before=BEFORE | {"rejected": 3}) == ""
    lost = {"camera": "lost", "fps": 0.0}
    assert judge(after(**lost), after(**lost), before=BEFORE | lost) == ""
    assert judge(after(p95_ms=80.0), after(p95_ms=80.0), before=BEFORE | {"p95_ms": 70.0}) == ""
    assert judge(after(), after(), before={}) == ""


def test_the_share_that_is_borne_is_set() -> None:
    """A release known to be heavier is let through by its owner, on purpose."""
    slow = after(p95_ms=80.0, fps=6.0)
    assert judge(slow, slow, demand=Demand("0.2.0", "3f9a1c02", worse=1.0)) == ""


def test_all_nodes_must_be_well_and_others_do_not_count() -> None:
    """The jury is done when the last of its nodes is; a node that nobody asked about changes nothing."""
    jury = Jury(DEMAND, {}, ("hall", "yard"))
    for uptime_s in (5, 35):
        jury.hear("hall", AFTER | {"uptime_s": uptime_s})
        jury.hear("other", AFTER | {"uptime_s": uptime_s, "fps": None})
    assert not jury.done
    assert jury.verdicts() == {"hall": "", "yard": "has said nothing"}
    for uptime_s in (5, 35):
        jury.hear("yard", AFTER | {"uptime_s": uptime_s})
    assert jury.done
