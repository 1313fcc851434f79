"""The text of `mqtt.host` -> the brokers that it names, in the order in which they are tried."""

import ipaddress
import re

_MOST_PORT = 65535
# A name or an address of version 4, or one of version 6 in brackets, and perhaps a port.
_WITH_PORT = re.compile(r"(?:\[(?P<six>[^\[\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>\d{1,5}))?")


def endpoints(text: str, port: int) -> tuple[tuple[str, int], ...]:
    """Return host and port of each broker, such as of `a.example, b.example:8883, [2001:db8::1]:8883`.

    Args:
        text: names or addresses, with commas between them.
        port: of those that name none.

    Raises:
        ValueError: one of them is empty or not written like that.
    """
    return tuple(_endpoint(part.strip(), port) for part in text.split(","))


def _endpoint(part: str, port: int) -> tuple[str, int]:
    found = _WITH_PORT.fullmatch(part)
    if found:
        own = int(found["port"]) if found["port"] else port
        if not 1 <= own <= _MOST_PORT:
            raise ValueError(f"{part}: a port is 1 to {_MOST_PORT}")
        return found["six"] or found["host"], own
    try:
        ipaddress.IPv6Address(part)
    except ValueError as error:
        name = part or "an empty name"
        raise ValueError(f"{name}: write HOST, HOST:PORT or [ADDRESS]:PORT, with commas between several") from error
    return part, port
