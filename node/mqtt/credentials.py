"""Certificate and password files -> a TLS context and a password, as the files are on disk now."""

import ssl

from node.errors import BrokerError
from node.settings import MqttSettings, TlsSettings
from node.system.bounded_files import check_bounded, read_bounded
from node.system.text import decoded

_MAX_PASSWORD_BYTES = 65535
_MAX_FILE_BYTES = 8 << 20
"""The certificates of all authorities that a system trusts take a quarter of a megabyte."""


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return a context for TLS 1.2 or later with the certificates that are on disk now.

    Raises:
        BrokerError: a file cannot be read, or is not a certificate or its key.
    """
    name = settings.ca_file
    try:
        for name in (settings.ca_file, settings.cert_file, settings.key_file):
            if name is not None:
                check_bounded(name, _MAX_FILE_BYTES)
        name = settings.ca_file
        context = ssl.create_default_context(cafile=name)
        context.sslsocket_class = _ClosingSocket
        # Python 3.13 refuses certificates without key identifiers, which most home-made authorities leave out.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        name = settings.cert_file
        if name is not None:
            # With an empty password an encrypted key is an error, not a prompt on the terminal.
            context.load_cert_chain(name, settings.key_file, password="")
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        raise BrokerError(f"{name}: {reason}: use a readable PEM certificate and the key that belongs to it") from error
    return context


def password(settings: MqttSettings) -> str | None:
    """Return the password that is on disk now, without the end of the line.

    Raises:
        BrokerError: the file cannot be read, or does not hold one line with a password.
    """
    name = settings.password_file
    if name is None:
        return None
    try:
        text = decoded(read_bounded(name, _MAX_FILE_BYTES)).rstrip("\r\n")
    except OSError as error:
        raise BrokerError(f"{name}: cannot be read: {error}: write the password to it") from error
    except ValueError as error:
        raise BrokerError(f"{name}: {error}, with the password alone in it") from error
    if not text.strip():
        raise BrokerError(f"{name}: the file is empty: write the password to it")
    if "\n" in text or "\r" in text:
        raise BrokerError(f"{name}: more than one line: the file must hold the password alone")
    if len(text.encode()) > _MAX_PASSWORD_BYTES:
        raise BrokerError(f"{name}: longer than MQTT allows: the file must hold the password alone")
    return text


class _ClosingSocket(ssl.SSLSocket):
    """A TLS socket that closes itself when its handshake fails; paho leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - ssl's signature
        """Do the handshake; close the socket if it fails."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise
