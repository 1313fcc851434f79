"""What the nodes of one process share: the plan, the way to the broker, the clock and the diary."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from node.clock import Clock
from node.mqtt.backoff import Timing
from node.simulation.dialer import Target
from node.simulation.plan import Plan
from node.simulation.recorder import Diary


@dataclass(slots=True)
class Gear:
    """What the nodes of one process share.

    Attributes:
        plan: how the simulation goes.
        targets: where the broker is.
        protocol: the MQTT version.
        prefix: first levels of Home Assistant's topics.
        live_s: seconds after which an event that waits is late.
        clock: the machine's.
        diary: what is noted.
        timing: pauses and timeouts of a node.
        storm_until_s: up to when no attempt reaches the broker.
        cutting: whether connections are cut now and then.
    """

    plan: Plan
    targets: Sequence[Target]
    protocol: str
    prefix: str
    live_s: float
    clock: Clock
    diary: Diary = field(default_factory=Diary)
    timing: Timing = field(default_factory=Timing)
    storm_until_s: float = 0.0
    cutting: bool = True
