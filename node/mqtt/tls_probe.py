"""Broker settings -> the result of a TLS handshake and one read, without any MQTT."""

import socket
import ssl
import time
from dataclasses import dataclass

from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.credentials import tls_context
from node.settings import MqttSettings

_CONNECT_S, _REFUSAL_S = 5.0, 1.0


@dataclass(frozen=True, slots=True)
class Handshake:
    """A successful handshake.

    Attributes:
        version: the TLS version.
        days_left: days until the broker's certificate expires.
    """

    version: str
    days_left: float


def probe_tls(settings: MqttSettings) -> Handshake:
    """Do a TLS handshake, then read once without sending anything.

    With TLS 1.3 a broker refuses a client's certificate only after the handshake. A client that has already sent its
    CONNECT then usually sees a reset connection instead of the reason.

    Raises:
        BrokerError: broker or node refuses the other; the message is one sentence.
    """
    where = f"{settings.host}:{settings.port}"
    context = tls_context(settings.tls)
    try:
        with (
            socket.create_connection((settings.host, settings.port), timeout=_CONNECT_S) as plain,
            context.wrap_socket(plain, server_hostname=settings.host) as secured,
        ):
            secured.settimeout(_REFUSAL_S)
            if _refused(secured):
                raise BrokerError(f"{where}: the broker closed the connection after the TLS handshake: see its log")
            until = str((secured.getpeercert() or {})["notAfter"])
            days_left = (ssl.cert_time_to_seconds(until) - time.time()) / 86_400
            return Handshake(secured.version() or "TLS", days_left)
    except OSError as error:
        raise BrokerError(reason_codes.describe_error(error, settings.host, settings.port)) from error


def _refused(secured: ssl.SSLSocket) -> bool:
    try:
        return secured.recv(1) == b""
    except TimeoutError:  # accepted: the broker waits for our first packet
        return False
