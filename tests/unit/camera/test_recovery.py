"""When a live camera is lost, reopened and given up, from moments alone."""

import pytest

from node.camera.recovery import Action, Recovery
from node.domain import CameraState


def _begun(stall_s: float = 10.0, restart_after: int = 3) -> Recovery:
    recovery = Recovery(stall_s, restart_after)
    recovery.begin(100.0)
    return recovery


def test_the_pauses_between_openings_double_up_to_half_a_minute() -> None:
    """A camera that is away for long is not tried every second; the figures are exact."""
    recovery, at_s, pauses = _begun(restart_after=100), 100.0, []
    for _ in range(8):
        assert recovery.next_action(at_s) is Action.OPEN
        recovery.opened(at_s)
        recovery.failed(at_s, stuck=False)
        failed_s = at_s
        while recovery.next_action(at_s) is Action.WAIT:
            at_s += 0.5
        pauses.append(at_s - failed_s)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


def test_an_opening_without_a_frame_for_stall_s_has_stalled() -> None:
    """The time counts from the opening, however old the last frame is, and again from each frame."""
    recovery = _begun()
    recovery.opened(150.0)
    assert recovery.next_action(159.9) is Action.WAIT
    recovery.frame(159.9)
    assert recovery.next_action(169.5) is Action.WAIT
    assert recovery.next_action(170.0) is Action.STALLED


def test_a_frame_resets_the_failures() -> None:
    """A stream that breaks every hour is never given up."""
    recovery, at_s = _begun(restart_after=2), 100.0
    for _ in range(10):
        recovery.opened(at_s)
        recovery.frame(at_s)
        recovery.failed(at_s + 3600, stuck=True)
        at_s += 3601
        assert recovery.next_action(at_s) is Action.OPEN
        assert recovery.failures == 0


def test_a_camera_is_lost_until_a_frame_comes() -> None:
    """Nothing says `ok` before; whether it is an outage is known after `stall_s`."""
    recovery = _begun(stall_s=10.0)
    assert _seen(recovery) == (CameraState.LOST, None)
    recovery.next_action(109.5)
    assert _seen(recovery) == (CameraState.LOST, None)
    recovery.next_action(110.0)
    assert _seen(recovery) == (CameraState.LOST, True)
    recovery.frame(111.0)
    assert _seen(recovery) == (CameraState.OK, False)
    recovery.next_action(120.5)
    assert _seen(recovery) == (CameraState.OK, False)
    recovery.next_action(121.0)
    assert _seen(recovery) == (CameraState.LOST, True)


def test_a_camera_that_is_merely_away_is_never_given_up() -> None:
    """A new process could not open it either: a day of failures, whether or not it ever gave a frame."""
    for had_frame in (False, True):
        recovery = _begun(restart_after=1)
        if had_frame:
            recovery.frame(100.0)
        assert _given_up_s(recovery, until_s=100.0 + 86_400, stuck=False) is None


@pytest.mark.parametrize(("stall_s", "given_up_s"), [(2.0, 103.0), (60.0, 160.0)])
def test_a_stuck_camera_is_given_up_only_when_it_is_lost_and_the_attempts_are_used_up(
    stall_s: float, given_up_s: float
) -> None:
    """Attempts fail at 100, 101 and 103 s: they do not shorten a long `stall_s`."""
    recovery = _begun(stall_s=stall_s, restart_after=3)
    recovery.frame(100.0)
    assert _given_up_s(recovery, until_s=1000.0, stuck=True) == given_up_s
    assert recovery.state is CameraState.LOST


def test_a_process_without_any_frame_is_given_up_after_ten_minutes_at_the_earliest() -> None:
    """It is the new process itself, and another one each 19 seconds would help no better."""
    assert _given_up_s(_begun(restart_after=3), until_s=1000.0, stuck=True) == 700.0


def test_only_stuck_failures_in_a_row_count() -> None:
    """A driver that hung and came back to say why it failed is not stuck."""
    recovery = _begun(restart_after=2)
    recovery.frame(100.0)
    for number in range(20):
        recovery.opened(120.0 + number)
        recovery.failed(120.0 + number, stuck=number % 2 == 0)
        assert recovery.next_action(120.0 + number) is not Action.GIVE_UP


def _seen(recovery: Recovery) -> tuple[CameraState, bool | None]:
    return recovery.state, recovery.outage


def _given_up_s(recovery: Recovery, until_s: float, *, stuck: bool) -> float | None:
    """Return when a camera whose openings all fail is given up; None if it is not."""
    at_s = 100.0
    while at_s < until_s:
        match recovery.next_action(at_s):
            case Action.GIVE_UP:
                return at_s
            case Action.OPEN:
                recovery.opened(at_s)
                recovery.failed(at_s, stuck=stuck)
            case _:
                at_s += 0.5
    return None
