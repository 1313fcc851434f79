"""Exceptions, TLS alerts and MQTT reason codes -> one sentence each: what is wrong and what to do."""

import socket
import ssl

SUCCESS_BELOW = 0x80
UNSUPPORTED_PROTOCOL = 0x84
NO_REASON = 0x80
BAD_LOGIN, NOT_ALLOWED = 0x86, 0x87
NO_RETAIN, NO_QOS = 0x9A, 0x9B
KEEP_ALIVE_TIMEOUT = 0x8D
TAKEN_OVER = 0x8E
TOO_LARGE = 0x95

TRANSIENT = frozenset({0x80, 0x83, 0x97})
"""Refusals of a publish that is tried again."""

FINAL = frozenset({0x87, 0x90, 0x95, 0x99})
"""Refusals of a publish that is not tried again."""

GRANTED_LESS = "it grants a subscription with QoS 0 only, so requests may be lost: allow QoS 1"
"""The sentence for a subscription that the broker grants with less than QoS 1."""

_CODES = {
    0x80: "the broker gave no reason",
    0x81: "the broker received a malformed packet",
    0x82: "the broker reports a protocol error",
    0x83: "the broker reports an error of its own: see its log",
    0x84: "the broker does not support this MQTT version: set mqtt.protocol",
    0x85: "the broker refuses the client id: choose another node.id, or another ID for --durable",
    0x86: "the broker refuses the login: check mqtt.username and mqtt.password_file",
    0x87: "the broker does not allow it: check its access list",
    0x88: "the broker is unavailable",
    0x89: "the broker is busy",
    0x8A: "the broker has banned this node",
    0x8B: "the broker is shutting down",
    0x8C: "the broker requires another login method",
    0x8D: "the keep-alive time passed without a packet",
    0x8E: "another client took over the connection: two nodes have the same node.id, or two programs the same account",
    0x90: "the broker does not accept the topic",
    0x93: "the broker has too many messages in flight from this node",
    0x95: "the message is too large for the broker: raise its max_packet_size",
    0x96: "this node sends messages too fast for the broker",
    0x97: "the broker's quota is exceeded",
    0x98: "an administrator of the broker closed the connection",
    0x99: "the broker does not accept the payload's format",
    0x9A: "the broker does not support retained messages, which this node needs",
    0x9B: "the broker does not support QoS 1, which this node needs",
    0x9C: "the broker asks this node to use another server",
    0x9D: "the broker has moved: set mqtt.host",
    0x9F: "the broker limits how often this node may connect",
}

_ALERTS = {
    "CERTIFICATE_REQUIRED": "the broker requires a client certificate: set mqtt.tls.cert_file and mqtt.tls.key_file",
    "CERTIFICATE_REVOKED": "this node's certificate is revoked: get a new one",
    "CERTIFICATE_EXPIRED": "this node's certificate has expired: renew it",
    "CERTIFICATE_UNKNOWN": "the broker does not accept this node's certificate",
    "BAD_CERTIFICATE": "the broker does not accept this node's certificate",
    "UNKNOWN_CA": "the broker does not trust the authority that signed this node's certificate",
    "HANDSHAKE_FAILURE": "broker and node share no TLS version or cipher, or the broker requires a client certificate",
    "PROTOCOL_VERSION": "broker and node share no TLS version",
    "WRONG_VERSION_NUMBER": "this port does not use TLS: check mqtt.port, or set mqtt.tls.enabled = false",
    "UNEXPECTED_EOF": "the broker closed the connection during the TLS handshake",
}

_VERIFY = {
    9: "the broker's certificate is not valid yet: check the clocks of this node and of the certificate's authority",
    10: "the broker's certificate has expired: renew it, or set this node's clock",
    18: "the broker's certificate is self-signed: set mqtt.tls.ca_file to it",
    19: "the broker's certificate is signed by an unknown authority: set mqtt.tls.ca_file to that authority",
    20: "the broker's certificate is signed by an unknown authority: set mqtt.tls.ca_file to that authority",
    62: "the broker's certificate is for another name: set mqtt.host to the name in it",
    64: "the broker's certificate is for another address: set mqtt.host to the name in it",
}


def describe(code: int) -> str:
    """Return the sentence for an MQTT 5 reason code of 0x80 or above."""
    return _CODES.get(code, f"the broker answered with reason code 0x{code:02X}")


def describe_size(size: int, limit: int | None) -> str:
    """Return the sentence for a message that the broker does not take for its size.

    Args:
        size: of the message, in bytes.
        limit: the largest that the broker takes; None if it did not say.
    """
    if limit is None or size <= limit:
        return f"the broker does not take {size} bytes: raise its maximum packet size, or check its access list"
    return f"{size} bytes are more than the broker's maximum of {limit}: raise its maximum packet size"


def describe_connack(code: int) -> str:
    """Return the sentence for a CONNACK's reason code of 0x80 or above."""
    # Mosquitto answers a wrong password with "not authorized".
    return describe(BAD_LOGIN if code == NOT_ALLOWED else code)


def describe_tls_alert(text: str) -> str | None:
    """Return the sentence for the TLS alert that an OpenSSL message names, None if it names none."""
    words = text.upper().replace(" ", "_")
    return next((sentence for name, sentence in _ALERTS.items() if name in words), None)


def describe_error(error: OSError, host: str, port: int) -> str:
    """Return the sentence for an exception raised while resolving, connecting or in the TLS handshake."""
    if isinstance(error, socket.gaierror):
        return f"{host}: the name does not resolve: check mqtt.host and the network's name server"
    return f"{host}:{port}: {_describe_os_error(error)}"


def _describe_os_error(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return _VERIFY.get(error.verify_code, f"the broker's certificate is not valid: {error.verify_message}")
        case ssl.SSLError():
            return describe_tls_alert(str(error)) or f"TLS failed: {error}"
        case TimeoutError():
            return "no answer: check mqtt.host and mqtt.port, and any firewall in between"
        case ConnectionRefusedError():
            return "no server is listening: start the broker or check mqtt.port"
        case ConnectionError():
            return "the server closed the connection at once: check mqtt.port"
        case _:
            return f"{error.strerror or error}: check the network"
