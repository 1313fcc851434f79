"""A certificate file -> when it expires. Only the one field is read; nothing is verified here."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18
_LONG_FORM = 0x80


def not_after(path: Path) -> datetime | None:
    """Return the end of the validity of the first certificate in a PEM file, UTC; None where there is none."""
    try:
        text = path.read_text(encoding="ascii")
        start = text.index(ssl.PEM_HEADER)
        end = text.index(ssl.PEM_FOOTER, start) + len(ssl.PEM_FOOTER)
        return _not_after(ssl.PEM_cert_to_DER_cert(text[start:end]))
    except (OSError, ValueError, LookupError):
        return None


def days_left(path: Path, now: datetime) -> int | None:
    """Return the whole days until a certificate expires; negative once it has."""
    end = not_after(path)
    return None if end is None else (end - now).days


def _not_after(der: bytes) -> datetime:
    """Walk to the field: RFC 5280 section 4.1, Certificate > TBSCertificate > validity > notAfter."""
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
    # UTCTime has two digits of a year, 50 to 99 of which are of the last century (RFC 5280 section 4.1.2.5.1).
    pattern = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}[tag]
    return datetime.strptime(value.decode("ascii"), pattern).replace(tzinfo=UTC)


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    """Return tag, content and what follows of the first DER element."""
    tag, length, start = der[0], der[1], 2
    if length & _LONG_FORM:
        digits = length & 0x7F
        length, start = int.from_bytes(der[2 : 2 + digits], "big"), 2 + digits
    if len(der) < start + length:
        raise ValueError("cut short")
    return tag, der[start : start + length], der[start + length :]
