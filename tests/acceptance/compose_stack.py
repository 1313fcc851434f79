"""docker-compose.yml on a Docker Engine -> its services, the events they show, and the deliveries."""

import json
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
from docker_engine import DockerEngine
from mosquitto_broker import eventually, free_port
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from process import run

ROOT = Path(__file__).resolve().parents[2]
_FILTERS = [("facenode/+/event/+", 1), ("facenode/+/late/#", 1)]
_EVENTS = ("recognized", "unknown", "changed", "left")
# The tests' engine has no bridge of its own, so images are built with the machine's network.
_SERVICES = ("broker", "watch", "node")
_OVERRIDE = "services: {" + ", ".join(f"{name}: {{build: {{network: host}}}}" for name in _SERVICES) + "}\n"


class ComposeStack:
    """The services of docker-compose.yml under a project name.

    Attributes:
        port: the broker's port on this machine.
    """

    def __init__(self, engine: DockerEngine, folder: Path, project: str = "facenode") -> None:
        override = folder / f"{project}.yml"
        override.write_text(_OVERRIDE)
        self._engine = engine
        self._folder = folder
        self._project = project
        self._command = (
            "docker", "compose", "--project-name", project,
            "--file", ROOT / "docker-compose.yml", "--file", override,
        )  # fmt: skip
        self.port = free_port()

    def compose(self, *arguments: str | Path, code: int = 0, **variables: str) -> str:
        """Run `docker compose` with additional variables; return its output."""
        environ = {**self._engine.environ, "FACENODE_BROKER_PORT": str(self.port), **variables}
        return run(*self._command, *arguments, environ=environ, code=code)

    def up(self, *profiles: str) -> None:
        """Start the services that are not running, and wait until they are healthy."""
        self.compose(*(f"--profile={name}" for name in profiles), "up", "--wait")

    def down(self) -> None:
        """Stop the services of all profiles and remove everything they created."""
        self.compose("--profile=*", "down", "--volumes", "--timeout", "10")

    def kill_broker(self) -> None:
        """Kill the broker as a power cut would, except for what the kernel has not yet written."""
        self._engine.docker("kill", "--signal", "KILL", f"{self._project}-broker-1")

    def password(self) -> str:
        """Return the password, as the README shows."""
        return self.compose("exec", "-T", "broker", "cat", "/login/password")

    def settings(self, node: str, source: str) -> dict[str, object]:
        """Return the settings of a node on this machine that uses the broker."""
        password_file = self._folder / f"{self._project}-password"
        password_file.write_text(self.password())
        return {
            "node.id": node,
            "camera.source": source,
            "mqtt.host": "127.0.0.1",
            "mqtt.port": self.port,
            "mqtt.username": "facenode",
            "mqtt.password_file": password_file,
            "storage.dir": self._folder / f"{self._project}-{node}",
        }

    def shown_events(self, node: str) -> list[tuple[str, str]]:
        """Return time and type of each event of a node that `watch` has shown, in order."""
        found = []
        for line in self.compose("logs", "--no-log-prefix", "watch").splitlines():
            # Compose clears the line even without a terminal.
            words = [word for word in line.replace("\x1b[2K", "").split() if word != "late"]
            if len(words) > 2 and words[1] == node and words[2] in _EVENTS:
                found.append((words[0], words[2]))
        return found


@dataclass(frozen=True, slots=True)
class StackDeliveries:
    """The delivery figures of a node's events.

    Attributes:
        sent: events that the node made.
        received: distinct events that a durable subscriber received.
        lost: events that it never received.
        repeated: arrivals of an event that had arrived before.
        shown: distinct events that `watch` showed.
        shown_again: events that `watch` showed again.
    """

    sent: int
    received: int
    lost: int
    repeated: int
    shown: int
    shown_again: int


def count_deliveries(sent: int, arrived: Iterable[dict[str, Any]], shown: Iterable[tuple[str, str]]) -> StackDeliveries:
    """Count the deliveries of the events numbered 1 to `sent`, and how many of them `watch` has shown."""
    numbers = Counter(event["seq"] for event in arrived)
    lines = Counter(shown)
    return StackDeliveries(
        sent=sent,
        received=len(numbers),
        lost=len(set(range(1, sent + 1)) - numbers.keys()),
        repeated=numbers.total() - len(numbers),
        shown=len(lines),
        shown_again=lines.total() - len(lines),
    )


class DurableSubscriber:
    """A durable subscriber that reconnects by itself and keeps every arrival, including repeated ones."""

    def __init__(self, stack: ComposeStack) -> None:
        self._arrived: list[tuple[str, dict[str, Any]]] = []
        self._here = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, "subscriber", protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=True
        )
        self._client.username_pw_set("facenode", stack.password())
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(
            [("facenode/+/event/+", 1), ("facenode/+/late/#", 1)]
        )
        self._client.on_subscribe = lambda *_: self._here.set()
        self._client.on_disconnect = lambda *_: self._here.clear()
        self._client.on_message = self._take
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho has no types here
        properties.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", stack.port, 10, clean_start=False, properties=properties)
        self._client.loop_start()
        assert self.wait_subscribed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def wait_subscribed(self) -> bool:
        """Wait until it is connected and subscribed; return whether it is."""
        return self._here.wait(30)

    def events_of(self, node: str) -> list[dict[str, Any]]:
        """Return the events of a node in order of arrival."""
        return [event for name, event in list(self._arrived) if name == node]

    def wait_for_events(self, node: str, number: int) -> bool:
        """Wait for this many distinct events of a node; return whether they have arrived."""
        return eventually(lambda: len({event["seq"] for event in self.events_of(node)}) >= number, 60)

    def _take(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        self._arrived.append((message.topic.split("/")[1], json.loads(message.payload)))
