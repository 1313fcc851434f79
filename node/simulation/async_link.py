"""A target -> a link whose socket a selector drives: thousands of links in one thread.

paho reads and writes the packets, set up as in a real node. With a thread for each of thousands of nodes, the figures
would be those of this machine's scheduler.
"""

import contextlib
import selectors
import socket
import ssl
import struct
from collections.abc import Callable

from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.bounded_client import BoundedClient
from node.mqtt.link import Client, Report, Timeouts
from node.mqtt.paho_link import PahoLink
from node.simulation.dialer import Dialer, Target

_TIMEOUTS = Timeouts()
_LINGER_ZERO = struct.pack("ii", 1, 0)
"""Makes `close` send a TCP reset."""


class _Client(BoundedClient):
    """A paho client that uses a socket opened by its owner."""

    open_socket: socket.socket

    def _create_socket(self) -> socket.socket:
        return self.open_socket


class AsyncLink(PahoLink[_Client]):
    """One connection attempt, and the connection that results from it. Not thread-safe.

    Args:
        target: the address of the broker.
        client: who connects.
        protocol: the MQTT version, `5` or `3.1.1`.
        report: receives what comes, while `process_socket`, `check_timeouts` or `publish` runs.
        now_s: seconds of the monotonic clock.
        timeouts: how long the broker may take.
    """

    def __init__(  # noqa: PLR0913 - what a connection is made of
        self,
        target: Target,
        client: Client,
        protocol: str,
        report: Callable[[Report], None],
        *,
        now_s: float,
        timeouts: Timeouts = _TIMEOUTS,
    ) -> None:
        super().__init__(target.settings, client, report, protocol, _Client)
        self._deadline_s, self._answer_s = now_s + timeouts.connect_s, timeouts.answer_s
        self._dialer: Dialer | None = None
        self._socket: socket.socket | None = None
        try:
            self._dialer = Dialer(target)
        except OSError as error:
            self._fail(reason_codes.describe_error(error, target.settings.host, target.settings.port))

    @property
    def accepted(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._accepted

    @property
    def failure(self) -> BrokerError | None:
        """Why the attempt failed; None if it has not."""
        return self._refusal

    @property
    def ended(self) -> bool:
        """Whether the attempt failed or the connection has ended."""
        return self._ended or self._refusal is not None

    @property
    def fileno(self) -> int:
        """The file descriptor for the selector; -1 once it is closed."""
        if self._dialer is not None:
            return self._dialer.socket.fileno()
        return -1 if self._socket is None else self._socket.fileno()

    @property
    def selector_events(self) -> int:
        """The selector's events to wait for."""
        if self._dialer is not None:
            return self._dialer.selector_events
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._client.want_write() else 0)

    def process_socket(self, now_s: float) -> None:
        """Read and write as much as is possible without blocking."""
        if self._dialer is not None:
            self._continue_dialing(now_s)
            return
        try:
            self._client.loop_read()
            while isinstance(self._socket, ssl.SSLSocket) and not self.ended and self._socket.pending():
                self._client.loop_read()
            if self._client.want_write():
                self._client.loop_write()
        except Exception as error:  # noqa: BLE001 - whatever a broken packet makes paho raise
            self._end(f"the broker sent an invalid packet ({type(error).__name__}: {error})", 0)
        self._close_if_ended()

    def check_timeouts(self, now_s: float) -> None:
        """Enforce the deadline of the attempt, and MQTT's keep-alive."""
        if self._accepted:
            self._client.loop_misc()
            self._close_if_ended()
        elif not self.ended and now_s > self._deadline_s:
            detail = "no answer: check mqtt.host and mqtt.port" if self._dialer else "the broker does not answer"
            self._fail(f"{self._where}: {detail}")

    def close(self) -> None:
        """Disconnect."""
        if self._accepted and not self._ended:
            self._ended = True
            self._client.disconnect()
        self._release()

    def abort(self) -> None:
        """Reset the connection without an MQTT disconnect, as a cable that is pulled and plugged in again does."""
        self._ended = True
        open_socket = self._dialer.socket if self._dialer else self._socket
        if open_socket is not None:
            with contextlib.suppress(OSError):
                open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._release()

    def _continue_dialing(self, now_s: float) -> None:
        dialer = self._dialer
        if dialer is None:
            return
        try:
            if not dialer.advance():
                return
            self._client.open_socket = self._socket = dialer.socket
            self._dialer = None
            self._deadline_s = now_s + self._answer_s
            self._connect()
        except OSError as error:
            self._fail(reason_codes.describe_error(error, self._settings.host, self._settings.port))

    def _fail(self, sentence: str) -> None:
        if self._refusal is None:
            self._refusal = BrokerError(sentence)
        self._release()

    def _close_if_ended(self) -> None:
        if self.ended:
            self._release()

    def _release(self) -> None:
        """Close the sockets and drop everything that refers to this link."""
        self._ended = True
        self._clear_callbacks()
        for open_socket in (self._dialer.socket if self._dialer else None, self._socket):
            if open_socket is not None:
                open_socket.close()
        self._dialer = self._socket = None
