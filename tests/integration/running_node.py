"""A running node as a process, and a client that sends it requests."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

from facenode_command import environment
from mosquitto_broker import Subscriber, eventually
from node_messages import events

TIMEOUT_S = 90.0
"""For whatever a process is waited for: a node starts in two seconds, or in half a minute on a busy machine."""


@contextmanager
def running_facenode(
    settings: Mapping[str, object],
    *arguments: str | Path,
    command: str = "run",
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[subprocess.Popen[str]]:
    """Run a node, or another long-running command, for as long as the context lasts.

    `environ` is added to the process's environment.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli", command, *map(str, arguments)],
        env={**environment(settings), **environ}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def file_contents(folder: Path) -> dict[Path, bytes]:
    """Return the contents of a folder's files, skipping files that a running node renames meanwhile."""
    found = {}
    for path in folder.rglob("*"):
        if not path.is_file():  # a folder or the node's socket
            continue
        with suppress(FileNotFoundError):
            found[path] = path.read_bytes()
    return found


class NodeClient:
    """A subscriber that also sends requests to a node."""

    def __init__(self, subscriber: Subscriber, node: str = "hall") -> None:
        self._subscriber = subscriber
        self._root = f"facenode/{node}"

    def send(self, verb: str, payload: bytes) -> None:
        """Send a raw request payload."""
        self._subscriber.publish(f"{self._root}/request/{verb}", payload)

    def request(self, verb: str, **fields: object) -> dict[str, Any]:
        """Send a request and return its response."""
        transaction = f"t{len(self._subscriber.messages)}"
        self.send(verb, json.dumps({"transaction": transaction, **fields}).encode())
        found: list[dict[str, Any]] = []

        def answered() -> bool:
            answers = map(json.loads, self._subscriber.on(f"{self._root}/response/{verb}"))
            found[:] = [answer for answer in answers if answer["transaction"] == transaction]
            return bool(found)

        assert eventually(answered, TIMEOUT_S)
        return found[0]

    def latest(self, topic: str) -> dict[str, Any]:
        """Return the latest state or health."""
        payloads = self._subscriber.on(f"{self._root}/{topic}")
        return dict(json.loads(payloads[-1])) if payloads else {}

    def events(self) -> list[dict[str, Any]]:
        """Return all events so far."""
        return events(self._subscriber.messages)

    def event_types(self) -> list[str]:
        """Return the types of all events so far."""
        return [event["event_type"] for event in self.events()]
