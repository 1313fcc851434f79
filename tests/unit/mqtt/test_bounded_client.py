"""A paho client at a broker that sends and never reads."""

import socket
import threading
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from node.mqtt.bounded_client import BoundedClient
from node.mqtt.packet_bounds import Refusal

CONNACK = b"\x20\2\0\0"
MESSAGE = b"\x32\x08\0\4spam\0\1"
PROPERTIES = 12_000 * b"\x26\0\0\0\0"
"""60 kB of user properties with an empty name and value."""


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


def test_properties_of_a_message_take_no_processor_time() -> None:
    """Nothing reads them. Paho alone takes half a second for these, so ten such messages a second would fill a core."""
    came: list[paho.MQTTMessage] = []
    client = SocketClient(CallbackAPIVersion.VERSION2, "a", protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = lambda _client, _data, message: came.append(message)
    client.given, broker = socket.socketpair()
    body = b"\0\4spam\xe0\xd4\3" + PROPERTIES + b"payload"
    with broker:
        assert client.connect("unused") is paho.MQTT_ERR_SUCCESS
        broker.sendall(b"\x20\3\0\0\0")
        client.loop_read()
        sender = threading.Thread(target=broker.sendall, args=(b"\x30\xf0\xd4\3" + body,))
        sender.start()
        began_s = time.process_time()
        while not came and client.is_connected():
            client.loop_read()
        taken_s = time.process_time() - began_s
        sender.join()
    assert [(message.topic, message.payload) for message in came] == [("spam", b"payload")]
    assert taken_s < 0.1
