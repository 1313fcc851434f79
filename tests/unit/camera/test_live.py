"""A live camera that stalls, fails, and recovers or does not."""

import logging
from collections.abc import Iterator

import numpy as np
import pytest
from fake_cameras import DEADLINE_S, ScriptedSource, fake_camera, open_error, picture
from manual_clock import ManualClock

from node.camera.live import LiveCamera
from node.domain import CameraState, Tick
from node.errors import CameraError


def _frame(ticks: Iterator[Tick]) -> Tick:
    """Return the next tick with a frame; the frameless ones before it come within 10 ms each."""
    for number, tick in enumerate(ticks):
        if tick.frame:
            return tick
        assert number < DEADLINE_S / 0.01, "no frame came"
    raise AssertionError("the camera ended")


def _problem(camera: LiveCamera, ticks: Iterator[Tick]) -> str:
    """Return the problem once there is one."""
    for number, _ in enumerate(ticks):
        if camera.problem:
            return camera.problem
        assert number < DEADLINE_S / 0.01, "no problem came"
    raise AssertionError("the camera ended")


def _state(camera: LiveCamera) -> CameraState:
    """Return the current state; the type checker would take the property for a constant."""
    return camera.state


def _outage(camera: LiveCamera) -> bool | None:
    """Return whether an outage is on; as above."""
    return camera.outage


def _play(ticks: Iterator[Tick], clock: ManualClock) -> None:
    """Advance half a second with each tick, until the camera is given up."""
    for _ in ticks:
        clock.advance(0.5)


def test_a_camera_is_lost_after_stall_s_without_a_frame_and_ok_with_the_next(caplog: pytest.LogCaptureFixture) -> None:
    """Loss and recovery are each logged once."""
    caplog.set_level(logging.INFO)
    source, clock = ScriptedSource(picture()), ManualClock()
    with fake_camera(source, clock) as camera:
        ticks = iter(camera)
        _frame(ticks)
        clock.advance(9.9)
        assert next(ticks).frame is None
        assert _state(camera) is CameraState.OK
        clock.advance(0.1)
        assert next(ticks).frame is None
        assert _state(camera) is CameraState.LOST
        assert "no frame for 10 s" in str(camera.problem)
        next(ticks)

        source.add(None)  # the read that hung returns, so the device can be reopened
        source.wait_closings(1)
        source.add(picture(7))
        clock.advance(1)
        tick = _frame(ticks)
        assert tick.frame is not None
        assert tick.frame.image[0, 0, 0] == 7
        assert _state(camera) is CameraState.OK
        assert camera.problem is None
        assert source.openings == 2
        source.add(None)
    messages = [record.getMessage() for record in caplog.records]
    assert sum("camera lost" in line for line in messages) == 1
    assert sum("frames again" in line for line in messages) == 1


def test_a_short_break_does_not_make_a_camera_lost(caplog: pytest.LogCaptureFixture) -> None:
    """A stream that breaks off is reopened after a second; only silence of `stall_s` makes it `lost`."""
    caplog.set_level(logging.INFO)
    source, clock = ScriptedSource(picture(), None), ManualClock()
    with fake_camera(source, clock) as camera:
        ticks = iter(camera)
        _frame(ticks)
        assert "no more frames" in _problem(camera, ticks)
        assert source.closings == 1
        next(ticks)
        assert source.openings == 1
        source.add(picture())
        clock.advance(1)
        _frame(ticks)
        assert source.openings == 2
        assert _state(camera) is CameraState.OK
        source.add(None)
    assert "camera lost" not in caplog.text


def test_a_lost_camera_whose_driver_keeps_state_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """The process ends with the last error, so that a new one can start; the attempts are logged once."""
    source, clock = ScriptedSource(picture(), None), ManualClock()
    with fake_camera(source, clock, restart_after=3, keeps_state=True) as camera:
        ticks = iter(camera)
        _frame(ticks)
        source.fail_next_opens(*map(open_error, range(50)))
        with pytest.raises(CameraError, match=r"cannot be opened.*given up after \d attempts?$") as caught:
            _play(ticks, clock)
        assert isinstance(caught.value.__cause__, CameraError)
        assert _state(camera) is CameraState.LOST
    assert 3 <= source.openings - 1 <= 5  # 1, 2 and 4 s between them, and the camera is lost after 10 s
    assert sum("reopening it" in record.getMessage() for record in caplog.records) == 1


def test_a_lost_camera_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """No new process opens a camera that is off: an hour of failures is three log lines, its return one more."""
    caplog.set_level(logging.INFO)
    source, clock = ScriptedSource(), ManualClock()
    with fake_camera(source, clock, restart_after=1) as camera:
        source.fail_next_opens(*map(open_error, range(1000)))
        ticks = iter(camera)
        for _ in range(360):
            assert next(ticks).frame is None
            clock.advance(10)
        assert _outage(camera) is True
        source.forgive()
        source.add(picture())
        clock.advance(30)
        _frame(ticks)
        assert _outage(camera) is False
        source.add(None)
    assert [record.getMessage() for record in caplog.records] == [
        f"{open_error(0)}; reopening it",
        "fake: camera lost: no frame for 10 s",
        "fake: first frame after 3630.0 s",
    ]


