"""Broker settings -> an accepted connection, or a BrokerError with one sentence that says why there is none."""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from paho.mqtt.enums import MQTTErrorCode

from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.bounded_client import BoundedClient
from node.mqtt.credentials import tls_context
from node.mqtt.link import Client, Link, Report, Timeouts
from node.mqtt.paho_link import PahoLink, VersionRefusedError
from node.mqtt.tls_probe import probe_tls
from node.settings import MqttSettings

_DISCONNECT_S = 1.0
_TIMEOUTS = Timeouts()


class NoAnswerError(BrokerError):
    """Whatever accepted the connection does not answer."""


def connect(
    settings: MqttSettings, client: Client, report: Callable[[Report], None], timeouts: Timeouts = _TIMEOUTS
) -> Link:
    """Return a connection to the first broker of the settings that accepts one.

    `auto` tries MQTT 5, and MQTT 3.1.1 if the broker refuses that or closes the connection without an answer. Where the
    broker does not answer at all, MQTT 5 is tried once more without properties: a broker that knows only 3.1.1 may read
    them as the length of a client id and wait for its end. Password and certificates are read from disk on every call.
    `report` is called from the connection's own thread.

    Raises:
        BrokerError: no broker accepts; the message has one sentence for each broker.
    """
    failed: list[BrokerError] = []
    for one in settings.each:
        try:
            return _connect(one, client, report, timeouts)
        except BrokerError as error:
            failed.append(error)
    if len(failed) == 1:
        raise failed[0]
    raise BrokerError("; ".join(map(str, failed))) from failed[-1]


def _connect(settings: MqttSettings, client: Client, report: Callable[[Report], None], timeouts: Timeouts) -> Link:
    if settings.protocol != "auto":
        return _Connection(settings, client, report, timeouts, settings.protocol)
    try:
        return _Connection(settings, client, report, timeouts, "5")
    except VersionRefusedError:
        pass
    except NoAnswerError:
        if not client.keep_s:  # a session over MQTT 5 takes a property
            with contextlib.suppress(VersionRefusedError, NoAnswerError):
                return _Connection(settings, replace(client, states_bounds=False), report, timeouts, "5")
    return _Connection(settings, client, report, timeouts, "3.1.1")


class _Client(BoundedClient):
    """A paho client whose network thread always reports its end, even after a packet that paho cannot parse."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - paho's
        super().__init__(*args, **options)
        self.ended = threading.Event()
        self.on_broken_packet: Callable[[str], None] = lambda _reason: None

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:  # noqa: FBT001, FBT002 - paho's signature
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception as error:  # noqa: BLE001 - paho raises anything on a broken packet
            self.on_broken_packet(f"the broker sent an invalid packet ({type(error).__name__}: {error})")
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        finally:
            self.ended.set()


class _Connection(PahoLink[_Client]):
    """A connection with a network thread of its own."""

    def __init__(
        self,
        settings: MqttSettings,
        client: Client,
        report: Callable[[Report], None],
        timeouts: Timeouts,
        protocol: str,
    ) -> None:
        super().__init__(settings, client, report, protocol, _Client)
        self._answered = threading.Event()
        self._looping = False
        self._client.connect_timeout = timeouts.connect_s
        if settings.tls.enabled:
            self._client.tls_set_context(tls_context(settings.tls))
        self._client.on_broken_packet = lambda reason: self._end(reason, 0, by_packet=True)
        try:
            self._open(settings, timeouts)
        except BaseException:
            self._shut_down()
            raise

    def close(self) -> None:
        if not self._ended:
            self._ended = True
            self._client.disconnect()
            self._client.ended.wait(_DISCONNECT_S)
        self._shut_down()

    def _open(self, settings: MqttSettings, timeouts: Timeouts) -> None:
        try:
            self._connect()
            self._client.loop_start()
        except OSError as error:
            raise BrokerError(reason_codes.describe_error(error, settings.host, settings.port)) from error
        except ValueError as error:  # an invalid name, such as one with an empty label
            raise BrokerError(f"{settings.host}: not a valid host name: check mqtt.host") from error
        self._looping = True
        if not self._answered.wait(timeouts.answer_s):
            raise NoAnswerError(
                f"{self._where}: the server does not answer: check that it is an MQTT broker, and check mqtt.protocol"
            )
        if self._refusal is not None:
            self._raise_tls_reason(settings)
            raise self._refusal

    def _raise_tls_reason(self, settings: MqttSettings) -> None:
        """Find out with TLS alone why the broker closed the connection without an answer."""
        if self._closed_early and settings.tls.enabled:
            self._shut_down()
            probe_tls(settings)

    def _shut_down(self) -> None:
        """End the network thread and remove every reference to this connection."""
        self._ended = True
        opened = self._client.socket()
        if isinstance(opened, socket.socket):
            with contextlib.suppress(OSError):  # closed by the other side
                # The plain socket's method: TLS's own would change state that the network thread uses.
                socket.socket.shutdown(opened, socket.SHUT_RDWR)
        has_ended = not self._looping or self._client.ended.wait(_DISCONNECT_S)
        self._clear_callbacks()
        if has_ended:
            self._client.close_sockets()
        self._client.on_broken_packet = lambda _reason: None

    def _on_answer(self) -> None:
        self._answered.set()
