"""Broker settings -> what a TLS handshake and one read after it say, without a word of MQTT."""

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
    """A handshake that went well.

    Attributes:
        version: of TLS.
        days_left: until the broker's certificate expires.
    """

    version: str
    days_left: float


def shake_hands(settings: MqttSettings) -> Handshake:
    """Shake hands, then read once without sending anything.

    With TLS 1.3 a client's certificate is refused only after the handshake. A client that has already sent its CONNECT
    then mostly sees a reset connection instead of the reason.

    Raises:
        BrokerError: one of the two refuses the other; the message is one sentence.
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
        raise BrokerError(reason_codes.raised(error, settings.host, settings.port)) from error


def _refused(secured: ssl.SSLSocket) -> bool:
    try:
        return secured.recv(1) == b""
    except TimeoutError:  # the broker waits for our first packet
        return False
