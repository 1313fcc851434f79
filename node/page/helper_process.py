"""The page's own short-lived process -> answers about uploaded photos, and about people while no node runs.

The process loads what the page does not: OpenCV, the network, the gallery. It is started for the first question and
ended when nobody has asked for a while, or when it does not answer. Questions and answers are lines of JSON, as on the
node's local socket; files go along as descriptors.
"""

import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any, BinaryIO

from node.errors import PeopleError, Reason
from node.requests.line_socket import receive_line

MAX_LINE_BYTES = 24 << 20
"""Longest line: pictures of many faces."""
IDLE_S = 30.0
"""Seconds after which a process that nobody asks is ended."""
_WAIT_S = 120.0
_REASONS = frozenset(Reason)


class HelperProcess:
    """Ask the process, one question at a time; call it from any thread.

    Args:
        command: starts it; its socket is its standard input.
        idle_s: seconds after which it is ended.
        wait_s: seconds after which an answer is no longer awaited.
    """

    def __init__(self, command: Sequence[str], idle_s: float = IDLE_S, wait_s: float = _WAIT_S) -> None:
        self._command, self._idle_s, self._wait_s = tuple(command), idle_s, wait_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._asked_s = 0.0

    @property
    def pid(self) -> int | None:
        """The id of the process; None if none runs."""
        return self._process.pid if self._process else None

    def ask(self, verb: str, fields: dict[str, Any], files: tuple[BinaryIO, ...] = ()) -> Any:  # noqa: ANN401
        """Return the data of the answer.

        Args:
            verb: of the local socket, or one of the process's own.
            fields: of the verb.
            files: that it is about.

        Raises:
            PeopleError: it cannot be carried out, or the process has ended.
        """
        line = json.dumps({"verb": verb, **fields}).encode() + b"\n"
        with self._lock:
            try:
                answer = json.loads(self._exchange(line, files))
            except (OSError, ValueError) as error:
                self._end()
                raise PeopleError(
                    f"the page's own process has ended ({error}): see the log, free memory, and try again"
                ) from error
            self._asked_s = time.monotonic()
            threading.Thread(target=self._end_when_idle, name="helper", daemon=True).start()
        if answer.get("status") == "ok":
            return answer.get("data")
        reason = answer.get("reason")
        raise PeopleError(str(answer["error"]), Reason(reason) if reason in _REASONS else None, answer.get("about", {}))

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _exchange(self, line: bytes, files: Sequence[BinaryIO]) -> bytes:
        """Send a question and return the answer.

        Raises:
            OSError: the process does not start, has ended, or does not answer in time.
            ValueError: its answer is too long.
        """
        connection = self._started()
        connection.settimeout(self._wait_s)
        sent = socket.send_fds(connection, [line], [file.fileno() for file in files])
        connection.sendall(line[sent:])
        answer = receive_line(connection, MAX_LINE_BYTES, self._wait_s)
        if not answer:
            raise OSError("no answer")
        return answer

    def _started(self) -> socket.socket:
        if self._connection is not None and self._process is not None and self._process.poll() is None:
            return self._connection
        self._end()
        ours, theirs = socket.socketpair()
        with theirs:
            self._connection = ours
            self._process = subprocess.Popen(  # noqa: S603 - this program itself, and no shell reads it
                self._command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=_environment()
            )
        return ours

    def _end_when_idle(self) -> None:
        """End the process once nobody has asked for a while."""
        time.sleep(self._idle_s)
        with self._lock:
            if time.monotonic() - self._asked_s >= self._idle_s:
                self._end()

    def _end(self) -> None:
        connection, process = self._connection, self._process
        self._connection = self._process = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.wait()


def _environment() -> dict[str, str]:
    """Return the variables of the process: those of the page, without the sockets that systemd has handed to it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LISTEN_")}
