"""A packet-aware proxy in front of a real broker -> a broker that lacks one thing."""

import contextlib
import socket
import threading
from collections.abc import Callable
from io import BufferedReader
from types import TracebackType
from typing import Self

CONNECT, PUBLISH, SUBACK = 1, 3, 9
_WILL_FLAG = 0x04
_NOT_AUTHORIZED = {"5": b"\x20\x03\x00\x87\x00", "3.1.1": b"\x20\x02\x00\x05"}

Alter = Callable[[bytes], bytes]
"""Returns the bytes to pass on in place of a packet; empty bytes: nothing."""
Refuse = Callable[[bytes], bytes | None]
"""Returns the bytes that answer a packet of a client before its connection is closed; None: the packet is fine."""


def pass_on(packet: bytes) -> bytes:
    """Pass a packet on as it is."""
    return packet


def accept(packet: bytes) -> None:
    """Refuse no packet."""
    del packet


def refuse_will(protocol: str) -> Refuse:
    """Refuse a connection with a last will."""

    def refuse(packet: bytes) -> bytes | None:
        if packet[0] >> 4 != CONNECT:
            return None
        flags = packet[_body(packet) + 7]
        return _NOT_AUTHORIZED[protocol] if flags & _WILL_FLAG else None

    return refuse


def forget_retained(packet: bytes) -> bytes:
    """Pass a publish on as one that is not retained; it is acknowledged all the same."""
    return bytes([packet[0] & 0xFE]) + packet[1:] if packet[0] >> 4 == PUBLISH else packet


def answer_subscriptions(code: int) -> Alter:
    """Answer each subscription with a code of its own; if that is a refusal, deliver nothing."""

    def alter(packet: bytes) -> bytes:
        if packet[0] >> 4 == SUBACK:
            return packet[:-1] + bytes([code])
        return b"" if packet[0] >> 4 == PUBLISH and code >= 0x80 else packet

    return alter


class LackingBroker:
    """Forward whole packets between clients and a broker on loopback for as long as the context lasts.

    Args:
        target: the broker's port.
        refuse: says which packet of a client is refused, and how.
        up: alters packets of clients.
        down: alters packets of the broker.

    Attributes:
        port: the port it listens on.
    """

    def __init__(self, target: int, refuse: Refuse = accept, up: Alter = pass_on, down: Alter = pass_on) -> None:
        self._target, self._refuse, self._up, self._down = target, refuse, up, down
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
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
            _shut_down(opened)
        for thread in self._threads:
            thread.join(10)
        for opened in self._sockets:
            opened.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            broker.settimeout(None)
            self._sockets += [client, broker]
            for source, sink, refuse, alter in (
                (client, broker, self._refuse, self._up),
                (broker, client, accept, self._down),
            ):
                thread = threading.Thread(target=_pump, args=(source, sink, refuse, alter))
                self._threads.append(thread)
                thread.start()


def _pump(source: socket.socket, sink: socket.socket, refuse: Refuse, alter: Alter) -> None:
    with contextlib.suppress(OSError), source.makefile("rb") as stream:
        while packet := _read(stream):
            refusal = refuse(packet)
            if refusal is not None:
                source.sendall(refusal)
                break
            sink.sendall(alter(packet))
    _shut_down(source)
    _shut_down(sink)


def _shut_down(opened: socket.socket) -> None:
    with contextlib.suppress(OSError):
        opened.shutdown(socket.SHUT_RDWR)


def _read(stream: BufferedReader) -> bytes:
    """Return the next packet with its header; empty bytes at the end."""
    head = stream.read(2)
    while len(head) >= 2 and head[-1] & 0x80:
        head += stream.read(1)
    return head + stream.read(_length(head)) if len(head) >= 2 else b""


def _length(head: bytes) -> int:
    """Return the remaining length in a packet's header."""
    return sum((digit & 0x7F) << 7 * place for place, digit in enumerate(head[1 : _body(head)]))


def _body(packet: bytes) -> int:
    """Return where the body of a packet begins."""
    return next(place for place in range(1, len(packet)) if not packet[place] & 0x80) + 1
