"""Broker settings and a client -> a configured paho client, whose callbacks become reports."""

import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from node.contract.message import Message
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.bounded_client import BoundedClient
from node.mqtt.credentials import password
from node.mqtt.link import QOS, Acknowledged, Client, Lost, Received, Report, Subscribed
from node.mqtt.packet_bounds import MIN_PACKET_BYTES, RECEIVE_MAXIMUM, PacketBounds, Refusal
from node.settings import MqttSettings

_KEEPALIVE_IDLE_S, _KEEPALIVE_EVERY_S, _KEEPALIVE_COUNT, _UNSENT_MS = 5, 5, 3, 15_000

_Paho = TypeVar("_Paho", bound=BoundedClient)


class VersionRefusedError(BrokerError):
    """The broker does not support MQTT 5."""


class UnexplainedError(BrokerError):
    """The broker refuses the connection, and does not say whether for the login or for the last will."""


class PahoLink(Generic[_Paho]):
    """A link whose packets paho reads and writes. Subclasses open the socket and drive the client.

    Args:
        settings: the broker.
        client: the MQTT client that connects.
        report: called with each report.
        protocol: the MQTT version, `5` or `3.1.1`.
        kind: the class of the paho client.
    """

    def __init__(
        self,
        settings: MqttSettings,
        client: Client,
        report: Callable[[Report], None],
        protocol: str,
        kind: type[_Paho],
    ) -> None:
        self.protocol = protocol
        self.window = client.window
        self.max_bytes: int | None = None
        self._where = f"{settings.host}:{settings.port}"
        self._settings, self._identity, self._report = settings, client, report
        self._refusal: BrokerError | None = None
        self._accepted = self._ended = self._closed_early = False
        self._unanswered: deque[str] = deque()  # subscriptions; used by two threads
        self._client = self._build(kind)

    def publish(self, message: Message) -> int:
        """Send a message and return its packet id."""
        properties = _publish_properties(message) if self.protocol == "5" else None
        return self._client.publish(message.topic, message.payload, message.qos, message.retain, properties).mid

    def subscribe(self, topic: str) -> int:
        """Subscribe to a topic or filter and return the packet id."""
        self._unanswered.append(topic)
        return self._client.subscribe(topic, QOS)[1] or 0

    def unsubscribe(self, topic: str) -> None:
        """End the subscription to a topic or filter."""
        self._client.unsubscribe(topic)

    def _build(self, kind: type[_Paho]) -> _Paho:
        identity, five = self._identity, self.protocol == "5"
        built = kind(
            CallbackAPIVersion.VERSION2,
            identity.id,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            clean_session=None if five else identity.keep_s == 0,
            reconnect_on_failure=False,
        )
        built.max_inflight_messages = 0  # no limit of paho's own: the session keeps to the window
        built.bounds = PacketBounds(identity.max_packet_bytes)
        built.on_refusal = self._refuse
        will = identity.will
        if will is not None:
            built.will_set(will.topic, will.payload, will.qos, will.retain)
        if self._settings.username:
            built.username_pw_set(self._settings.username, password(self._settings))
        built.on_connect = self._on_connect
        built.on_disconnect = self._on_disconnect
        built.on_publish = self._on_publish
        built.on_subscribe = self._on_subscribe
        built.on_message = self._on_message
        built.on_socket_open = _detect_dead_peer
        return built

    def _connect(self) -> None:
        """Open the socket, the way the paho client does it, and send CONNECT."""
        options: dict[str, Any] = {}
        if self.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's lacks types
            if self._identity.states_bounds:
                properties.MaximumPacketSize = self._identity.max_packet_bytes
                properties.ReceiveMaximum = RECEIVE_MAXIMUM
            if self._identity.keep_s:
                properties.SessionExpiryInterval = self._identity.keep_s
            options = {"clean_start": self._identity.keep_s == 0, "properties": properties}
        self._client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s, **options)

    def _on_answer(self) -> None:
        """Handle that the broker has accepted, refused or closed the connection. For subclasses that wait for it."""

    def _clear_callbacks(self) -> None:
        """Remove every reference of the paho client to this link."""
        for name in ("connect", "disconnect", "publish", "subscribe", "message", "socket_open"):
            setattr(self._client, f"on_{name}", None)
        self._client.on_refusal = lambda _refusal: None

    def _on_connect(
        self, _client: paho.Client, _data: object, _flags: object, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._refusal = self._kind(code.value)(f"{self._where}: {reason_codes.describe_connack(code.value)}")
        elif (lacking := self._lacking(properties)) is not None:
            self._refusal = BrokerError(f"{self._where}: {reason_codes.describe(lacking)}")
        else:
            self._accept(properties)
        self._on_answer()

    def _kind(self, code: int) -> type[BrokerError]:
        """Return the error for a CONNACK's reason code."""
        if code == reason_codes.UNSUPPORTED_PROTOCOL:
            return VersionRefusedError
        unexplained = self._identity.will is not None and code in (reason_codes.BAD_LOGIN, reason_codes.NOT_ALLOWED)
        return UnexplainedError if unexplained else BrokerError

    def _lacking(self, properties: Properties | None) -> int | None:
        """Return the reason code for what the broker says it cannot do although the last will asks for it."""
        will = self._identity.will
        if will is None:
            return None
        if will.retain and not getattr(properties, "RetainAvailable", 1):
            return reason_codes.NO_RETAIN
        return reason_codes.NO_QOS if getattr(properties, "MaximumQoS", QOS) < will.qos else None

    def _accept(self, properties: Properties | None) -> None:
        """Take over the broker's bounds, or refuse a broker that could not take a single event."""
        max_bytes = getattr(properties, "MaximumPacketSize", None)
        if max_bytes is not None and max_bytes < MIN_PACKET_BYTES:
            self._refusal = BrokerError(
                f"{self._where}: the broker takes at most {max_bytes} bytes a packet, and an event needs"
                f" {MIN_PACKET_BYTES}: raise the broker's maximum packet size"
            )
            return
        self._accepted = True
        self.max_bytes = max_bytes
        self.window = min(self.window, getattr(properties, "ReceiveMaximum", self.window))

    def _on_disconnect(
        self,
        _client: paho.Client,
        _data: object,
        _flags: object,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if code.value == reason_codes.SUCCESS_BELOW or not code.is_failure:
            self._end("the broker closed the connection", code.value)
        else:
            self._end(reason_codes.describe(code.value), code.value)

    def _on_publish(
        self, _client: paho.Client, _data: object, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._report(Acknowledged(mid, code.value))

    def _on_subscribe(
        self, _client: paho.Client, _data: object, mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        # One answer with one code for each subscription, whatever the broker sends.
        with contextlib.suppress(IndexError):
            self._unanswered.popleft()
            self._report(Subscribed(codes[0].value, mid))

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # not one of our topics
        expiry = self._client.expiry
        self._report(Received(topic, bytes(message.payload), message.retain, expiry.left_s, expiry.waited_s))

    def _refuse(self, refusal: Refusal) -> None:
        """End the connection because of what the broker sends."""
        self._end(refusal.sentence, 0, refusal.topic, by_packet=True)
        if self.protocol == "5":  # 3.1.1 knows no reasons, and its DISCONNECT would keep the last will back
            self._client.disconnect(ReasonCode(PacketTypes.DISCONNECT, identifier=refusal.code))
            self._client.loop_write()

    def _end(self, sentence: str, code: int, topic: str | None = None, *, by_packet: bool = False) -> None:
        if self._ended:
            return
        self._ended = True
        if self._accepted:
            self._report(Lost(f"{self._where}: {sentence}", code, topic, by_packet))
        elif self._refusal is None:
            self._closed_early = True
            without_reason = BrokerError if self._identity.will is None else UnexplainedError
            kind = VersionRefusedError if self.protocol == "5" else without_reason
            self._refusal = kind(f"{self._where}: {sentence}")
        self._on_answer()


def _publish_properties(message: Message) -> Properties | None:
    """Return what MQTT 5 says about a message besides its payload, None for nothing."""
    if message.expiry_s is None and message.content_type is None and not message.user_properties:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho's lacks types
    if message.expiry_s is not None:
        properties.MessageExpiryInterval = message.expiry_s
    if message.content_type is not None:
        properties.ContentType = message.content_type
    if message.user_properties:
        properties.UserProperty = list(message.user_properties)
    return properties


def _detect_dead_peer(_client: paho.Client, _data: object, opened: Any) -> None:  # noqa: ANN401 - paho's socket type
    """Let the kernel detect a dead connection: an idle one within 20 s, one with unsent bytes within 15 s."""
    for level, option, value in (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_EVERY_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_COUNT),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNSENT_MS),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    ):
        opened.setsockopt(level, option, value)
