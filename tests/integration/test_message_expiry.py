"""What a node's messages carry over MQTT 5, and the age that subscribers read from it without trusting a clock."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from facenode_command import ROOT, environment
from mosquitto_broker import Mosquitto, Subscriber, eventually, free_port
from node_messages import load_settings, settings_for
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from running_node import TIMEOUT_S, NodeClient, running_facenode

from node.app import Node
from node.assembly import build_node
from node.camera.camera import Camera
from node.clock import SystemClock
from node.contract.message import Message, expiring
from node.domain import CameraState, Tick
from node.errors import PeopleError
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Report
from node.requests.local_client import call
from node.requests.verb import Verb

pytestmark = pytest.mark.broker
AWAY_S = float(os.environ.get("FACENODE_AWAY_S", "5"))
"""Seconds for which the subscribers are away: minutes show more, but nobody waits for them in every run."""
DAYS_WRONG = 3
EXPIRE_S = 2_592_000
EVENT = {"v": 1, "id": "1", "seq": 1, "event_type": "unknown", "at": "2026-11-24T18:00:58.621Z"}


class PlainSubscriber:
    """A paho client as others write one: it shows the messages with all their properties.

    Attributes:
        messages: what came.
    """

    def __init__(self, broker: Mosquitto, topic: str, protocol: MQTTProtocolVersion) -> None:
        self.messages: list[paho.MQTTMessage] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "plain", protocol=protocol)
        self._client.on_message = lambda _client, _data, message: self.messages.append(message)
        granted: list[bool] = []
        self._client.on_subscribe = lambda *_: granted.append(True)
        self._client.connect(broker.host, broker.port)
        self._client.loop_start()
        self._client.subscribe(topic, 1)
        assert eventually(lambda: bool(granted))

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()


def said(message: paho.MQTTMessage) -> dict[str, Any]:
    """Return the properties of a message by name; user properties by their own."""
    fields = dict(message.properties.json()) if message.properties is not None else {}  # type: ignore[no-untyped-call]
    return fields | dict(fields.pop("UserProperty", ()))


def test_live_messages_say_when_they_expire_and_what_they_are(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path, media_dir: Path
) -> None:
    """Events, alerts and pictures expire; nothing retained does. A picture says when and of which event it is."""
    broker = mosquitto()
    rules = tmp_path / "facenode.toml"
    rules.write_text('[[alerts.rules]]\nid = "door"\nwhen = "unknown"\nnobody_enrolled = true\n')
    given = settings_for(broker, media_dir / "carphone.mp4", tmp_path / "s") | {"publish.snapshots": "face"}
    with closing(PlainSubscriber(broker, "#", MQTTProtocolVersion.MQTTv5)) as plain:
        with running_facenode(given, "--config", rules) as process:
            assert process.wait(TIMEOUT_S * 4) == 0
        came = {message.topic: message for message in plain.messages}
    events = [message for message in plain.messages if "/event/" in message.topic]
    alerts = [message for message in plain.messages if "/alert/" in message.topic]
    pictures = [message for message in plain.messages if "/snapshot/" in message.topic]
    assert events
    assert alerts
    assert pictures
    expected = {"MessageExpiryInterval": EXPIRE_S, "expire_s": str(EXPIRE_S)}
    for message in (*events, *alerts):
        assert said(message) == expected | {"ContentType": "application/json"}
    by_id = {json.loads(message.payload)["id"]: json.loads(message.payload) for message in events}
    for picture in pictures:
        event = by_id[picture.topic.rpartition("/")[2]]
        assert said(picture) == expected | {"ContentType": "image/jpeg", "event": event["id"], "at": event["at"]}
    for name in ("status", "state", "health"):
        assert said(came[f"facenode/hall/{name}"]) == {}
    assert said(came["homeassistant/device/facenode/hall/config"]) == {}


def portraits(folder: Path, media_dir: Path, count: int) -> Path:
    """Return a folder that shows one person for so many frames."""
    made = folder / "portraits"
    made.mkdir()
    for number in range(count):
        (made / f"{number:04}.jpg").symlink_to(media_dir / "astronaut.jpg")
    return made


def waiting(folder: Path) -> int:
    """Return how many messages of a running node wait for the broker."""
    try:
        answer = call(folder, Verb.CHECK)
    except PeopleError:  # it only starts
        return 0
    return int(dict(answer)["outbox"])


def test_late_messages_never_expire(mosquitto: Callable[..., Mosquitto], tmp_path: Path, media_dir: Path) -> None:
    """What waited in the outbox is for logs, whenever they are read."""
    broker = mosquitto()
    given = settings_for(broker, media_dir, tmp_path / "s")
    away = given | {"mqtt.port": free_port(), "camera.source": f"images:{portraits(tmp_path, media_dir, 4000)}"}
    with running_facenode(away) as process:
        assert eventually(lambda: waiting(tmp_path / "s") > 0, TIMEOUT_S * 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    with closing(PlainSubscriber(broker, "facenode/hall/late/#", MQTTProtocolVersion.MQTTv5)) as plain:
        with running_facenode(given | {"camera.source": f"images:{media_dir / 'grace_hopper.jpg'}"}) as process:
            assert process.wait(TIMEOUT_S * 2) == 0
        assert plain.messages
        assert [said(message) for message in plain.messages] == [{"ContentType": "application/json"}] * len(
            plain.messages
        )


def test_a_node_that_speaks_3_1_1_says_nothing_of_it(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path, media_dir: Path
) -> None:
    """The version has no properties; the messages are the same, and `at` is all that tells their age."""
    broker = mosquitto()
    given = settings_for(broker, media_dir / "carphone.mp4", tmp_path / "s") | {"mqtt.protocol": "3.1.1"}
    with closing(PlainSubscriber(broker, "facenode/hall/#", MQTTProtocolVersion.MQTTv5)) as plain:
        with running_facenode(given) as process:
            assert process.wait(TIMEOUT_S * 2) == 0
        events = [message for message in plain.messages if "/event/" in message.topic]
        assert events
        assert all(said(message) == {} for message in plain.messages)
        assert all("at" in json.loads(message.payload) for message in events)


@pytest.fixture(scope="module")
def wrong_clock(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Return the environment in which a program's wall clock is three days ahead."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("a wrong clock is a small library: apt install gcc")
    library = tmp_path_factory.mktemp("clock") / "wrong_clock.so"
    source = Path(__file__).with_name("wrong_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"], check=True)
    ahead = {"LD_PRELOAD": str(library), "CLOCK_AHEAD_S": str(DAYS_WRONG * 86_400)}
    shown = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"], env={**os.environ, **ahead}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert float(shown.stdout) == pytest.approx(time.time() + DAYS_WRONG * 86_400, abs=60)
    return ahead


@contextmanager
def watching(broker: Mosquitto, environ: Mapping[str, str], *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a durable watcher whose connection is made."""
    given = {"mqtt.host": broker.host, "mqtt.port": broker.port}
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli", "watch", "--durable", "kitchen", *arguments],
        cwd=ROOT, env={**environment(given), **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert "connected" in process.stderr.readline()
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def seconds(line: str) -> int:
    """Return the duration in `waited 2 min 1 s at the broker`."""
    words = re.search(r"waited (.+) at the broker", line)
    assert words is not None, line
    sizes = {"d": 86_400, "h": 3600, "min": 60, "s": 1}
    return sum(int(number) * sizes[unit] for number, unit in re.findall(r"(\d+) (\w+)", words[1]))


@pytest.mark.timeout(900)
def test_a_subscriber_that_was_away_reads_how_long_a_message_waited(
    mosquitto: Callable[..., Mosquitto], wrong_clock: Mapping[str, str], print_line: Callable[[str], None]
) -> None:
    """Within a second of the truth, although its clock is three days wrong: the broker counts, not the subscriber.

    The message is at the broker from before its acknowledgement until between the start of the watcher and the line
    that it prints. The broker counts in whole seconds, hence the tolerance of one.
    """
    broker = mosquitto()
    with watching(broker, wrong_clock):
        pass
    reports: list[Report] = []
    with closing(connect(broker.settings(), Client("hall"), reports.append)) as link:
        sent_s = time.monotonic()
        link.publish(expiring(Message("facenode/hall/event/unknown", json.dumps(EVENT).encode()), EXPIRE_S))
        assert eventually(lambda: any(isinstance(report, Acknowledged) for report in reports))
        kept_s = time.monotonic()
    time.sleep(AWAY_S)
    least_s = time.monotonic() - kept_s
    with watching(broker, wrong_clock) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        most_s = time.monotonic() - sent_s
    print_line(f"printed: {line.strip()!r}; the truth: {least_s:.2f} to {most_s:.2f} s")
    assert least_s - 1 <= seconds(line) <= most_s + 1


def test_the_lines_in_the_document_read_the_same(mosquitto: Callable[..., Mosquitto]) -> None:
    """Whoever writes a subscriber of their own needs five lines, and they work as they stand."""
    page = (ROOT / "docs/topics.md").read_text(encoding="utf-8")
    section = page.partition("## How long a message waited")[2].partition("\n## ")[0]
    code = section.partition("```python\n")[2].partition("```")[0]
    assert 0 < len(code.strip().splitlines()) <= 5
    spoken: dict[str, Any] = {}
    exec(code, spoken)  # noqa: S102 - the document's own lines
    broker = mosquitto()
    with closing(PlainSubscriber(broker, "facenode/#", MQTTProtocolVersion.MQTTv5)) as plain:
        with closing(connect(broker.settings(), Client("hall"), lambda _report: None)) as link:
            link.publish(expiring(Message("facenode/hall/event/unknown", b"{}"), EXPIRE_S))
            assert eventually(lambda: len(plain.messages) == 1)
        assert spoken["waited_s"](plain.messages[0]) in (0, 1)


class HeldCamera(Camera):
    """A camera without frames, whose ticks a test holds back, as a machine does that has too much to do."""

    name, live, problem, state = "held", True, None, CameraState.OK

    def __init__(self) -> None:
        self._clock, self._closed, self._free = SystemClock(), threading.Event(), threading.Event()
        self._free.set()

    def __iter__(self) -> Iterator[Tick]:
        while not self._closed.wait(0.05):
            self._free.wait(TIMEOUT_S)
            yield Tick(self._clock.now(), None)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Give no tick meanwhile."""
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def close(self) -> None:
        """End the iteration."""
        self._closed.set()


@contextmanager
def running(node: Node) -> Iterator[None]:
    """Run a node for as long as the context lasts."""
    thread = threading.Thread(target=node.run)
    thread.start()
    try:
        yield
    finally:
        node.stop()
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


def test_a_request_that_expired_is_answered_and_not_carried_out(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path, media_dir: Path
) -> None:
    """One that comes after it, and expires later, is."""
    broker, camera = mosquitto(), HeldCamera()
    node = build_node(load_settings(settings_for(broker, media_dir, tmp_path / "s")), camera)
    with (
        closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber,
        closing(connect(broker.settings(), Client("asker"), lambda _report: None)) as link,
    ):

        def send(transaction: str, state: str, expire_s: int) -> None:
            payload = json.dumps({"transaction": transaction, "state": state}).encode()
            link.publish(expiring(Message("facenode/hall/request/recognition", payload), expire_s))

        def answers() -> dict[str, dict[str, Any]]:
            found = map(json.loads, subscriber.on("facenode/hall/response/recognition"))
            return {answer["transaction"]: answer for answer in found}

        with running(node):
            assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"online"], TIMEOUT_S)
            assert NodeClient(subscriber).request("recognition", state="on")["status"] == "ok"
            with camera.held():
                send("old", "off", 1)
                send("new", "on", 3600)
                send("wrong", "sideways", 3600)  # answered at once, so the node has those before it
                assert eventually(lambda: "wrong" in answers(), TIMEOUT_S)
                time.sleep(2)
            assert eventually(lambda: "new" in answers(), TIMEOUT_S)
        assert answers()["new"]["status"] == "ok"
        assert answers()["old"]["status"] == "error"
        assert "expired" in answers()["old"]["error"]
        states = [json.loads(payload)["recognition"] for payload in subscriber.on("facenode/hall/state")]
    assert set(states) == {"on"}
