"""Exceptions, TLS alerts and MQTT reason codes -> one sentence each: what is wrong and what to do."""

import socket
import ssl

SUCCESS_BELOW = 0x80
UNSUPPORTED_PROTOCOL = 0x84
BAD_LOGIN, NOT_ALLOWED = 0x86, 0x87
KEEP_ALIVE_TIMEOUT = 0x8D
TAKEN_OVER = 0x8E
TOO_LARGE = 0x95

TRANSIENT = frozenset({0x80, 0x83, 0x97})
"""Answers to a publish after which it is tried again."""

FINAL = frozenset({0x87, 0x90, 0x95, 0x99})
"""Answers to a publish after which it never is."""

_CODES = {
    0x80: "the broker gives no reason",
    0x81: "the broker calls a packet malformed",
    0x82: "the broker calls a packet a protocol error",
    0x83: "the broker has a reason of its own: see its log",
    0x84: "the broker does not speak this MQTT version: set mqtt.protocol",
    0x85: "the broker refuses the client id: choose another node.id",
    0x86: "the broker refuses the login: check mqtt.username and mqtt.password_file",
    0x87: "the broker does not allow it: check its access list",
    0x88: "the broker is not available",
    0x89: "the broker is busy",
    0x8A: "the broker has banned this node",
    0x8B: "the broker is shutting down",
    0x8C: "the broker wants another way to log in",
    0x8D: "no sign of life for the keep-alive time",
    0x8E: "another client took the connection over: two nodes have the same node.id",
    0x90: "the broker does not accept the topic",
    0x93: "the broker calls the messages in flight too many",
    0x95: "the broker calls the message too large: raise its max_packet_size",
    0x96: "the broker calls the messages too many",
    0x97: "the broker's quota is used up",
    0x98: "somebody at the broker closed the connection",
    0x99: "the broker does not accept the payload's format",
    0x9A: "the broker keeps no retained messages, which the node needs",
    0x9B: "the broker does not offer QoS 1, which the node needs",
    0x9C: "the broker wants another server to be used",
    0x9D: "the broker has moved: set mqtt.host",
    0x9F: "the broker limits how often one may connect",
}

_ALERTS = {
    "CERTIFICATE_REQUIRED": "the broker asks for a certificate: set mqtt.tls.cert_file and key_file",
    "CERTIFICATE_REVOKED": "the broker says that this node's certificate is revoked: ask for a new one",
    "CERTIFICATE_EXPIRED": "the broker says that this node's certificate has expired: renew it",
    "CERTIFICATE_UNKNOWN": "the broker does not accept this node's certificate",
    "BAD_CERTIFICATE": "the broker does not accept this node's certificate",
    "UNKNOWN_CA": "the broker does not know the authority that signed this node's certificate",
    "HANDSHAKE_FAILURE": "broker and node have no TLS version or cipher in common, or it asks for a certificate",
    "PROTOCOL_VERSION": "broker and node have no TLS version in common",
    "WRONG_VERSION_NUMBER": "no TLS is spoken there: check mqtt.port, or set mqtt.tls.enabled = false",
    "UNEXPECTED_EOF": "the connection was closed during the TLS handshake",
}

_VERIFY = {
    9: "the broker's certificate is not valid yet: the clock of this node, or of whoever signed it, is wrong",
    10: "the broker's certificate has expired: renew it, or set the clock of this node",
    18: "the broker's certificate is signed by itself: name it in mqtt.tls.ca_file",
    19: "the broker's certificate is signed by an authority that is not known: name it in mqtt.tls.ca_file",
    20: "the broker's certificate is signed by an authority that is not known: name it in mqtt.tls.ca_file",
    62: "the broker's certificate is for another name: set mqtt.host to the name in it",
    64: "the broker's certificate is for another address: set mqtt.host to the name in it",
}


def coded(code: int) -> str:
    """Return the sentence of an MQTT 5 reason code of 0x80 or above."""
    return _CODES.get(code, f"the broker answers with reason 0x{code:02X}")


def refused(code: int) -> str:
    """Return the sentence of a CONNACK's reason code of 0x80 or above."""
    # mosquitto answers a wrong password with "not authorised".
    return coded(BAD_LOGIN if code == NOT_ALLOWED else code)


def alerted(detail: str) -> str | None:
    """Return the sentence of the TLS alert that OpenSSL's words in `detail` name, None if they name none."""
    words = detail.upper().replace(" ", "_")
    return next((sentence for name, sentence in _ALERTS.items() if name in words), None)


def raised(error: OSError, host: str, port: int) -> str:
    """Return the sentence of an exception from resolving, connecting or the TLS handshake."""
    if isinstance(error, socket.gaierror):
        return f"{host}: the name does not resolve: check mqtt.host and the network's name server"
    return f"{host}:{port}: {_reason(error)}"


def _reason(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return _VERIFY.get(error.verify_code, f"the broker's certificate is refused: {error.verify_message}")
        case ssl.SSLError():
            return alerted(str(error)) or f"TLS failed: {error}"
        case TimeoutError():
            return "no answer: check mqtt.host and mqtt.port, and any firewall on the way"
        case ConnectionRefusedError():
            return "nothing listens there: start the broker or check mqtt.port"
        case ConnectionError():
            return "the connection was closed at once: check mqtt.port"
        case _:
            return f"{error.strerror or error}: check the network"
