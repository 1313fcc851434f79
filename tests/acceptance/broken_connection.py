"""Broker settings with TLS -> a connection with a last will that breaks without a word."""

import socket
import struct
import time

from node.mqtt.credentials import tls_context
from node.settings import MqttSettings


def die(settings: MqttSettings, client: str, topic: str, will: bytes) -> None:
    """Connect over MQTT 3.1.1 with a last will, then let the connection break."""

    def text(value: bytes) -> bytes:
        return struct.pack("!H", len(value)) + value

    body = text(b"MQTT") + bytes([4, 0b00001110]) + struct.pack("!H", 30)
    body += text(client.encode()) + text(topic.encode()) + text(will)
    first = settings.each[0]
    with (
        socket.create_connection((first.host, first.port), timeout=10) as plain,
        tls_context(first.tls).wrap_socket(plain, server_hostname=first.host) as secured,
    ):
        secured.sendall(bytes([0x10, len(body)]) + body)
        assert secured.recv(4)[3] == 0
        time.sleep(0.2)
        plain_socket = socket.socket(fileno=secured.detach())
        plain_socket.close()
