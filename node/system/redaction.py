"""Text that may hold a secret -> the same text without it, by its shape: URLs, and values of settings."""

import re

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "tcp", "udp")
"""Schemes that the FFmpeg inside OpenCV can play from a network."""
HIDDEN = "***"

_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)(://)(.*)$", re.DOTALL)
# A path in place of a URL loses one of its two slashes (`Path("rtsp://camera")`); then only schemes that carry secrets
# count, since `images:/photos` is no URL. A password may contain spaces, which nothing else in a URL does.
_IN_TEXT = re.compile(
    r"(?:://|(?<![a-z0-9+.-])(?:rtsps?|rtmps?|https?|mqtts?|tcp|udp|tls|ssl|wss?|ftps?):/)/*+"
    r"(?:[^\s/@:]{0,256}:(?!\d{1,5}(?:[^\w@]|$))[^@\n]{0,256}@)?\S*",
    re.IGNORECASE,
)
_AFTER_A_URL = ":;,.'\")]"
# A name and a password without a host after them.
_NO_PORT = re.compile(r"^[^\[:]*:(?!\d{0,5}\W*$)")
_START = re.compile(r"[^/]*:/+")


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
    return f"{match[1]}://{_without_secrets(match[3])}" if match else url


def redact_within(text: str) -> str:
    """Return a text, such as an error or a line of the log, in which every URL is without its secrets."""
    return _IN_TEXT.sub(_redact_match, text) if ":/" in text else text


def printable(value: str) -> str:
    """Return the value of a setting without anything that could be a password; in doubt, nothing of it."""
    url = _IN_TEXT.search(value)
    start = url.start() if url else len(value)
    before, rest = value[:start], _redact_found(value[start:])
    return (HIDDEN if "@" in before or "=" in before else before) + rest


def _redact_match(found: re.Match[str]) -> str:
    url = found[0].rstrip(_AFTER_A_URL)
    return _redact_found(url) + found[0][len(url) :]


def _redact_found(url: str) -> str:
    start = _START.match(url)
    return start[0] + _without_secrets(url[start.end() :]) if start else url


def _without_secrets(rest: str) -> str:
    """Return what follows `scheme://` without its secrets."""
    place, mark, query = re.match(r"([^?#]*)([?#]?)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr] # always
    if "@" in query:
        return HIDDEN
    _, at, place = place.rpartition("@")
    host, *segments = place.split("/")
    if "=" in host or _NO_PORT.search(host):
        host = HIDDEN
    shown = "/".join([host, *(HIDDEN if "=" in segment else segment for segment in segments)])
    return f"{HIDDEN + at if at else ''}{shown}{mark}{HIDDEN if query else ''}"
