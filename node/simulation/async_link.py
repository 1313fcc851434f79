"""A target -> a link whose socket a selector drives: thousands of them in one thread.

Its packets are read and written by paho, set up as for the real node. A thread for each of thousands of nodes would
measure this machine's scheduler.
"""

import contextlib
import selectors
import socket
import ssl
import struct
from collections.abc import Callable

import paho.mqtt.client as paho

from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.link import Client, Report, Timeouts
from node.mqtt.paho_link import PahoLink
from node.simulation.dialer import Dial, Target

_TIMEOUTS = Timeouts()
_AT_ONCE = struct.pack("ii", 1, 0)


class _Client(paho.Client):
    """A paho client that is given its socket."""

    given: socket.socket

    def _create_socket(self) -> socket.socket:
        return self.given


class Wire(PahoLink[_Client]):
    """One attempt, and the connection that comes of it. Not thread-safe.

    Args:
        target: where to.
        client: who connects.
        protocol: the MQTT version, `5` or `3.1.1`.
        report: is given what comes, while `go_on`, `check` or `publish` runs.
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
        self._until_s, self._answer_s = now_s + timeouts.connect_s, timeouts.answer_s
        self._dial: Dial | None = None
        self._socket: socket.socket | None = None
        try:
            self._dial = Dial(target)
        except OSError as error:
            self._give_up(reason_codes.describe_error(error, target.settings.host, target.settings.port))

    @property
    def accepted(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._accepted

    @property
    def failure(self) -> BrokerError | None:
        """Why there is no connection, None as long as there may be one."""
        return self._refusal

    @property
    def over(self) -> bool:
        """Whether it has ended, or never was."""
        return self._ended or self._refusal is not None

    @property
    def fileno(self) -> int:
        """What the selector watches; -1 once it is closed."""
        if self._dial is not None:
            return self._dial.socket.fileno()
        return -1 if self._socket is None else self._socket.fileno()

    @property
    def wants(self) -> int:
        """The selector's events for which it waits."""
        if self._dial is not None:
            return self._dial.wants
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._client.want_write() else 0)

    def go_on(self, now_s: float) -> None:
        """Read and write what can be without waiting."""
        if self._dial is not None:
            self._knock(now_s)
            return
        try:
            self._client.loop_read()
            while isinstance(self._socket, ssl.SSLSocket) and not self.over and self._socket.pending():
                self._client.loop_read()
            if self._client.want_write():
                self._client.loop_write()
        except Exception as error:  # noqa: BLE001 - whatever a broken packet makes paho raise
            self._end(f"the broker sent an invalid packet ({type(error).__name__}: {error})", 0)
        self._tidy()

    def check(self, now_s: float) -> None:
        """Look after time: that of the attempt, and the keep-alive's."""
        if self._accepted:
            self._client.loop_misc()
            self._tidy()
        elif not self.over and now_s > self._until_s:
            words = "no answer: check mqtt.host and mqtt.port" if self._dial else "the broker does not answer"
            self._give_up(f"{self._where}: {words}")

    def close(self) -> None:
        """Take leave of the broker."""
        if self._accepted and not self._ended:
            self._ended = True
            self._client.disconnect()
        self._drop()

    def cut(self) -> None:
        """Break the connection off, as a cable that is pulled and plugged in again; nothing is said to the broker."""
        self._ended = True
        opened = self._dial.socket if self._dial else self._socket
        if opened is not None:
            with contextlib.suppress(OSError):
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._drop()

    def _knock(self, now_s: float) -> None:
        dial = self._dial
        if dial is None:
            return
        try:
            if not dial.go_on():
                return
            self._client.given = self._socket = dial.socket
            self._dial = None
            self._until_s = now_s + self._answer_s
            self._connect()
        except OSError as error:
            self._give_up(reason_codes.describe_error(error, self._settings.host, self._settings.port))

    def _give_up(self, sentence: str) -> None:
        if self._refusal is None:
            self._refusal = BrokerError(sentence)
        self._drop()

    def _tidy(self) -> None:
        """Close what has ended."""
        if self.over:
            self._drop()

    def _drop(self) -> None:
        self._ended = True
        self._clear_callbacks()
        for opened in (self._dial.socket if self._dial else None, self._socket):
            if opened is not None:
                opened.close()
        self._dial = self._socket = None
