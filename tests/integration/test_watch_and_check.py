"""`facenode watch` and `facenode check` as processes, and brokers that refuse MQTT 5."""

import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mosquitto_broker import Mosquitto, Subscriber, eventually, free_port

from node.clock import SystemClock
from node.commands.demo.embedded_broker import EmbeddedBroker
from node.contract.message import Message
from node.contract.topics import Topics
from node.diagnostics.broker import broker_findings
from node.diagnostics.first_messages import first_messages
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Received, Report, Subscribed
from node.settings import MqttSettings, NodeSettings, Settings

ROOT = Path(__file__).resolve().parent.parent.parent
MESSAGES = first_messages(Topics("pi-1"), SystemClock().now())


class WatchProcess:
    """A `facenode watch` process."""

    def __init__(self, settings: MqttSettings, *arguments: str) -> None:
        command = (sys.executable, "-m", "node.cli", "watch", "--json", *arguments)
        environment = os.environ | {"FACENODE_MQTT__HOST": settings.host, "FACENODE_MQTT__PORT": str(settings.port)}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        self.first = self.process.stderr.readline()

    def lines(self, count: int) -> list[dict[str, object]]:
        """Wait for this many lines and return them."""
        assert self.process.stdout is not None
        return [json.loads(self.process.stdout.readline()) for _ in range(count)]

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit code and the remaining output."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=20)
        return self.process.returncode, out


@pytest.mark.broker
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_watch_prints_one_json_line_for_each_message_and_exits_with_0(
    mosquitto: Callable[..., Mosquitto], number: signal.Signals
) -> None:
    """Other programs can read it line by line, and a signal is no fault."""
    broker = mosquitto()
    watch = WatchProcess(broker.settings(), "--type", "unknown")
    assert "connected" in watch.first
    with closing(Subscriber(broker.settings())) as other:
        for topic in ("event/unknown", "event/left", "late/event/unknown"):
            other.publish(f"facenode/pi-1/{topic}", b'{"id":"%s"}' % topic.encode())
        assert watch.lines(2) == [
            {"topic": f"facenode/pi-1/{topic}", "payload": {"id": topic}}
            for topic in ("event/unknown", "late/event/unknown")
        ]
    assert watch.end(number) == (0, "")


@pytest.mark.broker
def test_a_durable_watcher_gets_what_it_missed(mosquitto: Callable[..., Mosquitto]) -> None:
    """The broker queues messages for the durable id while no watcher is connected."""
    broker = mosquitto()
    WatchProcess(broker.settings(), "--durable", "kitchen").end()
    with closing(Subscriber(broker.settings())) as other:
        other.publish("facenode/pi-1/event/left", b'{"id":"1"}')
        assert eventually(lambda: len(other.messages) == 1)
    watch = WatchProcess(broker.settings(), "--durable", "kitchen")
    with closing(Subscriber(broker.settings())) as other:
        other.publish("facenode/pi-1/event/left", b'{"id":"2"}')
        assert [line["payload"] for line in watch.lines(2)] == [{"id": "1"}, {"id": "2"}]
    assert watch.end() == (0, "")


def findings(mqtt: MqttSettings, node: str = "pi-1") -> list[tuple[str, bool]]:
    """Return the findings of the broker check."""
    settings = Settings(mqtt=mqtt, node=NodeSettings(id=node))
    return [(finding.name.removeprefix("broker: "), finding.ok) for finding in broker_findings(settings, MESSAGES)]


@pytest.mark.broker
def test_a_working_broker_passes_every_check(mosquitto: Callable[..., Mosquitto]) -> None:
    """Name, TCP, login, a message that comes back, the last will and the retained messages are all ok."""
    steps = ("name", "tcp", "login", "message", "will", "retained")
    assert findings(mosquitto().settings()) == [(step, True) for step in steps]


@pytest.mark.broker
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_strict_access_list_passes_the_check(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path, protocol: str
) -> None:
    """A node that may write its own topics and read only its requests is well set up; 3.1.1 cannot prove it."""
    acl = tmp_path / "acl"
    acl.write_text("topic write facenode/pi-1/#\ntopic read facenode/pi-1/request/#\n")
    broker = mosquitto("allow_anonymous true", f"acl_file {acl}")
    assert findings(broker.settings(protocol=protocol))[-3:] == [
        ("message", True),
        ("will", True),
        ("retained", protocol == "5"),
    ]


@pytest.mark.broker
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_an_access_list_for_another_node_is_found(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path, protocol: str
) -> None:
    """The broker grants the subscription and, over 3.1.1, acknowledges the publish: only receiving is proof."""
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite facenode/pi-2/#\n")
    broker = mosquitto("allow_anonymous true", f"acl_file {acl}")
    assert findings(broker.settings(protocol=protocol))[-3:] == [
        ("message", False),
        ("will", True),
        ("retained", False),
    ]


def test_the_first_step_that_fails_is_the_last() -> None:
    """Without TCP the login is not checked."""
    assert findings(MqttSettings(host="127.0.0.1", port=free_port())) == [("name", True), ("tcp", False)]
    assert findings(MqttSettings(host="no-such-host.invalid")) == [("name", False)]


def test_auto_falls_back_to_mqtt_3_1_1() -> None:
    """With `auto` a broker that refuses MQTT 5 is used with 3.1.1."""
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    with EmbeddedBroker() as broker:
        settings = MqttSettings(host="127.0.0.1", port=broker.port)
        with closing(connect(settings, Client("facenode-pi-1"), reports.put)) as link:
            assert link.protocol == "3.1.1"
            link.subscribe("a")
            mid = link.publish(Message("a", b"b"))
            got = {reports.get(timeout=5) for _ in range(3)}
    assert got == {Subscribed(1), Acknowledged(mid, 0), Received("a", b"b", retained=False)}
