"""What a broker retains of simulated nodes -> nothing, or the refusal to run among somebody else's."""

from contextlib import closing

from node.contract.message import Message
from node.contract.topics import ROOT
from node.errors import BrokerError
from node.mqtt.link import Received
from node.mqtt.subscriber import Observer
from node.settings import MqttSettings
from node.simulation.plan import is_simulated

_QUIET_S = 1.0
_BATCH = 8
_OWN = tuple(f"{ROOT}/+/{name}" for name in ("status", "state", "health"))


def find(settings: MqttSettings, prefix: str | None) -> tuple[str, ...]:
    """Return the topics of simulated nodes that the broker retains.

    Args:
        settings: the broker.
        prefix: first levels of Home Assistant's topics; None: those are not looked at.

    Raises:
        BrokerError: the broker cannot be asked.
    """
    announced = () if prefix is None else (f"{prefix}/device/{ROOT}/+/config",)
    found: set[str] = set()

    def take(message: Received) -> None:
        if message.retained and message.payload and is_simulated(_node(message.topic)):
            found.add(message.topic)

    with closing(Observer(settings)) as observer:
        observer.collect((*announced, *_OWN), take, _QUIET_S)
    # Discovery first: an entity whose topics vanish turns unknown.
    return tuple(sorted(found, key=lambda topic: (topic.startswith(f"{ROOT}/"), topic)))


def refuse(settings: MqttSettings, prefix: str | None) -> None:
    """Refuse to run where simulated nodes of somebody else are.

    Raises:
        BrokerError: there are some; the message says what to do.
    """
    nodes = sorted({_node(topic) for topic in find(settings, prefix)})
    if nodes:
        raise BrokerError(
            f"the broker retains messages of {len(nodes)} simulated nodes ({nodes[0]} ...): another simulation "
            "runs, or one was killed: wait for it to end, or take them away by facenode simulate --clean"
        )


def sweep(settings: MqttSettings, prefix: str | None) -> int:
    """Take away what is retained of simulated nodes; return how many messages that were."""
    topics = find(settings, prefix)
    if topics:
        with closing(Observer(settings)) as observer:
            for start in range(0, len(topics), _BATCH):
                batch = topics[start : start + _BATCH]
                observer.deliver(Message(topic, b"", retain=True) for topic in batch)
    return len(topics)


def _node(topic: str) -> str:
    """Return the node that a topic of its own, or that of its discovery, names."""
    levels = topic.split("/")
    return levels[1] if levels[0] == ROOT else levels[-2]
