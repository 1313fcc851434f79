"""A scripted broker: a test decides each answer, packet by packet, in just enough MQTT to misbehave."""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedReader
from types import TracebackType
from typing import Self

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = 1, 2, 3, 4, 8, 9, 10, 11
PINGREQ, PINGRESP, DISCONNECT = 12, 13, 14


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet from a client.

    Attributes:
        kind: its type.
        mqtt5: whether its connection uses MQTT 5.
        connection: the number of its connection, from 0.
        topic: of a PUBLISH.
        payload: of a PUBLISH.
        mid: the packet identifier.
        size: bytes on the wire.
        body: all behind the fixed header.
    """

    kind: int
    mqtt5: bool
    connection: int
    topic: str = ""
    payload: bytes = b""
    mid: int = 0
    size: int = 0
    body: bytes = b""


Answer = Callable[[Packet], bytes | None]
"""Return the bytes that answer a packet; empty bytes: no answer; None: close the connection."""


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    """Return a packet of less than 128 bytes."""
    return bytes([kind << 4 | flags, len(body)]) + body


def connack(code: int = 0, properties: bytes = b"", *, mqtt5: bool = True) -> bytes:
    """Return a CONNACK packet."""
    return packet(CONNACK, bytes([0, code]) + (bytes([len(properties)]) + properties if mqtt5 else b""))


def normal_answer(received: Packet) -> bytes | None:
    """Answer as a well-behaved broker does."""
    match received.kind:
        case 1:
            return connack(mqtt5=received.mqtt5)
        case 3:
            return packet(PUBACK, received.mid.to_bytes(2, "big"))
        case 8:
            return packet(SUBACK, received.mid.to_bytes(2, "big") + (b"\0" if received.mqtt5 else b"") + b"\1")
        case 10:
            return packet(UNSUBACK, received.mid.to_bytes(2, "big") + (b"\0\0" if received.mqtt5 else b""))
        case 12:
            return packet(PINGRESP, b"")
        case _:
            return b""


class RawBroker:
    """Listen on loopback for as long as the context lasts.

    Attributes:
        port: the port it listens on.
        packets: all packets received, in order.
    """

    def __init__(self, answer: Answer = normal_answer) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.packets: list[Packet] = []
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for opened in self._sockets:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def send(self, content: bytes) -> None:
        """Send bytes over the latest connection."""
        self._sockets[-1].sendall(content)

    def close_latest(self) -> None:
        """Close the latest connection if the client has not closed it."""
        with contextlib.suppress(OSError):
            self._sockets[-1].shutdown(socket.SHUT_WR)

    def published(self) -> list[str]:
        """Return the topics of the PUBLISH packets, in order."""
        return [each.topic for each in list(self.packets) if each.kind == PUBLISH]

    def _accept(self) -> None:
        while True:
            try:
                opened, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(opened)
            thread = threading.Thread(target=self._serve, args=(opened, len(self._sockets) - 1))
            self._threads.append(thread)
            thread.start()

    def _serve(self, opened: socket.socket, connection: int) -> None:
        mqtt5 = True
        with opened, opened.makefile("rb") as stream:
            while True:
                try:
                    read = _read(stream, connection, mqtt5=mqtt5)
                    if read is None:
                        return
                    mqtt5 = read.mqtt5
                    self.packets.append(read)
                    answer = self._answer(read)
                    if answer is None:
                        return
                    opened.sendall(answer)
                except OSError:
                    return


def _read(stream: BufferedReader, connection: int, *, mqtt5: bool) -> Packet | None:
    first = stream.read(1)
    if not first:
        return None
    length, shift, size = 0, 0, 1
    while True:
        digit = stream.read(1)[0]
        size += 1
        length |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            break
    body = stream.read(length)
    size += length
    kind = first[0] >> 4
    if kind == CONNECT:
        return Packet(kind, body[6] == 5, connection, size=size, body=body)
    if kind == PUBLISH:
        end = 2 + int.from_bytes(body[:2], "big")
        mid = int.from_bytes(body[end : end + 2], "big")
        payload = body[end + (3 if mqtt5 else 2) :]
        return Packet(kind, mqtt5, connection, body[2:end].decode(), payload, mid, size, body)
    return Packet(kind, mqtt5, connection, mid=int.from_bytes(body[:2], "big"), size=size, body=body)
