"""A node, `watch`, `fleet` and `gate` under messages that nobody should send: little memory, and events go on.

Each test prints its figures. The broker is a mosquitto without bounds of its own, or a hostile one.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from mosquitto_broker import Mosquitto, Subscriber, eventually
from process_figures import command_peak_mb, cpu_s, peak_mb, reset_peak
from raw_broker import SUBSCRIBE, Packet, RawBroker, normal_answer
from retained_fleet import health
from running_node import NodeClient, running_facenode

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

PROTOCOLS = ["5", "3.1.1"]
LARGE = b"x" * 100_000_000
MOST_MB = 30.0
TIMEOUT_S = 40.0
REQUEST, BIRTH = "facenode/hall/request/check", "homeassistant/status"
_WORST = 60_000

PrintLine = Callable[[str], None]


@pytest.fixture
def visits(tmp_path: Path, media_dir: Path) -> Path:
    """Return a folder of pictures in which somebody comes and goes all the time."""
    folder = tmp_path / "visits"
    folder.mkdir()
    portrait = cv2.imread(str(media_dir / "astronaut.jpg"))
    assert portrait is not None
    cv2.imwrite(str(tmp_path / "blank.png"), np.full_like(portrait, 127))
    blank = tmp_path / "blank.png"
    for number in range(4000):
        shown = media_dir / "astronaut.jpg" if number % 8 < 4 else blank
        (folder / f"{number:04}{shown.suffix}").symlink_to(shown)
    return folder


def settings_for(port: int, source: Path, storage: Path, protocol: str) -> dict[str, object]:
    """Return the settings of a node that sees somebody come and go."""
    return {
        "node.id": "hall", "camera.source": f"images:{source}", "camera.fps": 4, "events.leave_after_s": 0.3,
        "events.cool_down_s": 0, "events.unknown_votes": 2,
        "mqtt.host": "127.0.0.1", "mqtt.port": port, "mqtt.protocol": protocol, "storage.dir": storage,
    }  # fmt: skip


@contextmanager
def observed(broker: Mosquitto) -> Iterator[Subscriber]:
    """Return a subscriber to what a node publishes; it does not receive what the attacks send."""
    topics = [f"facenode/hall/{name}" for name in ("status", "health", "event/+", "late/event/+", "response/+")]
    with closing(Subscriber(broker.settings(), *topics)) as subscriber:
        yield subscriber


def publish_large(broker: Mosquitto, *topics: str, retain: bool) -> None:
    """Publish 100 MB to each topic."""
    with closing(Subscriber(broker.settings(), "none", client_id="attacker")) as attacker:
        for topic in topics:
            attacker.publish(topic, LARGE, retain=retain)
            assert eventually(lambda: attacker.acknowledged >= 1, 30)
            attacker.acknowledged = 0


def _publish_large_until(broker: Mosquitto, topics: Sequence[str], done: threading.Event) -> None:
    while not done.is_set():
        publish_large(broker, *topics, retain=False)


def sequence(subscriber: Subscriber) -> list[int]:
    """Return the numbers of all events so far."""
    return sorted({json.loads(each.payload)["seq"] for each in list(subscriber.messages) if "/event/" in each.topic})


def _without_gap(numbers: Sequence[int]) -> bool:
    return list(numbers) == list(range(numbers[0], numbers[-1] + 1))


def wait_for_events(subscriber: Subscriber, count: int = 2) -> None:
    """Wait for more events."""
    before = len(sequence(subscriber))
    assert eventually(lambda: len(sequence(subscriber)) >= before + count, TIMEOUT_S)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_publish_of_100_mb_takes_little_memory_and_stops_no_event(
    mosquitto: Callable[..., Mosquitto], visits: Path, tmp_path: Path, print_line: PrintLine, protocol: str
) -> None:
    """Live and retained, on a request's topic and on Home Assistant's: at most 30 MB above a quiet node."""
    broker = mosquitto()
    settings = settings_for(broker.port, visits, tmp_path / "s", protocol)
    with observed(broker) as subscriber:
        client = NodeClient(subscriber)
        with running_facenode(settings) as process:
            wait_for_events(subscriber)
            quiet = peak_mb(process.pid)
            reset_peak(process.pid)
            publish_large(broker, REQUEST, BIRTH, retain=False)
            wait_for_events(subscriber)
            live = peak_mb(process.pid)
        publish_large(broker, REQUEST, BIRTH, retain=True)
        with running_facenode(settings) as process:
            wait_for_events(subscriber, 4)
            assert process.poll() is None
            retained = peak_mb(process.pid)
            figures = f"quiet {quiet:.0f} MB, 100 MB live {live:.0f} MB, retained {retained:.0f} MB"
            print_line(f"MQTT {protocol}: peak of a node: {figures}")
            requests = "on" if protocol == "5" else "paused"
            assert eventually(lambda: client.latest("health").get("requests") == requests)
            # What the first process had not sent comes late, after the live events.
            assert eventually(lambda: _without_gap(sequence(subscriber)), TIMEOUT_S)
    assert max(live, retained) < quiet + MOST_MB


@pytest.mark.parametrize(
    ("name", "first"), [("unreleased QoS 2", 0x34), ("QoS 1 of 60 kB", 0x32)], ids=["qos2", "qos1"]
)
def test_a_hostile_broker_fills_no_memory(
    visits: Path, tmp_path: Path, print_line: PrintLine, name: str, first: int
) -> None:
    """600 MB of messages that are never released, or faster than they are read: at most 30 MB above a quiet node."""
    quiet_broker = RawBroker()
    with quiet_broker, running_facenode(settings_for(quiet_broker.port, visits, tmp_path / "q", "5")) as process:
        assert eventually(lambda: any("/event/" in topic for topic in quiet_broker.published()), TIMEOUT_S)
        quiet = peak_mb(process.pid)
    topic = REQUEST.encode()
    subscribed, sent = threading.Event(), [0]

    def answer(received: Packet) -> bytes | None:
        if received.kind == SUBSCRIBE:
            subscribed.set()
        return normal_answer(received)

    def attack(broker: RawBroker) -> None:
        while sent[0] < 10_000:
            mid = (sent[0] % 65_535 + 1).to_bytes(2, "big")
            body = len(topic).to_bytes(2, "big") + topic + mid + b"\0" + b"x" * _WORST
            try:
                broker.send(
                    bytes([first, len(body) & 0x7F | 0x80, len(body) >> 7 & 0x7F | 0x80, len(body) >> 14]) + body
                )
            except OSError:
                subscribed.clear()
                subscribed.wait(TIMEOUT_S)
            sent[0] += 1

    with (
        RawBroker(answer) as broker,
        running_facenode(settings_for(broker.port, visits, tmp_path / "s", "5")) as process,
    ):
        assert subscribed.wait(TIMEOUT_S)
        attacker = threading.Thread(target=attack, args=(broker,))
        attacker.start()
        assert eventually(lambda: any("/event/" in topic for topic in broker.published()), TIMEOUT_S)
        attacker.join(TIMEOUT_S)
        peak = peak_mb(process.pid)
        assert process.poll() is None
        sent[0] = 10_000
        subscribed.set()
        attacker.join()
    print_line(f"hostile broker, {name}: peak of a node: quiet {quiet:.0f} MB, attacked {peak:.0f} MB")
    assert peak < quiet + MOST_MB


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("retain", [False, True], ids=["live", "retained"])
def test_100_mb_in_another_nodes_name_takes_little_memory_of_the_commands(
    mosquitto: Callable[..., Mosquitto], print_line: PrintLine, protocol: str, *, retain: bool
) -> None:
    """`watch`, `fleet` and `gate` read the topics of all nodes: at most 30 MB above what they need without."""
    broker = mosquitto()
    settings = {"mqtt.host": broker.host, "mqtt.port": broker.port, "mqtt.protocol": protocol}
    commands = (("watch",), ("fleet",), ("gate", "--nodes", "pi-1", "--wait", "6"))
    with closing(Subscriber(broker.settings(), "none", client_id="node")) as node:
        node.publish("facenode/pi-1/status", b"online", retain=True)
        node.publish("facenode/pi-1/health", health(), retain=True)
        quiet = {command[0]: command_peak_mb(settings, *command, seconds=7)[0] for command in commands}
        topics = ("facenode/evil/health", "facenode/evil/event/unknown")
        if retain:
            publish_large(broker, *topics, retain=True)
        attacked = {}
        for command in commands:
            done = threading.Event()
            attacker = threading.Thread(target=_publish_large_until, args=(broker, topics, done))
            if not retain:
                attacker.start()
            attacked[command[0]], printed = command_peak_mb(settings, *command, seconds=7)
            done.set()
            if not retain:
                attacker.join()
            if protocol == "3.1.1" and retain:
                assert "evil" in printed, printed
                assert "100,000,0" in printed, printed
    figures = ", ".join(f"{name} {quiet[name]:.0f} -> {attacked[name]:.0f}" for name in quiet)
    print_line(f"MQTT {protocol}, 100 MB {'retained' if retain else 'live'}: peak in MB, quiet -> attacked: {figures}")
    assert all(attacked[name] < quiet[name] + MOST_MB for name in quiet)


def test_a_thousand_ignored_requests_a_second_take_next_to_no_processor_time(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path, print_line: PrintLine
) -> None:
    """The node leaves the topic: over 15 s, at most half a second more than in quiet.

    The camera is away, since looking at frames takes more than either figure; the last 5 s are for what still waits.
    """
    broker = mosquitto()
    away = {"camera.source": "video:http://127.0.0.1:9/camera.mjpg"}
    settings = settings_for(broker.port, portrait_folder, tmp_path / "s", "5") | away
    pause = threading.Event()
    with observed(broker) as subscriber, running_facenode(settings) as process:
        client = NodeClient(subscriber)
        assert eventually(lambda: bool(client.latest("health")), TIMEOUT_S)
        pause.wait(3)
        began_s = cpu_s(process.pid)
        pause.wait(15)
        quiet_s = cpu_s(process.pid) - began_s
        with closing(Subscriber(broker.settings(), "none", client_id="attacker")) as attacker:
            began_s, sent, flood_s = cpu_s(process.pid), 0, time.monotonic()
            while (elapsed_s := time.monotonic() - flood_s) < 10:
                while sent < 1000 * elapsed_s:
                    attacker.publish(REQUEST, b'{"transaction":"again"}')
                    sent += 1
                pause.wait(0.02)
            pause.wait(5)
            flooded_s = cpu_s(process.pid) - began_s
        print_line(f"processor time in 15 s: quiet {quiet_s:.2f} s, with {sent:,} ignored requests {flooded_s:.2f} s")
        assert eventually(lambda: client.latest("health").get("requests") == "paused")
    assert flooded_s < quiet_s + 0.5
