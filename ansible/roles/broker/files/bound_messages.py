#!/usr/bin/python3
"""A NATS server on this host -> bounds on what its cluster keeps for absent MQTT subscribers.

The servers create the stream `$MQTT_msgs` without bounds when the first MQTT client connects. This creates it before,
or changes it, so that the oldest messages are dropped beyond the bounds. The password comes from standard input. It
prints `changed` or `unchanged`, and needs nothing but Python.
"""

import argparse
import json
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any, BinaryIO

_STREAM = "$MQTT_msgs"
_INBOX = "_INBOX.streams.1"
_NOT_FOUND = 10059
_READY_S, _ANSWER_S, _PAUSE_S = 90.0, 10.0, 1.0
_DAY_NS = 86_400 * 10**9


class StreamError(Exception):
    """The server does not do what it is asked."""


class Server:
    """A connection to the server's JetStream interface.

    Args:
        address: where it listens.
        port: and its port.
        user: the user, whose `_INBOX.<user>.>` it may read.
        password: its password.
    """

    def __init__(self, address: str, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection((address, port), timeout=_ANSWER_S)
        self._stream: BinaryIO = self._socket.makefile("rb")
        self._stream.readline()  # INFO
        login = {"user": user, "pass": password, "verbose": False, "pedantic": False, "lang": "python", "version": "1"}
        self._send(f"CONNECT {json.dumps(login)}\r\nSUB {_INBOX} 1\r\n")

    def ask(self, verb: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request about the stream and return the answer."""
        payload = "" if body is None else json.dumps(body)
        self._send(f"PUB $JS.API.STREAM.{verb}.{_STREAM} {_INBOX} {len(payload)}\r\n{payload}\r\n")
        while line := self._stream.readline().decode():
            words = line.split()
            if words[0] == "PING":
                self._send("PONG\r\n")
            elif words[0] == "-ERR":
                raise StreamError(line.strip())
            elif words[0] == "MSG":
                content: dict[str, Any] = json.loads(self._stream.read(int(words[-1]) + 2))
                return content
        raise StreamError("the server closed the connection")

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
        self._socket.close()

    def _send(self, text: str) -> None:
        self._socket.sendall(text.encode())


def bound(server: Server, wanted: Mapping[str, Any]) -> bool:
    """Let the stream have these fields; return whether that changes it.

    Raises:
        StreamError: the server refuses.
    """
    found = server.ask("INFO")
    error = found.get("error")
    if error is not None and error.get("err_code") != _NOT_FOUND:
        raise StreamError(error["description"])
    if error is not None:
        new = {
            "name": _STREAM, "subjects": ["$MQTT.msgs.>"], "storage": "file", "retention": "interest",
            "num_replicas": 3, "discard": "old",
        }  # fmt: skip
        answer = server.ask("CREATE", {**new, **wanted})
    elif all(found["config"].get(name) == value for name, value in wanted.items()):
        return False
    else:
        answer = server.ask("UPDATE", {**found["config"], **wanted})
    if "error" in answer:
        raise StreamError(answer["error"]["description"])
    return True


def main() -> int:
    """Bound the stream; try again while the cluster is forming."""
    parser = argparse.ArgumentParser(description="bound what a NATS cluster keeps for absent MQTT subscribers")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", default="streams")
    parser.add_argument("--max-bytes", type=int, required=True)
    parser.add_argument("--max-message-bytes", type=int, required=True)
    parser.add_argument("--max-days", type=int, required=True)
    args = parser.parse_args()
    password = sys.stdin.read().strip()
    wanted = {
        "max_bytes": args.max_bytes, "max_msg_size": args.max_message_bytes, "max_age": args.max_days * _DAY_NS,
    }  # fmt: skip
    until_s = time.monotonic() + _READY_S
    while True:
        try:
            server = Server(args.address, args.port, args.user, password)
            try:
                print("changed" if bound(server, wanted) else "unchanged")
            finally:
                server.close()
        except (OSError, StreamError, ValueError) as error:
            if time.monotonic() > until_s:
                print(f"{args.address}:{args.port}: {_STREAM}: {error}", file=sys.stderr)
                return 1
            time.sleep(_PAUSE_S)
        else:
            return 0


if __name__ == "__main__":
    sys.exit(main())
