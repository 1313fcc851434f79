"""Broker settings -> one accepted connection, or a BrokerError that says in one sentence why there is none."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from node.errors import BrokerError
from node.mqtt import failures
from node.mqtt.credentials import password, tls_context
from node.mqtt.handshake import shake_hands
from node.mqtt.link import Acknowledged, Client, Link, Lost, Patience, Received, Report, Subscribed
from node.settings import MqttSettings

_QOS = 1
_KEEPALIVE_IDLE_S, _KEEPALIVE_EVERY_S, _KEEPALIVE_COUNT, _UNSENT_MS = 5, 5, 3, 15_000
_LEAVE_S = 1.0
_PATIENCE = Patience()


def connect(
    settings: MqttSettings, client: Client, report: Callable[[Report], None], patience: Patience = _PATIENCE
) -> Link:
    """Return a connection that the broker has accepted.

    `auto` tries MQTT 5, and 3.1.1 where that is refused or closed without an answer. Password and certificates are
    read anew. `report` is called from the connection's own thread.

    Raises:
        BrokerError: there is no connection; the message is one sentence.
    """
    if settings.protocol != "auto":
        return _Connection(settings, client, report, patience, settings.protocol)
    try:
        return _Connection(settings, client, report, patience, "5")
    except _VersionRefusedError:
        return _Connection(settings, client, report, patience, "3.1.1")


class _VersionRefusedError(BrokerError):
    """The broker does not speak MQTT 5."""


class _Client(paho.Client):
    """A paho client whose network thread always says when it ends, even on a packet that nobody can read."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - paho's
        super().__init__(*args, **options)
        self.ended = threading.Event()
        self.broke: Callable[[str], None] = lambda _sentence: None

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:  # noqa: FBT001, FBT002 - paho's signature
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception as error:  # noqa: BLE001 - whatever a broken packet makes paho raise
            self.broke(f"the broker sent what is not MQTT ({type(error).__name__}: {error})")
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        finally:
            self.ended.set()


class _Connection:
    def __init__(
        self,
        settings: MqttSettings,
        client: Client,
        report: Callable[[Report], None],
        patience: Patience,
        protocol: str,
    ) -> None:
        self.protocol = protocol
        self.window = client.window
        self.max_bytes: int | None = None
        self._where = f"{settings.host}:{settings.port}"
        self._report = report
        self._answered = threading.Event()
        self._refusal: BrokerError | None = None
        self._accepted = self._ended = self._looping = self._closed_early = False
        self._client = self._build(settings, client, patience)
        try:
            self._open(settings, client, patience)
        except BaseException:
            self._abandon()
            raise

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        return self._client.publish(topic, payload, _QOS, retain).mid

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic, _QOS)

    def close(self) -> None:
        if not self._ended:
            self._ended = True
            self._client.disconnect()
            self._client.ended.wait(_LEAVE_S)
        self._abandon()

    def _build(self, settings: MqttSettings, client: Client, patience: Patience) -> _Client:
        five = self.protocol == "5"
        built = _Client(
            CallbackAPIVersion.VERSION2,
            client.id,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            clean_session=None if five else client.keep_s == 0,
            reconnect_on_failure=False,
        )
        built.connect_timeout = patience.connect_s
        built.max_inflight_messages = 0  # whoever publishes keeps to the window
        if client.will is not None:
            built.will_set(*client.will, qos=_QOS, retain=True)
        if settings.username:
            built.username_pw_set(settings.username, password(settings))
        if settings.tls.enabled:
            built.tls_set_context(tls_context(settings.tls))
        built.on_connect = self._on_connect
        built.on_disconnect = self._on_disconnect
        built.on_publish = self._on_publish
        built.on_subscribe = self._on_subscribe
        built.on_message = self._on_message
        built.on_socket_open = _keep_watch
        built.broke = lambda sentence: self._end(sentence, 0)
        return built

    def _open(self, settings: MqttSettings, client: Client, patience: Patience) -> None:
        options: dict[str, Any] = {}
        if self.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's lacks types
            if client.keep_s:
                # Else left out: a broker that knows only 3.1.1 takes properties for a client id and waits for its end.
                properties.SessionExpiryInterval = client.keep_s
            options = {"clean_start": client.keep_s == 0, "properties": properties}
        try:
            self._client.connect(settings.host, settings.port, settings.keepalive_s, **options)
            self._client.loop_start()
        except OSError as error:
            raise BrokerError(failures.raised(error, settings.host, settings.port)) from error
        except ValueError as error:  # a name that cannot be one, such as an empty label
            raise BrokerError(f"{settings.host}: is not the name of a host: check mqtt.host") from error
        self._looping = True
        if not self._answered.wait(patience.answer_s):
            raise BrokerError(f"{self._where}: accepts the connection but does not answer: is it an MQTT broker?")
        if self._refusal is not None:
            self._explain(settings)
            raise self._refusal

    def _explain(self, settings: MqttSettings) -> None:
        """Ask TLS alone why a connection was closed without an answer."""
        if self._closed_early and settings.tls.enabled:
            self._abandon()
            shake_hands(settings)

    def _abandon(self) -> None:
        """End the network thread and drop everything that refers to this connection."""
        self._ended = True
        opened = self._client.socket()
        if isinstance(opened, socket.socket):
            with contextlib.suppress(OSError):  # closed by the other side
                # The plain socket's method: TLS's own would take its state from under the network thread.
                socket.socket.shutdown(opened, socket.SHUT_RDWR)
        if self._looping:
            self._client.ended.wait(_LEAVE_S)
        for name in ("connect", "disconnect", "publish", "subscribe", "message", "socket_open"):
            setattr(self._client, f"on_{name}", None)
        self._client.broke = lambda _sentence: None

    def _on_connect(
        self, _client: paho.Client, _data: object, _flags: object, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            kind = _VersionRefusedError if code.value == failures.UNSUPPORTED_PROTOCOL else BrokerError
            self._refusal = kind(f"{self._where}: {failures.refused(code.value)}")
        else:
            self._accepted = True
            self.window = min(self.window, getattr(properties, "ReceiveMaximum", self.window))
            self.max_bytes = getattr(properties, "MaximumPacketSize", None)
        self._answered.set()

    def _on_disconnect(
        self,
        _client: paho.Client,
        _data: object,
        _flags: object,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if code.value == failures.SUCCESS_BELOW or not code.is_failure:
            self._end("the broker closed the connection", code.value)
        else:
            self._end(failures.coded(code.value), code.value)

    def _on_publish(
        self, _client: paho.Client, _data: object, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._report(Acknowledged(mid, code.value))

    def _on_subscribe(
        self, _client: paho.Client, _data: object, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        for code in codes:
            self._report(Subscribed(code.value))

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # no topic of ours
        self._report(Received(topic, bytes(message.payload), message.retain))

    def _end(self, sentence: str, code: int) -> None:
        if self._ended:
            return
        self._ended = True
        if self._accepted:
            self._report(Lost(f"{self._where}: {sentence}", code))
        elif self._refusal is None:
            self._closed_early = True
            kind = _VersionRefusedError if self.protocol == "5" else BrokerError
            self._refusal = kind(f"{self._where}: {sentence}")
        self._answered.set()


def _keep_watch(_client: paho.Client, _data: object, opened: Any) -> None:  # noqa: ANN401 - paho's socket type
    """Let the kernel find a dead link: an idle one within 20 s, one with bytes on the way within 15 s."""
    for level, option, value in (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_EVERY_S),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_COUNT),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNSENT_MS),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    ):
        opened.setsockopt(level, option, value)
