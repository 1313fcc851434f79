"""Retained messages of simulated nodes -> their removal, or an error that keeps two simulations apart."""

from collections.abc import Callable
from contextlib import closing

from node.contract.message import Message
from node.contract.topics import ROOT
from node.errors import BrokerError
from node.mqtt.link import Received
from node.mqtt.subscriber import Subscriber
from node.settings import MqttSettings
from node.simulation.plan import is_simulated

_QUIET_S = 1.0
_BATCH = 8
_NODE_TOPICS = tuple(f"{ROOT}/+/{name}" for name in ("status", "state", "health"))


def find_leftovers(settings: MqttSettings, prefix: str | None) -> tuple[str, ...]:
    """Return the topics of simulated nodes that the broker retains.

    Args:
        settings: the broker.
        prefix: first levels of Home Assistant's discovery topics; None: do not look at discovery.

    Raises:
        BrokerError: the broker cannot be reached or refuses.
    """
    discovery = () if prefix is None else (f"{prefix}/device/{ROOT}/+/config",)
    found: set[str] = set()

    def handle(message: Received) -> None:
        if message.retained and message.payload and is_simulated(_node_of(message.topic)):
            found.add(message.topic)

    with closing(Subscriber(settings)) as subscriber:
        subscriber.collect((*discovery, *_NODE_TOPICS), handle, _QUIET_S)
    # Discovery goes first: an entity whose topics vanish becomes unknown.
    return tuple(sorted(found, key=lambda topic: (topic.startswith(f"{ROOT}/"), topic)))


def require_no_leftovers(settings: MqttSettings, prefix: str | None) -> None:
    """Refuse to run next to the nodes of another simulation.

    Raises:
        BrokerError: the broker retains messages of simulated nodes.
    """
    nodes = sorted({_node_of(topic) for topic in find_leftovers(settings, prefix)})
    if nodes:
        first = nodes[0] if len(nodes) == 1 else f"{nodes[0]} ..."
        raise BrokerError(
            f"the broker retains messages of {len(nodes)} simulated {'node' if len(nodes) == 1 else 'nodes'} "
            f"({first}): another simulation is running or was killed: wait until it ends, or remove the messages with "
            "facenode simulate --clean"
        )


def remove_leftovers(settings: MqttSettings, prefix: str | None) -> int:
    """Remove the retained messages of simulated nodes; return how many there were.

    Raises:
        BrokerError: the broker cannot be reached, refuses, or does not confirm in time.
    """
    topics = find_leftovers(settings, prefix)
    if topics:
        with closing(Subscriber(settings)) as subscriber:
            for start in range(0, len(topics), _BATCH):
                batch = topics[start : start + _BATCH]
                subscriber.publish(Message(topic, b"", retain=True) for topic in batch)
    return len(topics)


def leave_nothing(settings: MqttSettings, prefix: str | None, show_progress: Callable[[str], None]) -> bool:
    """Remove the retained messages that simulated nodes have left; say what was left, and return whether it is gone.

    A broker that fails now may have carried the nodes, so this raises no error: their figures are not lost.
    """
    try:
        count = remove_leftovers(settings, prefix)
    except BrokerError as error:
        show_progress(
            f"retained messages of simulated nodes may be left at the broker: {error}; remove them later with "
            "facenode simulate --clean"
        )
        return False
    if count:
        messages = "1 retained message" if count == 1 else f"{count} retained messages"
        show_progress(f"removed {messages} of nodes that could not disconnect properly")
    return True


def _node_of(topic: str) -> str:
    """Return the id of the node that a topic, or a discovery topic, belongs to."""
    levels = topic.split("/")
    return levels[1] if levels[0] == ROOT else levels[-2]
