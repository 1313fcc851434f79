"""The page's own TLS key and certificate: made on first use, kept in `storage.dir/page`, known by a fingerprint.

No authority signs it, so a browser asks its owner once, who compares the fingerprint with the one on the terminal.
"""

import hashlib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from node.page.page_files import PageFiles
from node.system.certificate import not_after

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import GeneralName

KEY_FILE, FILE = "tls.key", "tls.pem"
_VALID = timedelta(days=820)
"""Some browsers refuse a certificate that is valid for more than 825 days."""
_RENEW_BEFORE = timedelta(days=30)
_EARLIER = timedelta(days=1)
"""For clients whose clock is behind."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key on disk.

    Attributes:
        key_file: the private key, PEM.
        file: the certificate, PEM.
        fingerprint: SHA-256 of the certificate as browsers show it: `AB:CD:...`.
    """

    key_file: Path
    file: Path
    fingerprint: str


def ensure(files: PageFiles, names: Sequence[str], now: datetime) -> Certificate:
    """Return the certificate, which is made if there is none that is valid for a while. The key stays the same.

    Args:
        files: of the page.
        names: host names and addresses of the machine.
        now: UTC.

    Raises:
        OSError: a file cannot be read or written, or is damaged.
    """
    content = files.read(FILE)
    if content is None or files.read(KEY_FILE) is None or not _is_valid(files.path(FILE), now):
        content = _make(files, names, now)
    return Certificate(files.path(KEY_FILE), files.path(FILE), fingerprint(content))


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 fingerprint of a certificate in PEM."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.decode("ascii"))).hexdigest().upper()
    return ":".join(digest[start : start + 2] for start in range(0, len(digest), 2))


def _is_valid(file: Path, now: datetime) -> bool:
    """Return whether a certificate is valid for a while, and was not made while the clock was in the future."""
    ends = not_after(file)
    return ends is not None and _RENEW_BEFORE < ends - now <= _VALID


def _make(files: PageFiles, names: Sequence[str], now: datetime) -> bytes:
    """Write a certificate, and a key where there is none. Return the certificate."""
    # Only here: the library takes 16 MB, and a certificate is made once in two years.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    key = _key(files)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Facenode")])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectAlternativeName([_alternative_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    content = certificate.public_bytes(serialization.Encoding.PEM)
    files.write(FILE, content)
    return content


def _key(files: PageFiles) -> "EllipticCurvePrivateKey":
    """Return the key on disk; make one where there is none, or a damaged one."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    content = files.read(KEY_FILE)
    with suppress(ValueError, TypeError):
        known = None if content is None else serialization.load_pem_private_key(content, None)
        if isinstance(known, ec.EllipticCurvePrivateKey):
            return known
    key = ec.generate_private_key(ec.SECP256R1())
    none = serialization.NoEncryption()
    files.write(KEY_FILE, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, none))
    return key


def _alternative_name(name: str) -> "GeneralName":
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
