"""Health: due now and then and when the camera changes; what is not known is None."""

import logging
import os
from pathlib import Path

import pytest
from makers import instant

from node.domain import CameraState, RequestsState
from node.health import Counts, HealthMonitor, summary
from node.system.machine import Machine

COUNTS = Counts(
    outbox=2, dropped=1, rejected=0, unusable=3, flaws={"blur": 3}, upside_down=True, people=4, cert_days_left=None
)


class MemoryOnly:
    """A machine that knows only its memory."""

    def cpu_c(self) -> float | None:
        """Return nothing."""
        return None

    def throttled(self) -> bool | None:
        """Return nothing."""
        return None

    def rss_mb(self) -> float | None:
        """Return a figure."""
        return 96.04


def monitor() -> HealthMonitor:
    """Return a monitor whose health is due every 30 s, and its log line every 60 s."""
    return HealthMonitor(
        MemoryOnly(), lambda: COUNTS, every_s=30.0, log_every_s=60.0, model="3f9a1c02", started=instant(0)
    )


def test_health_is_due_at_once_then_every_30_s() -> None:
    """The first beat is due, the next only when the time has come."""
    health_monitor = monitor()
    due = [s for s in range(100) if health_monitor.beat(instant(s), CameraState.OK)]
    assert due == [0, 30, 60, 90]


def test_health_is_due_when_the_camera_changes() -> None:
    """`lost` and its recovery do not wait for the time to come."""
    health_monitor = monitor()
    states = [CameraState.OK, CameraState.OK, CameraState.LOST, CameraState.LOST, CameraState.OK]
    due = [s for s, state in enumerate(states) if health_monitor.beat(instant(s), state)]
    assert due == [0, 2, 4]


def test_rate_and_percentiles_are_of_the_latest_frames() -> None:
    """Ten frames a second of 1 to 100 ms: median 50.5, 95th percentile 95.05 (linear interpolation), within 0.1."""
    health_monitor = monitor()
    for number in range(100):
        health_monitor.frame(instant(number / 10), number + 1)
    health = health_monitor.beat(instant(9.9), CameraState.OK)
    assert health is not None
    assert health.fps == pytest.approx(10.0, abs=0.1)
    assert health.p50_ms == pytest.approx(50.5, abs=0.1)
    assert health.p95_ms == pytest.approx(95.05, abs=0.1)
    assert (health.outbox, health.dropped, health.unusable, health.people) == (2, 1, 3, 4)
    assert health.upside_down is True
    assert (health.cpu_c, health.throttled, health.cert_days_left) == (None, None, None)


def test_a_camera_that_stopped_has_a_rate_of_zero() -> None:
    """Frames of long ago say nothing about now; before the first frame the rate is not known."""
    health_monitor = monitor()
    first = health_monitor.beat(instant(0), CameraState.OK)
    health_monitor.frame(instant(0.1), 5)
    health_monitor.frame(instant(0.2), 5)
    later = health_monitor.beat(instant(100), CameraState.LOST)
    assert first is not None
    assert first.fps is None
    assert later is not None
    assert later.fps == 0.0


@pytest.mark.parametrize("pause", [CameraState.PRIVATE, CameraState.LOST])
def test_after_a_pause_of_the_camera_the_rate_is_unknown_until_two_frames_came(pause: CameraState) -> None:
    """A rate of zero beside a camera that is ok would make a good node look broken."""
    health_monitor = monitor()
    for number in range(10):
        health_monitor.frame(instant(number / 10), 5)
        health_monitor.beat(instant(number / 10), CameraState.OK)
    health_monitor.beat(instant(50), pause)
    health_monitor.frame(instant(100), 5)
    at_once = health_monitor.beat(instant(100), CameraState.OK)
    assert at_once is not None
    assert at_once.fps is None
    for number in range(1, 4):
        health_monitor.frame(instant(100 + number / 10), 5)
    assert health_monitor.collect(instant(100.3), CameraState.OK).fps == pytest.approx(10.0, abs=0.1)


def test_the_line_for_people_leaves_out_what_is_unknown() -> None:
    """`None frames a second` tells nobody anything."""
    line = summary(monitor().collect(instant(0), CameraState.PRIVATE))
    assert line == "camera private, 2 waiting, 1 dropped, 0 rejected"


def test_one_heartbeat_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """The log says once a minute that the node is alive."""
    health_monitor = monitor()
    with caplog.at_level(logging.INFO):
        for s in range(301):
            health_monitor.beat(instant(s), CameraState.OK)
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
def test_only_a_slowdown_of_now_counts_as_throttled(tmp_path: Path, bits: int, *, throttled: bool) -> None:
    """Too little voltage, a capped frequency, throttled, the soft limit of temperature: each bit of now alone."""
    file = tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled"
    file.parent.mkdir(parents=True)
    file.write_text(f"{bits:x}\n")
    assert Machine(tmp_path).throttled() is throttled


def test_frames_in_which_nothing_moved_count_for_the_rate_but_not_for_the_latency() -> None:
    """An empty room makes a node neither slow nor fast: one release is held against another by these figures."""
    health_monitor = monitor()
    for number in range(100):
        health_monitor.frame(instant(number / 10), 20.0 if number % 10 == 0 else None)
    health = health_monitor.beat(instant(9.9), CameraState.OK)
    assert health is not None
    assert health.fps == pytest.approx(10.0, abs=0.1)
    assert (health.p50_ms, health.p95_ms) == (20.0, 20.0)


def test_readings_that_the_machine_lacks_are_unknown(tmp_path: Path) -> None:
    """No file, no figure."""
    machine = Machine(tmp_path)
    assert (machine.cpu_c(), machine.throttled(), machine.rss_mb()) == (None, None, None)


def test_health_is_due_when_requests_are_paused_or_refused() -> None:
    """Whoever sends requests learns at once that they do not arrive."""
    states = [RequestsState.ON, RequestsState.ON, RequestsState.PAUSED, RequestsState.PAUSED, RequestsState.ON]
    health_monitor = HealthMonitor(
        MemoryOnly(),
        lambda: COUNTS,
        every_s=30.0,
        log_every_s=60.0,
        model="3f9a1c02",
        started=instant(0),
        requests=lambda: states[second],
    )
    sent = {}
    for second in range(5):
        health = health_monitor.beat(instant(second), CameraState.OK)
        if health:
            sent[second] = str(health.requests)
    assert sent == {0: "on", 2: "paused", 4: "on"}


def test_a_node_slower_than_in_its_first_minutes_says_so_and_logs_it_once(caplog: pytest.LogCaptureFixture) -> None:
    """`slow` follows the latency of like frames; a change, either way, is one line."""
    health_monitor = monitor()
    said = []
    with caplog.at_level(logging.INFO):
        for second in range(1500):
            health_monitor.frame(instant(second), 50.0 if 500 <= second < 1000 else 10.0)
            if (health := health_monitor.beat(instant(second), CameraState.OK)) is not None:
                said.append(health.slow)
    assert (said[0], said[900 // 30], said[-1]) == (False, True, False)
    assert [line.split(":")[0] for line in caplog.messages if line.startswith("slow")] == [
        "slow",
        "slow no more",
    ]
