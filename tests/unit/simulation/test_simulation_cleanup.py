"""What simulated nodes leave at a broker is removed, or its owner is told."""

import socket

from node.settings import MqttSettings
from node.simulation.cleanup import leave_nothing


def test_a_broker_that_fails_at_the_end_costs_no_figures() -> None:
    """The simulation is told that something may be left, and how to remove it later, instead of an exception."""
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = MqttSettings.model_validate({"host": "127.0.0.1", "port": port})
    assert not leave_nothing(settings, None, said.append)
    assert len(said) == 1
    assert said[0].startswith("retained messages of simulated nodes may be left at the broker: ")
    assert said[0].endswith("remove them later with facenode simulate --clean")
