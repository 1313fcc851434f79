"""A node with a scripted live camera, restarted in every way -> what a subscriber receives."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from facenode_command import ROOT, environment, facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import settings_for
from running_node import TIMEOUT_S, NodeClient

RULES = """
[[alerts.rules]]
id = "someone"
when = "loiter"
for_s = 0.1
nobody_enrolled = true

[[alerts.rules]]
id = "stranger"
when = "unknown"
nobody_enrolled = true

[[alerts.rules]]
id = "known"
when = "recognized"
"""


class WatchedDoor:
    """A node whose camera shows a picture, or an empty wall.

    Attributes:
        storage: the node's `storage.dir`.
        received: the subscriber.
        client: sends requests.
        log: everything that the node's processes wrote to stderr.
    """

    def __init__(self, broker: Mosquitto, folder: Path, received: Subscriber) -> None:
        self.storage, self.received, self.client = folder / "s", received, NodeClient(received)
        self._camera = folder / "camera"
        self._camera.mkdir()
        (self._camera / "mode").write_text("plays")
        self.rules = folder / "rules.toml"
        self.rules.write_text(RULES)
        self.log = folder / "log"
        self.settings = settings_for(broker, folder, self.storage) | {
            "camera.source": "picamera",
            "camera.width": 640,
            "camera.height": 480,
            "events.leave_after_s": 2,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._started = datetime.now(UTC)

    def enroll(self, person: str, photo: Path) -> None:
        """Enroll a person."""
        assert facenode("people", "add", person, photo, settings=self.settings).code == 0

    def show(self, photo: Path | None) -> None:
        """Show a picture; None: an empty wall."""
        picture = self._camera / "picture"
        if photo is None:
            picture.unlink(missing_ok=True)
        else:
            new = self._camera / "new"
            new.write_bytes(photo.read_bytes())
            new.replace(picture)

    def start(self) -> None:
        """Start the node, and wait until it is online."""
        births, self._started = self._births(), datetime.now(UTC)
        self._run("-m", "node.cli")
        assert eventually(lambda: self._births() > births, TIMEOUT_S), self.log.read_text()

    def start_killed(self, event_type: str) -> None:
        """Start the node, which is killed before it puts an event of this type into the outbox."""
        self._run(str(Path(__file__).with_name("killed_node.py")), event_type)
        assert self._process is not None
        assert self._process.wait(TIMEOUT_S) == -signal.SIGKILL, self.log.read_text()

    def _run(self, *program: str) -> None:
        path = ":".join(map(str, (ROOT / "tests/integration/fake_pi_packages", ROOT / "tests/unit", ROOT)))
        environ = {**environment(self.settings), "PYTHONPATH": path, "PI_CAMERA": str(self._camera)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *program, "run", "--config", str(self.rules)], env=environ, stderr=log
            )

    def end(self, number: int) -> None:
        """End the node by a signal."""
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(TIMEOUT_S)
        assert code == (-number if number == signal.SIGKILL else 0), self.log.read_text()

    def restart(self, way: str) -> None:
        """Restart the node by a request, or by a signal and another start."""
        if way == "request":
            births, self._started = self._births(), datetime.now(UTC)
            assert self.client.request("restart")["status"] == "ok"
            assert eventually(lambda: self._births() > births, TIMEOUT_S), self.log.read_text()
        else:
            self.end(signal.Signals[way])
            self.start()

    def close(self) -> None:
        """End the node, whatever it does."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def wait_until_found(self) -> bool:
        """Wait until the node of the latest start has decided who is in front of its camera."""

        def found() -> bool:
            faces = [visit["face"] for visit in self.kept().get("durations", {}).get("visits", [])]
            return any(face and datetime.fromisoformat(face["seen"]["wall"]) > self._started for face in faces)

        return eventually(found, TIMEOUT_S)

    def events(self) -> list[dict[str, Any]]:
        """Return all events so far; one that a killed process had sent but not noted as sent comes twice."""
        return self._once("/event/")

    def event_types(self) -> list[str]:
        """Return the types of all events so far."""
        return [event["event_type"] for event in self.events()]

    def alerts(self, rule: str) -> list[str]:
        """Return the states of all alerts of a rule so far."""
        return [alert["state"] for alert in self._once(f"/alert/{rule}")]

    def _once(self, part: str) -> list[dict[str, Any]]:
        payloads = [json.loads(message.payload) for message in self.received.messages if part in message.topic]
        return list({payload["id"]: payload for payload in payloads}.values())

    def kept(self) -> dict[str, Any]:
        """Return what is kept over restarts; empty without a file."""
        path = self.storage / "durations.json"
        return dict(json.loads(path.read_bytes())) if path.exists() else {}

    def _births(self) -> int:
        return self.received.on("facenode/hall/status").count(b"online")


@contextmanager
def watched_door(broker: Mosquitto, folder: Path) -> Iterator[WatchedDoor]:
    """Yield a door, whose node is not started yet, and end it."""
    with closing(Subscriber(broker.settings(), "facenode/#")) as received:
        door = WatchedDoor(broker, folder, received)
        try:
            yield door
        finally:
            door.close()
