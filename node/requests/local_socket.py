"""A Unix socket in the storage folder -> requests of this machine's own commands, and their answers.

One connection carries one request, a line of JSON with its `verb`, and one answer, a line of JSON as in
`response/<verb>`. Whoever may write to the socket may ask: its mode is 0600.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from node.errors import PeopleError
from node.requests.answer import Answer, failure
from node.requests.request import Request, parse
from node.system.files import WrongKindError, check_socket

FILE = "node.sock"
_MAX_BYTES = 4096
_RECEIVE_S, _ANSWER_S = 2.0, 60.0
_TRANSACTION = "local"

_log = logging.getLogger(__name__)


class LocalSocket:
    """Take requests on a thread of its own; nothing that arrives can raise.

    If the socket cannot be made, this is logged once and the node goes on without it.

    Args:
        folder: where the socket is made.
        put: puts a request and its answer on the node's queue; raises ValueError if it is full.
    """

    def __init__(self, folder: Path, put: Callable[[Request, Answer], None]) -> None:
        self._path = folder / FILE
        self._put = put
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
            listener.listen(4)
        except OSError as error:
            listener.close()
            _log.warning(
                "local socket: %s: %s: facenode people --event cannot reach this node",
                self._path, error.strerror or error,
            )  # fmt: skip
            return
        self._socket = listener
        self._thread.start()

    def close(self) -> None:
        """Stop listening and remove the socket."""
        if self._socket is None:
            return
        listener, self._socket = self._socket, None
        # Closing alone leaves a thread in accept for ever.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self._thread.join(_RECEIVE_S)
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while (listener := self._socket) is not None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                self._serve_one(connection)

    def _serve_one(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(_RECEIVE_S)
            with connection.makefile("rb") as file:
                line = file.readline(_MAX_BYTES)
            connection.sendall(self._answer(line) + b"\n")
        except OSError:
            return

    def _answer(self, line: bytes) -> bytes:
        answers: list[bytes] = []
        answered = threading.Event()

        def reply(payload: bytes) -> None:
            answers.append(payload)
            answered.set()

        try:
            fields = json.loads(line)
            self._put(parse(str(fields["verb"]), fields), Answer(_TRANSACTION, reply))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return failure(_TRANSACTION, str(error))
        return answers[0] if answered.wait(_ANSWER_S) else failure(_TRANSACTION, "the node does not answer")


def call(folder: Path, verb: str, **fields: object) -> Any:  # noqa: ANN401 - whatever the answer's data is
    """Ask the node that uses a storage folder, and return the data of its answer.

    Raises:
        PeopleError: no node runs there, or it answers with an error.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_S + _RECEIVE_S)
        try:
            check_socket(folder / FILE)
            connection.connect(str(folder / FILE))
            connection.sendall(json.dumps({"verb": verb, **fields}).encode() + b"\n")
            with connection.makefile("rb") as file:
                answer = json.loads(file.readline())
        except WrongKindError as error:
            raise PeopleError(str(error)) from error
        except (OSError, ValueError) as error:
            raise PeopleError(
                f"no node answers at {folder / FILE} ({error}): start it, or correct storage.dir"
            ) from error
    if answer["status"] != "ok":
        raise PeopleError(answer["error"])
    return answer.get("data")


def running(folder: Path) -> bool:
    """Return whether a node uses a storage folder."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_RECEIVE_S)
        try:
            if not check_socket(folder / FILE):
                return False
            connection.connect(str(folder / FILE))
        except OSError:
            return False
        return True
