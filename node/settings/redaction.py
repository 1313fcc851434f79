"""URL of a camera -> its scheme, and the URL without its secrets, for messages."""

import re

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "tcp", "udp")
"""Schemes that the FFmpeg inside OpenCV can play from a network."""

_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$", re.DOTALL)
_HIDDEN = "***"


def scheme_of(source: str) -> str | None:
    """Return the scheme of a URL in lower case; None for a path."""
    match = _URL.match(source)
    return match[1].lower() if match else None


def redact(url: str) -> str:
    """Return a URL without anything that could be a secret; return a path unchanged.

    Cameras take the password before the host, in the query, or in a segment of the path
    (`/user=admin&password=...`), and people do not escape it. So the user part and the query are hidden as a whole, and
    so is every segment of the path that contains a `=`. Where the parts cannot be told apart, everything is hidden.
    """
    match = _URL.match(url)
    if not match:
        return url
    scheme, rest = match.groups()
    place, mark, query = re.match(r"([^?#]*)([?#]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr] # always
    if "@" in query:
        return f"{scheme}://{_HIDDEN}"
    _, at, place = place.rpartition("@")
    host, *segments = place.split("/")
    if "=" in host:
        host = _HIDDEN
    shown = "/".join([host, *(_HIDDEN if "=" in segment else segment for segment in segments)])
    return f"{scheme}://{_HIDDEN + at if at else ''}{shown}{mark}{_HIDDEN if query else ''}"
