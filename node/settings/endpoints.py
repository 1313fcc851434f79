"""Text of `mqtt.host` -> the brokers that it names, in the order in which the node tries them."""

import ipaddress
import re

from node.settings import broker_url

_MOST_PORT = 65535
# A name or an IPv4 address, or an IPv6 address in brackets; then perhaps a port.
_WITH_PORT = re.compile(r"(?:\[(?P<six>[^\[\]\s]+)\]|(?P<host>[^:\[\]\s]+))(?::(?P<port>\d{1,5}))?")
_OF_A_URL = re.compile(r"[@/?#]")


def endpoints(text: str, port: int) -> tuple[tuple[str, int], ...]:
    """Return host and port of each broker in a text such as `a.example, b.example:8883, [2001:db8::1]:8883`.

    Args:
        text: names or addresses, separated by commas.
        port: of the brokers without a port of their own.

    Raises:
        ValueError: a name is empty or not in one of these forms, such as a URL; the message holds no password.
    """
    if _OF_A_URL.search(text):  # before the commas are: a password may have one
        raise ValueError(broker_url.proposal(text))
    return tuple(_endpoint(part.strip(), port) for part in text.split(","))


def _endpoint(part: str, port: int) -> tuple[str, int]:
    found = _WITH_PORT.fullmatch(part)
    if found:
        own = int(found["port"]) if found["port"] else port
        if not 1 <= own <= _MOST_PORT:
            raise ValueError(f"{part}: a port must be between 1 and {_MOST_PORT}")
        return found["six"] or found["host"], own
    try:
        ipaddress.IPv6Address(part)
    except ValueError as error:
        name = broker_url.shown(part) or "an empty name"
        raise ValueError(f"{name}: write HOST, HOST:PORT or [ADDRESS]:PORT, separated by commas") from error
    return part, port
