"""A test's certificate authority -> keys and certificates, valid or broken in the way the test asks for."""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_CONFIG = """
[ca]
default_ca = this
[this]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
default_md = sha256
default_crl_days = 30
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = empty
[empty]
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


class CertificateAuthority:
    """Sign certificates.

    Attributes:
        certificate: its own certificate, which verifies its signatures.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._config = folder / "openssl.cnf"
        self._config.write_text(_CONFIG.format(folder=folder))
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n")
        self.certificate = folder / "ca.crt"
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-keyout", str(folder / "ca.key"), "-out", str(self.certificate), "-subj", f"/CN={folder.name}",
            "-addext", "basicConstraints=critical,CA:TRUE",
        )  # fmt: skip

    def issue(self, name: str, host: str = "127.0.0.1", *, valid_from_d: int = -1, valid_until_d: int = 30) -> Identity:
        """Return a certificate for a name and a host address, valid between two days counted from now."""
        key, request, certificate = (self._folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", str(key), "-out", str(request), "-addext", f"subjectAltName=IP:{host}",
        )  # fmt: skip
        now = datetime.now(UTC)
        begins, ends = (f"{now + timedelta(days=days):%Y%m%d%H%M%SZ}" for days in (valid_from_d, valid_until_d))
        self._openssl(
            "ca", "-batch", "-notext", "-in", str(request), "-out", str(certificate),
            "-startdate", begins, "-enddate", ends,
        )  # fmt: skip
        return Identity(certificate, key)

    def revoke(self, identity: Identity) -> Path:
        """Revoke a certificate and return the certificate revocation list."""
        self._openssl("ca", "-revoke", str(identity.certificate))
        revoked = self._folder / "crl.pem"
        self._openssl("ca", "-gencrl", "-out", str(revoked))
        return revoked

    def _openssl(self, command: str, *arguments: str) -> None:
        result = subprocess.run(
            ("openssl", command, "-config", str(self._config), *arguments), capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
