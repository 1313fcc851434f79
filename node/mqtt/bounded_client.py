"""A connection's bytes -> paho's client, which gets none beyond the bounds of `packet_bounds`, and no properties."""

from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion

from node.mqtt.message_properties import NO_EXPIRY, take_properties
from node.mqtt.packet_bounds import PacketBounds, Refusal

_MAX_ANSWERS, _TOO_FAST = 1000, 0x96
"""The answers, such as PUBACK, that may wait until a broker reads them, and the reason code for one that reads none."""


class BoundedClient(paho.Client):
    """A paho client whose memory no broker can fill.

    It looks at each byte that paho reads from the socket, and takes the properties out of each message. `_sock_recv`
    is the one way in, `_packet_handle` gets each whole packet, `_out_packet` holds what waits to be written, and
    `_reset_sockets` closes all sockets; all are paho's own. The tests of this module and of messages that are too large
    fail where a version of paho does any of it differently.

    Attributes:
        bounds: the bounds of the connection.
        on_refusal: called on the network's thread before the connection ends because of the broker's packets.
        expiry: of the message that `on_message` is called with; paho calls it before it reads the next packet.
    """

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - paho's
        super().__init__(*args, **options)
        self.bounds = PacketBounds()
        self.expiry = NO_EXPIRY
        self.on_refusal: Callable[[Refusal], None] = lambda _refusal: None

    def _sock_recv(self, bufsize: int) -> bytes:
        received = super()._sock_recv(min(bufsize, self.bounds.room))
        refusal = self.bounds.take(received) or self._unread_answers()
        if refusal is not None:
            self.on_refusal(refusal)
            raise ConnectionError(refusal.sentence)
        return received

    def _packet_handle(self) -> MQTTErrorCode:
        if self.protocol is MQTTProtocolVersion.MQTTv5:
            packet = self._in_packet
            self.expiry, body = take_properties(packet["command"], bytes(packet["packet"]))
            packet["packet"] = bytearray(body)
        return super()._packet_handle()

    def close_sockets(self) -> None:
        """Close the connection and the pair of sockets that wakes the network's thread, once that thread has ended.

        Paho leaves this to its finalizer, and the garbage collector may come to the sockets first.
        """
        self._reset_sockets()

    def _unread_answers(self) -> Refusal | None:
        """Refuse a broker that sends and never reads: paho keeps an answer to each of its messages."""
        if len(self._out_packet) - len(self._out_messages) <= _MAX_ANSWERS:
            return None
        return Refusal("the broker sends messages but does not read the answers", _TOO_FAST)
