"""Health: told now and then and when the camera changes; what is not known is None."""

import logging
import os
from pathlib import Path

import pytest
from makers import instant

from node.domain import CameraState
from node.health import Counts, Pulse
from node.system.machine import Machine

COUNTS = Counts(outbox=2, dropped=1, rejected=0, unusable=3, flaws={"blur": 3}, people=4, cert_days_left=None)


class Vitals:
    """A machine that tells only its memory."""

    def cpu_c(self) -> float | None:
        """Return nothing."""
        return None

    def throttled(self) -> bool | None:
        """Return nothing."""
        return None

    def rss_mb(self) -> float | None:
        """Return a figure."""
        return 96.04


def pulse() -> Pulse:
    """Return a pulse that beats every 30 s and logs every 60 s."""
    return Pulse(Vitals(), 30.0, 60.0, "3f9a1c02", instant(0))


def test_health_is_told_at_once_then_every_30_s() -> None:
    """The first beat tells, the next only when the time has come."""
    beats = pulse()
    told = [s for s in range(100) if beats.beat(instant(s), CameraState.OK, lambda: COUNTS)]
    assert told == [0, 30, 60, 90]


def test_a_change_of_the_camera_is_told_at_once() -> None:
    """`lost` and its recovery do not wait for the time to come."""
    beats = pulse()
    states = [CameraState.OK, CameraState.OK, CameraState.LOST, CameraState.LOST, CameraState.OK]
    told = [s for s, state in enumerate(states) if beats.beat(instant(s), state, lambda: COUNTS)]
    assert told == [0, 2, 4]


def test_rate_and_percentiles_are_of_the_latest_frames() -> None:
    """Ten frames a second of 1 to 100 ms: median 50.5, 95th percentile 95.05 (linear interpolation), within 0.1."""
    beats = pulse()
    for number in range(100):
        beats.frame(instant(number / 10), number + 1)
    health = beats.beat(instant(9.9), CameraState.OK, lambda: COUNTS)
    assert health is not None
    assert health.fps == pytest.approx(10.0, abs=0.1)
    assert health.p50_ms == pytest.approx(50.5, abs=0.1)
    assert health.p95_ms == pytest.approx(95.05, abs=0.1)
    assert (health.outbox, health.dropped, health.unusable, health.people) == (2, 1, 3, 4)
    assert (health.cpu_c, health.throttled, health.cert_days_left) == (None, None, None)


def test_a_camera_that_stopped_has_a_rate_of_zero() -> None:
    """Frames of long ago say nothing about now; before the first frame the rate is not known."""
    beats = pulse()
    first = beats.beat(instant(0), CameraState.OK, lambda: COUNTS)
    beats.frame(instant(0.1), 5)
    beats.frame(instant(0.2), 5)
    later = beats.beat(instant(100), CameraState.LOST, lambda: COUNTS)
    assert first is not None
    assert first.fps is None
    assert later is not None
    assert later.fps == 0.0


def test_one_heartbeat_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The log says once a minute that the node is alive."""
    beats = pulse()
    with caplog.at_level(logging.INFO):
        for s in range(301):
            beats.beat(instant(s), CameraState.OK, lambda: COUNTS)
    assert len([r for r in caplog.records if r.getMessage().startswith("alive")]) == 5


def test_the_machine_is_read_from_its_files(tmp_path: Path) -> None:
    """Millidegrees, pages of memory."""
    files = {
        "sys/class/thermal/thermal_zone0/temp": "58100\n",
        "proc/self/statm": "9000 2500 100 1 0 500 0\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    machine = Machine(tmp_path)
    assert machine.cpu_c() == 58.1
    assert machine.rss_mb() == pytest.approx(2500 * os.sysconf("SC_PAGE_SIZE") / 1e6, abs=1e-9)


@pytest.mark.parametrize(
    ("bits", "throttled"), [(0, False), (1, True), (2, True), (4, True), (8, True), (0xF0000, False), (0x50005, True)]
)
def test_what_slows_the_board_down_now_is_told_and_what_did_is_not(
    tmp_path: Path, bits: int, *, throttled: bool
) -> None:
    """Too little voltage, a capped frequency, throttled, the soft limit of temperature: each bit of now alone."""
    file = tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled"
    file.parent.mkdir(parents=True)
    file.write_text(f"{bits:x}\n")
    assert Machine(tmp_path).throttled() is throttled


def test_frames_in_which_nothing_moved_count_but_say_nothing_of_the_pace() -> None:
    """An empty room makes a node neither slow nor fast: one release is held against another by these figures."""
    beats = pulse()
    for number in range(100):
        beats.frame(instant(number / 10), 20.0 if number % 10 == 0 else None)
    health = beats.beat(instant(9.9), CameraState.OK, lambda: COUNTS)
    assert health is not None
    assert health.fps == pytest.approx(10.0, abs=0.1)
    assert (health.p50_ms, health.p95_ms) == (20.0, 20.0)


def test_a_machine_that_does_not_tell_is_unknown(tmp_path: Path) -> None:
    """No file, no figure."""
    machine = Machine(tmp_path)
    assert (machine.cpu_c(), machine.throttled(), machine.rss_mb()) == (None, None, None)
