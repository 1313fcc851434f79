"""A paho client at a broker that sends and never reads."""

import socket

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from node.mqtt.bounded_client import BoundedClient
from node.mqtt.packet_bounds import Refusal

CONNACK = b"\x20\2\0\0"
MESSAGE = b"\x32\x08\0\4spam\0\1"


class SocketClient(BoundedClient):
    """A client that uses a given socket."""

    given: socket.socket

    def _create_socket(self) -> socket.socket:
        return self.given


def test_a_broker_that_never_reads_the_answers_is_refused() -> None:
    """Paho keeps an answer to each message until the broker reads it, so there may not be many of them."""
    refusals: list[Refusal] = []
    client = SocketClient(CallbackAPIVersion.VERSION2, "a", protocol=MQTTProtocolVersion.MQTTv311)
    client.on_refusal = refusals.append
    client.given, broker = socket.socketpair()
    with broker:
        client.given.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        assert client.connect("unused") is paho.MQTT_ERR_SUCCESS
        broker.sendall(CONNACK)
        assert client.loop_read() is paho.MQTT_ERR_SUCCESS
        read = 0
        while not refusals and read < 10_000:
            broker.sendall(MESSAGE)
            client.loop_read()
            read += 1
    assert 1000 <= read < 10_000
    assert "does not read the answers" in refusals[0].sentence
    assert not client.is_connected()
