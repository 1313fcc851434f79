"""Ticks and how long they took -> the health of the node, now and then."""

import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from node import __version__
from node.domain import CameraState, DiscoveryState, Health, Instant, RequestsState
from node.slowness import NOBODY, SLOW, Kind, Slowness

_log = logging.getLogger(__name__)
_SAMPLES = 600
"""Frames that median and percentile are taken over: a minute at ten frames a second while somebody is in view."""


class MachineReadings(Protocol):
    """What the machine says about itself."""

    def cpu_c(self) -> float | None:
        """Return the temperature of the processor, degrees Celsius."""

    def throttled(self) -> bool | None:
        """Return whether the board slows itself down."""

    def rss_mb(self) -> float | None:
        """Return the memory of the process, megabytes."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What other parts count, at the moment of a beat.

    Attributes:
        outbox: messages that wait for the broker.
        dropped: messages given up for want of room.
        rejected: messages that the broker refused for good.
        unusable: looks at faces that failed a gate.
        flaws: how many looks failed each gate, by its name.
        upside_down: whether the faces are upside down; None as long as too few were seen.
        people: how many are enrolled.
        cert_days_left: days until this node's certificate expires.
        discovery: whether the broker has the discovery for Home Assistant; None until it has answered.
    """

    outbox: int
    dropped: int
    rejected: int
    unusable: int
    flaws: Mapping[str, int]
    upside_down: bool | None
    people: int | None
    cert_days_left: int | None
    discovery: DiscoveryState | None = None


class HealthMonitor:
    """Measure the loop, and say when health is due.

    Args:
        machine: what the machine says about itself.
        count: returns what other parts count.
        every_s: seconds between two health messages.
        log_every_s: seconds between two heartbeat lines in the log.
        model: first eight hex digits of the network's sha256.
        started: when the process started.
        requests: returns whether requests arrive.
    """

    def __init__(  # noqa: PLR0913 - the composition root names all it depends on
        self,
        machine: MachineReadings,
        count: Callable[[], Counts],
        *,
        every_s: float,
        log_every_s: float,
        model: str,
        started: Instant,
        requests: Callable[[], RequestsState] = lambda: RequestsState.ON,
    ) -> None:
        self._machine = machine
        self._count = count
        self._every_s = every_s
        self._log_every_s = log_every_s
        self._model = model
        self._started = started
        self._requests = requests
        self._took_ms: deque[float] = deque(maxlen=_SAMPLES)
        self._frames_s: deque[float] = deque(maxlen=_SAMPLES)
        self._slowness, self._slow = Slowness(), False
        self._camera: CameraState | None = None
        self._requests_before: RequestsState | None = None
        self._beat_s = float("-inf")
        self._logged_s = started.mono_s

    def frame(self, at: Instant, took_ms: float | None, kind: Kind = NOBODY) -> None:
        """Count one frame: when it came, and how long it took to become events.

        Args:
            at: when it came.
            took_ms: milliseconds; None where nothing moved: the frame is counted, but says nothing about the pace.
            kind: what its latency depends on.
        """
        self._frames_s.append(at.mono_s)
        if took_ms is not None:
            self._took_ms.append(took_ms)
            self._slowness.add(at.mono_s, took_ms, kind)

    def beat(self, at: Instant, camera: CameraState) -> Health | None:
        """Return the health if it is due: every `every_s`, and when camera or requests change; else None."""
        if camera is CameraState.OK and self._camera in {CameraState.LOST, CameraState.PRIVATE}:
            self._frames_s.clear()  # frames from before the break say nothing about the rate of now
        requests = self._requests()
        changed = camera is not self._camera or requests is not self._requests_before
        due = changed or at.mono_s - self._beat_s >= self._every_s
        if at.mono_s - self._logged_s >= self._log_every_s:
            self._logged_s = at.mono_s
            _log.info("alive: %s", summary(self.collect(at, camera)))
        if not due:
            return None
        self._camera, self._requests_before, self._beat_s = camera, requests, at.mono_s
        return self.collect(at, camera)

    def collect(self, at: Instant, camera: CameraState) -> Health:
        """Return the health of this moment."""
        p50, p95 = np.percentile(self._took_ms, (50, 95)).round(1).tolist() if self._took_ms else (None, None)
        rss_mb, counts = self._machine.rss_mb(), self._count()
        return Health(
            version=__version__,
            model=self._model,
            camera=camera,
            fps=self._fps(at),
            p50_ms=p50,
            p95_ms=p95,
            cpu_c=self._machine.cpu_c(),
            throttled=self._machine.throttled(),
            rss_mb=None if rss_mb is None else round(rss_mb, 1),
            outbox=counts.outbox,
            dropped=counts.dropped,
            rejected=counts.rejected,
            unusable=counts.unusable,
            flaws=counts.flaws,
            upside_down=counts.upside_down,
            people=counts.people,
            cert_days_left=counts.cert_days_left,
            discovery=counts.discovery,
            uptime_s=int(at.mono_s - self._started.mono_s),
            requests=self._requests(),
            slow=self._is_slow(at),
        )

    def _is_slow(self, at: Instant) -> bool:
        """Return whether frames take much longer than in the first minutes; a change is logged."""
        slow = self._slowness.slow(at.mono_s)
        if slow is not self._slow:
            self._slow = slow
            if slow:
                _log.warning(
                    "slow: frames take at least %g times as long as in the first minutes of this process: look for "
                    "another busy process, heat or low voltage",
                    SLOW,
                )
            else:
                _log.info("slow no more: frames take about as long again as in the first minutes")
        return slow

    def _fps(self, at: Instant) -> float | None:
        """Return the frames a second of the last `every_s`; None until there are two frames to measure it by.

        Frames that stop coming, once they came, make it 0.
        """
        if len(self._frames_s) < 2:  # noqa: PLR2004 - a rate needs two moments
            return None
        recent = [moment for moment in self._frames_s if at.mono_s - moment <= self._every_s]
        if len(recent) < 2:  # noqa: PLR2004 - as above
            return 0.0
        return round((len(recent) - 1) / max(at.mono_s - recent[0], 1e-3), 1)


def summary(health: Health) -> str:
    """Return a line for people: what matters most; what is not known is left out."""
    pace = (
        None if health.fps is None else f"{health.fps} frames a second",
        None if health.p50_ms is None else f"{health.p50_ms} ms a frame",
    )
    counts = f"{health.outbox} waiting, {health.dropped} dropped, {health.rejected} rejected"
    return ", ".join([f"camera {health.camera}", *(part for part in pace if part), counts])
