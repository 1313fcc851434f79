"""What the nodes of one worker process share: the plan, the addresses of the broker, the clock and the recorder."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from node.clock import Clock
from node.mqtt.backoff import Timing
from node.settings import MqttSettings
from node.simulation.dialer import Target
from node.simulation.plan import Plan
from node.simulation.recorder import Recorder


@dataclass(slots=True)
class WorkerContext:
    """What the nodes of one worker process share.

    Attributes:
        plan: how the simulation runs.
        targets: the addresses of the broker.
        protocol: the MQTT version.
        prefix: first levels of Home Assistant's discovery topics.
        mqtt: when a waiting event is late, and when a live one expires.
        clock: the machine's clock.
        recorder: records what happens.
        timing: how long a node waits between attempts and for answers.
        storm_until_s: until when no attempt reaches the broker.
        cuts_enabled: whether single connections are cut at random.
    """

    plan: Plan
    targets: Sequence[Target]
    protocol: str
    prefix: str
    mqtt: MqttSettings
    clock: Clock
    recorder: Recorder = field(default_factory=Recorder)
    timing: Timing = field(default_factory=Timing)
    storm_until_s: float = 0.0
    cuts_enabled: bool = True
