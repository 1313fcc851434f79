"""An address -> a TCP socket, with TLS where it is asked for, without ever waiting for it."""

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

_UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK})


@dataclass(frozen=True, slots=True)
class Target:
    """Where a broker is.

    Attributes:
        settings: of this broker alone.
        family: of the address.
        address: as the system resolved it.
        context: of TLS; None without.
    """

    settings: MqttSettings
    family: int
    address: tuple[object, ...]
    context: ssl.SSLContext | None


def targets(settings: MqttSettings) -> tuple[Target, ...]:
    """Return every address of every broker, in the order in which they are tried.

    Raises:
        BrokerError: a name does not resolve, or a certificate cannot be read.
    """
    found = []
    for one in settings.each:
        context = tls_context(one.tls) if one.tls.enabled else None
        if context is not None:
            # The one of `tls_context` closes itself on a handshake that has to wait, as here each has.
            context.sslsocket_class = ssl.SSLSocket
        try:
            resolved = socket.getaddrinfo(one.host, one.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise BrokerError(reason_codes.describe_error(error, one.host, one.port)) from error
        except UnicodeError as error:
            raise BrokerError(f"{one.host}: not a valid host name: check mqtt.host") from error
        found += [Target(one, int(family), tuple(address), context) for family, _, _, _, address in resolved]
    return tuple(found)


class Dial:
    """One attempt to reach one address.

    Args:
        target: where to.

    Attributes:
        socket: what is being connected; whoever made the attempt closes it.
        wants: the selector's events for which it waits.

    Raises:
        OSError: it fails at once.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._reached = False
        self.wants = selectors.EVENT_WRITE
        self.socket = socket.socket(target.family, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        code = self.socket.connect_ex(target.address)
        if code not in _UNDER_WAY:
            self.socket.close()
            raise OSError(code, os.strerror(code))

    def go_on(self) -> bool:
        """Go as far as can be gone without waiting; return whether that is the end.

        Raises:
            OSError: it has failed.
        """
        if not self._reached:
            code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, os.strerror(code))
            self._reached = True
            if self._target.context is not None:
                self.socket = self._target.context.wrap_socket(
                    self.socket, server_hostname=self._target.settings.host, do_handshake_on_connect=False
                )
        if isinstance(self.socket, ssl.SSLSocket):
            try:
                self.socket.do_handshake()
            except ssl.SSLWantReadError:
                self.wants = selectors.EVENT_READ
                return False
            except ssl.SSLWantWriteError:
                self.wants = selectors.EVENT_WRITE
                return False
        return True
