"""Visitors and the time -> what a simulated node has to say: events for its outbox, state and health to be retained."""

import random

from node import __version__
from node.contract import payloads
from node.contract.topics import Topics
from node.domain import CameraState, Health, Instant
from node.homeassistant.discovery import Device, discovery
from node.mqtt.retained import Retained
from node.simulation.memory_outbox import Memory
from node.simulation.plan import Plan
from node.simulation.visitors import Visitors

_MODEL = "00000000"


class Life:
    """What goes on at one node. Not thread-safe.

    Args:
        topics: the node's.
        plan: how the simulation goes.
        memory: its outbox.
        chance: its randomness.
        at: when it starts.
    """

    def __init__(self, topics: Topics, plan: Plan, memory: Memory, chance: random.Random, at: Instant) -> None:
        self._plan, self._memory, self._chance = plan, memory, chance
        self._began_s = self._health_s = at.mono_s
        self._visitors = Visitors(chance, plan.events_per_hour)
        self._topics = topics
        self.retained = Retained(topics, payloads.state(at))
        if plan.discovery:
            self.retained.set_discovery(discovery(topics, Device(topics.node, "", __version__, plan.health_s)))

    @property
    def next_s(self) -> float:
        """When something is due next."""
        return min(self._visitors.next_s, self._health_s)

    def open(self, now_s: float) -> None:
        """Let people come by."""
        self._visitors.open(now_s)

    def calm(self, at: Instant) -> None:
        """Let nobody come any more."""
        self._visitors.close()
        self._show(at)

    def go_on(self, at: Instant) -> None:
        """Let happen what is due."""
        if self._visitors.next_s <= at.mono_s:
            self._memory.put(payloads.encode(self._visitors.happen(at), (), self._topics, _MODEL))
            self._show(at)
        if at.mono_s >= self._health_s:
            self._health_s = at.mono_s + self._plan.health_s
            self._show(at, payloads.health(at, self._vitals(at)))

    def _show(self, at: Instant, health: payloads.Fields | None = None) -> None:
        self.retained.update(payloads.state(at, self._visitors.count, self._visitors.present), health)

    def _vitals(self, at: Instant) -> Health:
        """Return what such a node would tell of itself: figures of a Raspberry Pi 4 that is well."""
        return Health(
            version=__version__,
            model=_MODEL,
            camera=CameraState.OK,
            fps=self._chance.uniform(9.0, 10.0),
            p50_ms=self._chance.uniform(35.0, 45.0),
            p95_ms=self._chance.uniform(50.0, 60.0),
            cpu_c=self._chance.uniform(50.0, 65.0),
            throttled=False,
            rss_mb=self._chance.uniform(90.0, 110.0),
            outbox=self._memory.waiting,
            dropped=0,
            rejected=0,
            unusable=0,
            flaws={"size": 0, "edge": 0, "blur": 0, "light": 0, "keypoints": 0},
            people=4,
            cert_days_left=None,
            uptime_s=int(max(0.0, at.mono_s - self._began_s)),
        )
