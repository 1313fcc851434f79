"""A Unix socket in the storage folder -> requests of this machine's own commands, and their answers.

One connection carries one request, a line of JSON with its `verb`, and one answer, a line of JSON as in
`response/<verb>`. Whoever may write to the socket may ask: its mode is 0600.

Each connection has a thread of its own, so that none waits for another, and a time in which its request must be
complete, however slowly it comes.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from node.requests.answer import Answer, failure
from node.requests.line_socket import receive_line
from node.requests.protocol import FILE, MAX_REQUEST_BYTES, VERSION, Timeouts
from node.requests.request import Request, parse
from node.system.plain_files import check_socket

MAX_CONNECTIONS = 16
"""Connections that are served at once; one more is answered with an error."""
_TRANSACTION = "local"

_log = logging.getLogger(__name__)


_TIMEOUTS = Timeouts()


class LocalSocket:
    """Take requests on threads of its own; nothing that arrives can raise.

    If the socket cannot be made, this is logged once and the node goes on without it.

    Args:
        folder: where the socket is made.
        put: puts a request and its answer on the node's queue; raises ValueError if it is full.
        timeouts: how long a connection may take.
    """

    def __init__(self, folder: Path, put: Callable[[Request, Answer], None], timeouts: Timeouts = _TIMEOUTS) -> None:
        self._path = folder / FILE
        self._put = put
        self._timeouts = timeouts
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="local socket", daemon=True)

    def open(self) -> None:
        """Begin to listen; replace a socket that a killed process left behind."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if check_socket(self._path):
                self._path.unlink()
            former = os.umask(0o177)
            try:
                listener.bind(str(self._path))
            finally:
                os.umask(former)
            listener.listen(MAX_CONNECTIONS)
        except OSError as error:
            listener.close()
            _log.warning(
                "local socket: %s: %s: facenode inbox and facenode people --event cannot reach this node",
                self._path, error.strerror or error,
            )  # fmt: skip
            return
        self._socket = listener
        self._thread.start()

    def close(self) -> None:
        """Stop listening and remove the socket; one that cannot be removed is replaced at the next start."""
        if self._socket is None:
            return
        listener, self._socket = self._socket, None
        # Closing alone leaves a thread in accept for ever.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self._thread.join(self._timeouts.receive_s)
        with suppress(OSError):
            self._path.unlink()

    def _serve(self) -> None:
        while (listener := self._socket) is not None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if not self._free.acquire(blocking=False):
                self._end(connection, failure(_TRANSACTION, "too many commands ask at once: try again"))
                continue
            thread = threading.Thread(target=self._serve_one, args=(connection,), name="local request", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system has no thread left
                self._free.release()
                self._end(connection, failure(_TRANSACTION, "the system has too many threads: try again"))

    def _serve_one(self, connection: socket.socket) -> None:
        try:
            self._end(connection, self._answer(connection))
        finally:
            self._free.release()

    def _end(self, connection: socket.socket, answer: bytes) -> None:
        """Send the answer and close the connection; whoever has gone away gets none."""
        with connection, suppress(OSError):
            connection.settimeout(self._timeouts.receive_s)  # for all of it
            connection.sendall(answer + b"\n")

    def _answer(self, connection: socket.socket) -> bytes:
        answers: list[bytes] = []
        answered = threading.Event()

        def reply(payload: bytes) -> None:
            answers.append(payload)
            answered.set()

        try:
            fields = _fields(receive_line(connection, MAX_REQUEST_BYTES, self._timeouts.receive_s))
            _check_version(fields)
            self._put(parse(str(fields.get("verb")), fields), Answer(_TRANSACTION, reply))
        except (OSError, ValueError) as error:
            return failure(_TRANSACTION, str(error))
        return (
            answers[0] if answered.wait(self._timeouts.answer_s) else failure(_TRANSACTION, "the node does not answer")
        )


def _fields(line: bytes) -> dict[str, Any]:
    """Return the fields of a request, which are not checked yet.

    Raises:
        ValueError: it is no JSON object.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ValueError('a request is a JSON object in one line, such as {"verb": "hello"}')  # noqa: TRY004 - bad input
    return fields


def _check_version(fields: dict[str, Any]) -> None:
    """Refuse a request of a newer version; one without a version is of the first.

    Raises:
        ValueError: it is newer, or its version is not a number.
    """
    given = fields.get("v", VERSION)
    if not isinstance(given, int) or given > VERSION:
        raise ValueError(f"v: this node speaks version {VERSION} of the local protocol: restart it after an update")
