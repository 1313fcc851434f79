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
        recovery.failed(at_s)
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
        recovery.failed(at_s + 3600)
        at_s += 3601
        assert recovery.next_action(at_s) is Action.OPEN
        assert recovery.failures == 0


@pytest.mark.parametrize(("stall_s", "given_up_s"), [(2.0, 103.0), (60.0, 160.0)])
def test_a_camera_is_given_up_only_when_it_is_lost_and_the_attempts_are_used_up(
    stall_s: float, given_up_s: float
) -> None:
    """Attempts fail at 100, 101 and 103 s: they do not shorten a long `stall_s`."""
    recovery, at_s = _begun(stall_s=stall_s, restart_after=3), 100.0
    while (action := recovery.next_action(at_s)) is not Action.GIVE_UP:
        if action is Action.OPEN:
            recovery.opened(at_s)
            recovery.failed(at_s)
        else:
            at_s += 0.5
    assert at_s == given_up_s
    assert recovery.state is CameraState.LOST
