"""A socket in the storage folder -> requests of this machine's own commands, and their answers.

One connection carries one request, a line of JSON with its `verb`, and one answer, a line of JSON as in
`response/<verb>`. Who may write the storage folder's socket may ask: its mode is 0600.
"""

import json
import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from node.errors import PeopleError
from node.requests.inbox import Request, failure, parse

FILE = "node.sock"
_MAX_BYTES = 4096
_HEAR_S, _ANSWER_S = 2.0, 60.0

_log = logging.getLogger(__name__)


class Desk:
    """Take requests on a thread of its own; nothing that comes in can raise.

    A socket that cannot be made is said once: the node goes on without a desk.

    Args:
        folder: where the socket is made.
        ask: puts a request on the node's queue; raises ValueError where it is full.
    """

    def __init__(self, folder: Path, ask: Callable[[Request], None]) -> None:
        self._path = folder / FILE
        self._ask = ask
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, name="desk", daemon=True)

    def open(self) -> None:
        """Begin to listen; a socket left by a killed process is replaced."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            former = os.umask(0o177)
            try:
                listener.bind(str(self._path))
            finally:
                os.umask(former)
            listener.listen(4)
        except OSError as error:
            listener.close()
            _log.warning("desk: %s: %s: facenode people --event cannot reach this node", self._path, error)
            return
        self._socket = listener
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and take the socket away."""
        if self._socket is None:
            return
        listener, self._socket = self._socket, None
        # Closing alone leaves a thread in accept for ever.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self._thread.join(_HEAR_S)
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while (listener := self._socket) is not None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                self._hear(connection)

    def _hear(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(_HEAR_S)
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
            asked = parse(str(fields["verb"]), "desk", fields)
            self._ask(replace(asked, reply=reply))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return failure("desk", str(error))
        return answers[0] if answered.wait(_ANSWER_S) else failure("desk", "the node does not answer")


def call(folder: Path, verb: str, **fields: object) -> Any:  # noqa: ANN401 - whatever the answer's data is
    """Ask the node that uses a storage folder, and return the data of its answer.

    Raises:
        PeopleError: no node runs there, or it answers with an error.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_S + _HEAR_S)
        try:
            connection.connect(str(folder / FILE))
            connection.sendall(json.dumps({"verb": verb, **fields}).encode() + b"\n")
            with connection.makefile("rb") as file:
                answer = json.loads(file.readline())
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
        connection.settimeout(_HEAR_S)
        try:
            connection.connect(str(folder / FILE))
        except OSError:
            return False
        return True
