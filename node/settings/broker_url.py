"""An address in `mqtt.host` that is a URL or holds a login -> the settings that it means, without its password."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from node.system.redaction import HIDDEN, printable

_TLS = frozenset({"mqtts", "mqtt+ssl", "mqtt+tls", "ssl", "tls", "wss", "https"})
_NEXT = re.compile(r"\s*,\s*(?=[A-Za-z][A-Za-z0-9+.-]{0,31}://)")
_ADDRESS = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,31}):/+)?(?:(?P<login>[^?#]*)@)?"
    r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?(?P<rest>(?:[/?#].*)?)",
    re.DOTALL,
)
_PLAIN = re.compile(
    r"[^:]*(?::\s*\d{1,5}\s*)?|\s*\[?(?:[0-9A-Fa-f]*:){2,}[0-9A-Fa-f:.]*(?:%\w+)?(?:\](?::\d{1,5})?)?\s*"
)
"""A name or an address, perhaps with a port."""
_AFTER_COLON = re.compile(r":.*", re.DOTALL)
_USERNAME = re.compile(r"[A-Za-z0-9._@+-]{1,64}")


def shown(text: str) -> str:
    """Return a value of `mqtt.host` without its password: what follows a colon and is neither a port nor an address."""
    if "@" in text or ":/" in text:
        return printable(text)
    return ",".join(
        part if _PLAIN.fullmatch(part) else _AFTER_COLON.sub(f":{HIDDEN}", part) for part in text.split(",")
    )


def proposal(text: str) -> str:
    """Return what is wrong with a URL in `mqtt.host`, and the settings to write instead.

    Where the password cannot be told from the rest, no part of the text is repeated.
    """
    found = [_ADDRESS.fullmatch(part) for part in _NEXT.split(text.strip())]
    addresses = [each for each in found if each]
    if len(addresses) != len(found) or any("@" in each["rest"] for each in addresses):
        return "write HOST or HOST:PORT, without a login, a path or a scheme"
    scheme = (addresses[0]["scheme"] or "").lower()
    return f"{_reason(scheme)}: set {', '.join((*_hosts(addresses, scheme), *_login(addresses[0]['login'])))}"


def _reason(scheme: str) -> str:
    if scheme.startswith("http"):
        return "a web page is not a broker"
    if scheme.startswith("ws"):
        return "MQTT over WebSocket is not supported"
    return "this is a URL" if scheme else "this is more than a name and a port"


def _hosts(addresses: Sequence[re.Match[str]], scheme: str) -> Iterator[str]:
    # The port of a web page is another one than MQTT's.
    ports = ["" if scheme.startswith(("http", "ws")) else each["port"] or "" for each in addresses]
    if len(addresses) == 1:
        yield f'mqtt.host = "{addresses[0]["host"]}"'
        port = ports[0]
    else:
        named = (each["host"] + (port and f":{port}") for each, port in zip(addresses, ports, strict=True))
        yield f'mqtt.host = "{", ".join(named)}"'
        port = ""
    if port or scheme in _TLS:
        yield f"mqtt.port = {port or 8883}"
    if scheme in _TLS:
        yield "mqtt.tls.enabled = true"


def _login(login: str | None) -> Iterator[str]:
    if login is None:
        return
    name, colon, _ = login.partition(":")
    name = unquote(name)
    if colon and _USERNAME.fullmatch(name):
        yield f'mqtt.username = "{name}"'
    else:  # without a colon it can be a token
        yield f"mqtt.username = the name before the {colon or '@'}"
    if colon:
        yield "mqtt.password_file = a file with the password alone in it"