def test_a_camera_that_breaks_off_again_and_again_is_logged_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    """It was never lost: one line and its end each ten minutes, with a count, in place of two each second."""
    caplog.set_level(logging.INFO)
    source, clock = ScriptedSource(), ManualClock()
    with fake_camera(source, clock) as camera:
        ticks = iter(camera)
        for _ in range(700):
            source.add(picture(), None)
            _frame(ticks)
            _problem(camera, ticks)
            clock.advance(1)
        assert camera.outage is False
        source.add(picture())
        _frame(ticks)
        source.add(None)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 4
    assert messages[0].endswith("reopening it")
    assert messages[2].endswith("reopening it (599 more breaks since the last such line)")
    assert [line.endswith("frames again after 1.0 s") for line in messages] == [False, True, False, True]


def test_an_outage_says_why_also_where_its_break_was_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Each outage and its end are logged, however often the camera broke off before."""
    caplog.set_level(logging.INFO)
    source, clock = ScriptedSource(picture(), None), ManualClock()
    with fake_camera(source, clock) as camera:
        ticks = iter(camera)
        _frame(ticks)
        _problem(camera, ticks)
        for _ in range(2):
            clock.advance(1)
            source.add(picture(), None)
            _frame(ticks)
            _problem(camera, ticks)
        source.fail_next_opens(*map(open_error, range(100)))
        for _ in range(20):
            clock.advance(1)
            next(ticks)
        source.add(None)
    lost = [record.getMessage() for record in caplog.records if "camera lost" in record.getMessage()]
    assert len(lost) == 1
    assert "cannot be opened" in lost[0]


def test_the_first_openings_may_fail_too() -> None:
    """The node waits for a network camera that starts later than itself."""
    source, clock = ScriptedSource(picture(), open_errors=(open_error(1), open_error(2))), ManualClock()
    with fake_camera(source, clock) as camera:
        ticks = iter(camera)
        assert _problem(camera, ticks) == str(open_error(1))
        for tick in ticks:
            if tick.frame:
                break
            clock.advance(0.5)
        assert source.openings == 3
        source.add(None)


def test_a_driver_that_hangs_for_ever_is_given_up_without_a_second_opening() -> None:
    """A device cannot be opened while a read of it hangs: each attempt counts as failed."""
    source, clock = ScriptedSource(picture()), ManualClock()
    with fake_camera(source, clock, restart_after=3) as camera:
        ticks = iter(camera)
        _frame(ticks)
        with pytest.raises(CameraError, match="driver hangs"):
            _play(ticks, clock)
        source.add(None)
    assert source.openings == 1


def test_a_bug_in_a_driver_is_not_taken_for_a_broken_camera() -> None:
    """Only a CameraError leads to reopening; any other error is raised by the iteration."""
    source = ScriptedSource(ZeroDivisionError("a bug"))
    with fake_camera(source, ManualClock()) as camera, pytest.raises(ZeroDivisionError):
        list(camera)


def test_a_slow_reader_is_not_a_stalled_camera() -> None:
    """A loop busy for longer than `stall_s` finds its frame in the slot, and nothing is reopened."""
    source, clock = ScriptedSource(picture()), ManualClock()
    with fake_camera(source, clock) as camera:
        ticks = iter(camera)
        _frame(ticks)
        clock.advance(30)
        source.add(picture())
        source.wait_reads(3)
        assert next(ticks).frame is not None
        next(ticks)
        assert _state(camera) is CameraState.OK
        assert source.openings == 1
        source.add(None)


def test_the_time_before_the_first_tick_is_not_silence() -> None:
    """The iteration opens the camera: time before it does not make it lost."""
    source, clock = ScriptedSource(picture()), ManualClock()
    with fake_camera(source, clock) as camera:
        clock.advance(60)
        _frame(iter(camera))
        assert _state(camera) is CameraState.OK
        source.add(None)


def test_a_camera_with_nothing_but_bad_frames_is_lost_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A frame without pixels is no frame: it does not end the node, and nobody looks at it."""
    bad = np.zeros((0, 0, 3), np.uint8)
    source, clock = ScriptedSource(picture(), bad, bad, bad), ManualClock()
    with fake_camera(source, clock) as camera:
        ticks = iter(camera)
        _frame(ticks)
        source.wait_reads(5)
        assert next(ticks).frame is None
        clock.advance(10)
        next(ticks)
        assert _state(camera) is CameraState.LOST
        assert "gives a frame of 0x0 pixels" in str(camera.problem)
        source.add(None)
        source.wait_closings(1)
        source.add(picture(7))
        clock.advance(1)
        _frame(ticks)
        assert camera.problem is None
        source.add(None)
    assert sum("0x0 pixels: not used" in record.getMessage() for record in caplog.records) == 1
