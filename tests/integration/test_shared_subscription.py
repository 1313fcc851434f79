"""Several consumers share the events of all nodes by a shared subscription, as docs/scale.md shows."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from mosquitto_broker import Mosquitto, Subscriber, eventually
from publisher_process import PublisherProcess

pytestmark = pytest.mark.broker

EVENTS = 200
SHARED = "$share/alerts/facenode/+/event/#"


def test_each_event_goes_to_one_of_the_consumers(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """Every event reaches exactly one consumer, and every consumer gets some."""
    broker = mosquitto()
    with ExitStack() as exit_stack:
        consumers = [
            exit_stack.enter_context(closing(Subscriber(broker.settings(), SHARED, client_id=f"consumer-{number}")))
            for number in range(3)
        ]
        node = PublisherProcess(tmp_path, broker.host, broker.port, "--count", str(EVENTS))
        exit_stack.callback(node.kill)
        assert eventually(lambda: node.ended, 60), node.log()
        assert eventually(lambda: sum(len(consumer.messages) for consumer in consumers) >= EVENTS, 20)
        shares = [[message.payload for message in consumer.messages] for consumer in consumers]
    assert sum(map(len, shares)) == len({payload for share in shares for payload in share}) == EVENTS
    assert all(shares)
