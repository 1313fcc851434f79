"""A request's connection and headers -> who asks, for which host, and from which page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        peer: address of the other side; empty if unknown.
        own: address of this machine to which they are connected; empty if unknown.
        method: of the request.
        path: of the request, decoded, without the query.
        headers: by their names in small letters; a header that is there twice has both values, with a comma.
    """

    peer: str
    own: str
    method: str
    path: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> "Caller":
        """Return who asks, of the scope of an ASGI server."""
        peer, own = scope.get("client"), scope.get("server")
        return cls(
            peer=address(peer[0]) if peer else "",
            own=address(own[0]) if own else "",
            method=scope["method"],
            path=scope["path"],
            headers=_joined(scope["headers"]),
        )

    def header(self, name: str) -> str:
        """Return a header; empty if it is not there."""
        return self.headers.get(name, "")

    @property
    def host(self) -> str:
        """The name or address that was asked for, in small letters, without the port; empty if it makes no sense."""
        return host_of(self.header("host"))

    @property
    def is_change(self) -> bool:
        """Whether the request may change something."""
        return self.method not in ("GET", "HEAD")


def address(text: str) -> str:
    """Return an address in its usual form: without a zone, and IPv4 also where a socket of IPv6 gives it."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def is_loopback(text: str) -> bool:
    """Return whether an address is of the machine itself."""
    return bool(text) and ip_address(text).is_loopback


def host_of(header: str) -> str:
    """Return the host in a header `Host`, in small letters and without the port; empty if it makes no sense."""
    try:
        parts = urlsplit(f"//{header}")
        port, name = parts.port, parts.hostname
    except ValueError:
        return ""
    if not name or parts.netloc != header or "@" in header or (port is not None and port > _MAX_PORT):
        return ""
    return address(name) or name.removesuffix(".")


def comes_from(caller: Caller, hosts: Iterable[str], schemes: Iterable[str]) -> bool:
    """Return whether a request comes from a page of this site, by what its browser says.

    Browsers send `Origin` with every form. Where the connection counts as secure they also send `Sec-Fetch-Site`, which
    no page can forge. A request with neither comes from no browser of our time, and is refused.

    Args:
        caller: who asks.
        hosts: values of `Host`, with port, under which this site is known.
        schemes: of the site.
    """
    site, origin = caller.header("sec-fetch-site"), caller.header("origin")
    if site and site != "same-origin":
        return False
    if not origin:
        return bool(site)
    scheme, separator, netloc = origin.partition("://")
    return bool(separator) and scheme in schemes and netloc.lower() in {host.lower() for host in hosts if host}


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip()
        found[name] = f"{found[name]}, {value}" if name in found else value
    return MappingProxyType(found)
