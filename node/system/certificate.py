"""A certificate file -> its expiry date. Reads only this field and verifies nothing."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from node.system.bounded_files import read_bounded

_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18
_LONG_FORM = 0x80
_MAX_BYTES = 8 << 20


def not_after(path: Path) -> datetime | None:
    """Return when the first certificate in a PEM file expires, in UTC; None if there is no certificate."""
    try:
        # Text around the certificate, such as a byte order mark, may be anything.
        text = read_bounded(path, _MAX_BYTES).decode("ascii", errors="replace")
        start = text.index(ssl.PEM_HEADER)
        end = text.index(ssl.PEM_FOOTER, start) + len(ssl.PEM_FOOTER)
        return _not_after(ssl.PEM_cert_to_DER_cert(text[start:end]))
    except (OSError, ValueError, LookupError):
        return None


def days_left(path: Path, now: datetime) -> int | None:
    """Return the whole days until a certificate expires; negative after that."""
    end = not_after(path)
    return None if end is None else (end - now).days


def _not_after(der: bytes) -> datetime:
    """Find the field (RFC 5280 section 4.1): Certificate > TBSCertificate > validity > notAfter."""
    _, certificate, _ = _element(der)
    _, fields, _ = _element(certificate)
    tag, _, rest = _element(fields)
    if tag == _VERSION:
        _, _, rest = _element(rest)  # the serial number
    _, _, rest = _element(rest)  # signature
    _, _, rest = _element(rest)  # issuer
    _, validity, _ = _element(rest)
    _, _, rest = _element(validity)  # notBefore
    tag, value, _ = _element(rest)
    # UTCTime has two digits for the year; 50 to 99 mean 1950 to 1999 (RFC 5280 section 4.1.2.5.1).
    pattern = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}[tag]
    return datetime.strptime(value.decode("ascii"), pattern).replace(tzinfo=UTC)


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Return the tag and the content of the first DER element, and the bytes after it."""
    tag, length, start = der[0], der[1], 2
    if length & _LONG_FORM:
        digits = length & 0x7F
        length, start = int.from_bytes(der[2 : 2 + digits], "big"), 2 + digits
    if len(der) < start + length:
        raise ValueError("cut short")
    return tag, der[start : start + length], der[start + length :]
