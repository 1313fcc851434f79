"""The network -> hosts that may be the broker: what announces itself, Home Assistant's usual name, this machine.

What mDNS says is anybody's word. So it is only offered: the owner agrees to a host before a password is sent.
"""

import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from node.setup.schema import USUAL_PORT, USUAL_TLS_PORT
from node.setup.world import FoundBroker

HOME_ASSISTANT, MQTT, SECURE_MQTT = "_home-assistant._tcp.local.", "_mqtt._tcp.local.", "_secure-mqtt._tcp.local."
USUAL_NAME = "homeassistant.local"
_SEARCH_S = 3.0
_MOST_ANSWERS = 32
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")
_CONNECT_S = 1.0


@dataclass(frozen=True, slots=True)
class Announcement:
    """A service that announces itself.

    Attributes:
        kind: of the service, such as `_mqtt._tcp.local.`.
        name: of the service, without its kind.
        host: where it is.
        port: of the service.
        addresses: of the host.
    """

    kind: str
    name: str
    host: str
    port: int
    addresses: tuple[str, ...] = ()


Browse = Callable[[], Sequence[Announcement]]
Resolve = Callable[[str], str | None]


def find_brokers(browse: Browse, resolve: Resolve, listens: Callable[[str, int], bool]) -> tuple[FoundBroker, ...]:
    """Return hosts that may be the broker, Home Assistant's first, each once.

    Args:
        browse: returns what announces itself.
        resolve: returns the address of a name as a node would find it; None if it does not.
        listens: whether a server takes connections at an address and port.
    """
    found = [*_announced(browse(), resolve)]
    if (address := resolve(USUAL_NAME)) is not None:
        found.append(FoundBroker(USUAL_NAME, USUAL_PORT, "Home", address, home_assistant=True))
    if listens("127.0.0.1", USUAL_PORT):
        found.append(FoundBroker("localhost", USUAL_PORT, "on this machine"))
    found.sort(key=lambda each: not each.home_assistant)
    unique = {(each.host.lower(), each.port): each for each in reversed(found)}
    return tuple(reversed(unique.values()))


def _announced(announcements: Sequence[Announcement], resolve: Resolve) -> Iterator[FoundBroker]:
    for each in announcements[:_MOST_ANSWERS]:
        host = each.host.rstrip(".")
        if not _HOST.match(host):
            continue
        address = resolve(host)
        if address is None:  # mDNS found it, but the system would not: only its address works
            if not each.addresses:
                continue
            host, address = each.addresses[0], ""
        home = each.kind == HOME_ASSISTANT
        port = USUAL_PORT if home else each.port  # Home Assistant announces its web page
        name = "".join(sign for sign in each.name if sign.isprintable())[:64].strip() or host
        if 0 < port <= 65535:  # noqa: PLR2004 - the greatest port
            yield FoundBroker(host, port, name, address, home_assistant=home)


def browse_network(seconds: float = _SEARCH_S, interfaces: Sequence[str] | None = None) -> list[Announcement]:
    """Return what announces itself by mDNS within some seconds; nothing where the network does not allow the question.

    Args:
        seconds: how long to listen.
        interfaces: addresses of this machine at which to ask; all unless given.
    """
    from zeroconf import Error, InterfaceChoice, IPVersion, ServiceBrowser, ServiceStateChange, Zeroconf  # noqa: PLC0415 - only the first run needs it

    names: list[tuple[str, str]] = []

    def changed(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        del zeroconf
        if state_change is ServiceStateChange.Added and len(names) < _MOST_ANSWERS:
            names.append((service_type, name))

    found: list[Announcement] = []
    try:
        with Zeroconf(list(interfaces) if interfaces else InterfaceChoice.All) as network:
            browser = ServiceBrowser(network, [HOME_ASSISTANT, MQTT, SECURE_MQTT], handlers=[changed])
            time.sleep(seconds)
            browser.cancel()
            for kind, name in names:
                info = network.get_service_info(kind, name, timeout=1000)
                if info is not None and info.server:
                    addresses = tuple(info.parsed_addresses(IPVersion.V4Only))
                    own = name.removesuffix(f".{kind}")
                    found.append(Announcement(kind, own, info.server, info.port or 0, addresses))
    except (OSError, Error, RuntimeError):  # no network, no multicast
        return found
    return found


def resolve_name(host: str) -> str | None:
    """Return the first address of a name as any program of this machine finds it; None if it does not."""
    try:
        return str(socket.getaddrinfo(host, USUAL_TLS_PORT, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError):
        return None


def takes_connections(host: str, port: int) -> bool:
    """Return whether a server takes connections."""
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_S):
            return True
    except OSError:
        return False
