"""An address -> a connected TCP or TLS socket, without ever blocking."""

import errno
import os
import selectors
import socket
import ssl
from dataclasses import dataclass

from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.credentials import tls_context
from node.settings import MqttSettings

_IN_PROGRESS = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK})


@dataclass(frozen=True, slots=True)
class Target:
    """One address of a broker.

    Attributes:
        settings: the settings of this broker alone.
        family: the address family.
        address: the resolved address.
        context: the TLS context; None without TLS.
    """

    settings: MqttSettings
    family: int
    address: tuple[object, ...]
    context: ssl.SSLContext | None


def resolve_targets(settings: MqttSettings) -> tuple[Target, ...]:
    """Return every address of every broker, in the order in which a node tries them.

    Raises:
        BrokerError: a name does not resolve, or a certificate cannot be read.
    """
    targets = []
    for one in settings.each:
        context = tls_context(one.tls) if one.tls.enabled else None
        if context is not None:
            # The socket class of `tls_context` closes itself on a handshake that would block, as each does here.
            context.sslsocket_class = ssl.SSLSocket
        try:
            resolved = socket.getaddrinfo(one.host, one.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise BrokerError(reason_codes.describe_error(error, one.host, one.port)) from error
        except UnicodeError as error:
            raise BrokerError(f"{one.host}: not a valid host name: check mqtt.host") from error
        targets += [Target(one, int(family), tuple(address), context) for family, _, _, _, address in resolved]
    return tuple(targets)


class Dialer:
    """One attempt to connect to one address.

    Args:
        target: the address.

    Attributes:
        socket: the socket that is being connected; the caller closes it.
        selector_events: the selector's events to wait for.

    Raises:
        OSError: the attempt fails at once.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connected = False
        self.selector_events = selectors.EVENT_WRITE
        self.socket = socket.socket(target.family, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        code = self.socket.connect_ex(target.address)
        if code not in _IN_PROGRESS:
            self.socket.close()
            raise OSError(code, os.strerror(code))

    def advance(self) -> bool:
        """Continue as far as is possible without blocking; return whether the connection is complete.

        Raises:
            OSError: the attempt has failed.
        """
        if not self._connected:
            code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
            self._connected = True
            if self._target.context is not None:
                self.socket = self._target.context.wrap_socket(
                    self.socket, server_hostname=self._target.settings.host, do_handshake_on_connect=False
                )
        if isinstance(self.socket, ssl.SSLSocket):
            try:
                self.socket.do_handshake()
            except ssl.SSLWantReadError:
                self.selector_events = selectors.EVENT_READ
                return False
            except ssl.SSLWantWriteError:
                self.selector_events = selectors.EVENT_WRITE
                return False
        return True
