"""Visitors and the time -> the messages of a simulated node: events for its outbox, retained state and health."""

import random

from node import __version__
from node.contract import payloads
from node.contract.topics import Topics
from node.domain import CameraState, Health, Instant, RequestsState
from node.homeassistant.discovery import Device, discovery
from node.mqtt.retained import Retained
from node.simulation.memory_outbox import MemoryOutbox
from node.simulation.plan import Plan
from node.simulation.visitors import Visitors

_MODEL = "00000000"


class Traffic:
    """Generate the messages of one node. Not thread-safe.

    Args:
        topics: the node's topics.
        plan: how the simulation runs.
        outbox: the node's outbox.
        rng: the node's random numbers.
        at: the start of the node.

    Attributes:
        retained: the node's retained messages.
    """

    def __init__(self, topics: Topics, plan: Plan, outbox: MemoryOutbox, rng: random.Random, at: Instant) -> None:
        self._topics, self._plan, self._outbox, self._rng = topics, plan, outbox, rng
        self._start_s = self._next_health_s = at.mono_s
        self._visitors = Visitors(rng, plan.events_per_hour)
        self.retained = Retained(topics, payloads.state(at))
        if plan.discovery:
            device = Device(topics.node, "", __version__, health_s=plan.health_s)
            self.retained.set_discovery(discovery(topics, device))

    @property
    def next_s(self) -> float:
        """When the next message is due."""
        return min(self._visitors.next_s, self._next_health_s)

    def start_visits(self, now_s: float) -> None:
        """Let visitors come from now on."""
        self._visitors.start(now_s)

    def stop_visits(self, at: Instant) -> None:
        """Let no more visitors come, and empty the view."""
        self._visitors.stop()
        self._update_state(at)

    def advance(self, at: Instant) -> None:
        """Generate the messages that are due."""
        if self._visitors.next_s <= at.mono_s:
            self._outbox.put(payloads.encode(self._visitors.advance(at), (), self._topics, _MODEL))
            self._update_state(at)
        if at.mono_s >= self._next_health_s:
            self._next_health_s = at.mono_s + self._plan.health_s
            self._update_state(at, payloads.health(at, self._health(at)))

    def _update_state(self, at: Instant, health: payloads.Fields | None = None) -> None:
        self.retained.update(payloads.state(at, self._visitors.count, self._visitors.present), health)

    def _health(self, at: Instant) -> Health:
        """Return the health of such a node: figures of a healthy Raspberry Pi 4."""
        return Health(
            version=__version__,
            model=_MODEL,
            camera=CameraState.OK,
            fps=self._rng.uniform(9.0, 10.0),
            p50_ms=self._rng.uniform(35.0, 45.0),
            p95_ms=self._rng.uniform(50.0, 60.0),
            cpu_c=self._rng.uniform(50.0, 65.0),
            throttled=False,
            rss_mb=self._rng.uniform(90.0, 110.0),
            outbox=self._outbox.waiting,
            dropped=0,
            rejected=0,
            unusable=0,
            flaws={"size": 0, "edge": 0, "blur": 0, "light": 0, "keypoints": 0, "tilt": 0},
            upside_down=False,
            people=4,
            cert_days_left=None,
            discovery=None,
            uptime_s=int(max(0.0, at.mono_s - self._start_s)),
            requests=RequestsState.ON,
        )
