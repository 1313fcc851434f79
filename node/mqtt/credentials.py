"""Files named by the settings -> what a connection proves itself with, as it is on the disk now."""

import ssl

from node.errors import BrokerError
from node.settings import MqttSettings, TlsSettings

_MAX_PASSWORD_BYTES = 65535


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return a context of TLS 1.2 or later with the certificates as they are on the disk now.

    Raises:
        BrokerError: a file cannot be read or is not what it should be.
    """
    name = settings.ca_file
    try:
        context = ssl.create_default_context(cafile=name)
        context.sslsocket_class = _TidySocket
        # Python 3.13 refuses certificates without key identifiers, which most authorities made at home leave out.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        name = settings.cert_file
        if name is not None:
            # An empty password, so that a locked key is an error rather than a question on the terminal.
            context.load_cert_chain(name, settings.key_file, password="")
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        raise BrokerError(f"{name}: {reason}: name a readable certificate (PEM) that fits its key") from error
    return context


def password(settings: MqttSettings) -> str | None:
    """Return the password as it is on the disk now, without a line's end.

    Raises:
        BrokerError: the file cannot be read.
    """
    if settings.password_file is None:
        return None
    try:
        text = settings.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BrokerError(f"{settings.password_file}: cannot be read: {error}: put the password there") from error
    if len(text.encode()) > _MAX_PASSWORD_BYTES:
        raise BrokerError(f"{settings.password_file}: is longer than MQTT allows: put only the password there")
    return text


class _TidySocket(ssl.SSLSocket):
    """A TLS socket that is closed when its handshake fails: paho leaves that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature of ssl's
        """Shake hands."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise
