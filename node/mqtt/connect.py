"""Broker settings -> one accepted connection, or a BrokerError that says in one sentence why there is none."""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.credentials import tls_context
from node.mqtt.link import Client, Link, Patience, Report
from node.mqtt.paho_link import PahoLink, VersionRefusedError
from node.mqtt.tls_probe import shake_hands
from node.settings import MqttSettings

_LEAVE_S = 1.0
_PATIENCE = Patience()


def connect(
    settings: MqttSettings, client: Client, report: Callable[[Report], None], patience: Patience = _PATIENCE
) -> Link:
    """Return a connection that the broker has accepted: of several brokers the first that does.

    `auto` tries MQTT 5, and 3.1.1 where that is refused or closed without an answer. Password and certificates are
    read anew. `report` is called from the connection's own thread.

    Raises:
        BrokerError: there is no connection; the message is one sentence, of several brokers one each.
    """
    failed: list[BrokerError] = []
    for one in settings.each:
        try:
            return _connect(one, client, report, patience)
        except BrokerError as error:
            failed.append(error)
    raise BrokerError("; ".join(map(str, failed))) from failed[-1]


def _connect(settings: MqttSettings, client: Client, report: Callable[[Report], None], patience: Patience) -> Link:
    if settings.protocol != "auto":
        return _Connection(settings, client, report, patience, settings.protocol)
    try:
        return _Connection(settings, client, report, patience, "5")
    except VersionRefusedError:
        return _Connection(settings, client, report, patience, "3.1.1")


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


class _Connection(PahoLink[_Client]):
    """A connection whose socket is read and written by a thread of its own."""

    def __init__(
        self,
        settings: MqttSettings,
        client: Client,
        report: Callable[[Report], None],
        patience: Patience,
        protocol: str,
    ) -> None:
        super().__init__(settings, client, report, protocol, _Client)
        self._answered = threading.Event()
        self._looping = False
        self._client.connect_timeout = patience.connect_s
        if settings.tls.enabled:
            self._client.tls_set_context(tls_context(settings.tls))
        self._client.broke = lambda sentence: self._end(sentence, 0)
        try:
            self._open(settings, patience)
        except BaseException:
            self._abandon()
            raise

    def close(self) -> None:
        if not self._ended:
            self._ended = True
            self._client.disconnect()
            self._client.ended.wait(_LEAVE_S)
        self._abandon()

    def _open(self, settings: MqttSettings, patience: Patience) -> None:
        try:
            self._connect()
            self._client.loop_start()
        except OSError as error:
            raise BrokerError(reason_codes.raised(error, settings.host, settings.port)) from error
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
        self._forget()
        self._client.broke = lambda _sentence: None

    def _answer(self) -> None:
        self._answered.set()
