"""Brokers that each lack one thing: what `facenode check` says of them is what becomes of the node."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from facenode_command import environment, facenode
from lacking_broker import LackingBroker, answer_subscriptions, forget_retained, refuse_will
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import settings_for

pytestmark = pytest.mark.broker
StartBroker = Callable[..., Mosquitto]

BASE = "facenode/hall"
DISCOVERY = "homeassistant/device/facenode/hall/config"
SILENT = "MQTT 3.1.1 does not report refused messages: run facenode check"


@dataclass(frozen=True)
class Lack:
    """What a broker lacks, and what becomes of it.

    Attributes:
        name: of the test.
        protocol: the MQTT version.
        fails: the findings that fail.
        check: what one of them says, as a pattern.
        run: what the log of a node says, as a pattern.
        delivers: whether events get through.
        lines: of mosquitto's configuration.
        denied: a topic that the access list denies.
        proxy: what a proxy in front of mosquitto takes away.
        unseen: whether the login cannot read what it writes. What a check published then stays: it cannot know whether
            it was there before. Beside a running node it publishes none of status, state and health.
    """

    name: str
    protocol: str
    fails: frozenset[str]
    check: str
    run: str
    delivers: bool = True
    lines: tuple[str, ...] = ()
    denied: str = ""
    proxy: Mapping[str, Callable[[bytes], bytes | None]] = field(default_factory=dict)
    unseen: bool = False


def both(  # noqa: PLR0913 - one argument for each column of the table
    name: str,
    fails: str,
    check: tuple[str, str],
    run: tuple[str, str],
    *,
    delivers: bool = True,
    lines: tuple[str, ...] = (),
    denied: str = "",
) -> tuple[Lack, Lack]:
    """Return the same lack over MQTT 5 and over 3.1.1."""
    given = {"delivers": delivers, "lines": lines, "denied": denied}
    five, three = (Lack(name, protocol, frozenset(fails.split()), check[index], run[index], **given)  # type: ignore[arg-type]
                   for index, protocol in enumerate(("5", "3.1.1")))  # fmt: skip
    return five, three


NOT_WITH_WILL = "accepts this login, but not with the node's last will: allow a retained last will"
LOGIN_OR_WILL = "facenode check finds out whether it is the login or the last will"
TOO_LARGE = r"bytes are more than the broker's maximum of 1500: raise its maximum packet size"
NOT_TAKEN = r"the broker does not take \d+ bytes: raise its maximum packet size"
NO_FIND = "Home Assistant does not find this node"
DENIED = "the broker does not allow it: check its access list"
UNDELIVERED = "acknowledged, but not delivered: check the broker's access list"
NOT_KEPT = "delivered, but not kept for later subscribers"
LESS = "grants a subscription with QoS 0 only, so requests may be lost"

LACKS = [
    *both(
        "no retained messages", "will", ("does not support retained messages", NOT_WITH_WILL),
        ("does not support retained messages", LOGIN_OR_WILL), delivers=False, lines=("retain_available false",),
    ),
    *both(
        "small packets", "discovery", (TOO_LARGE, NOT_TAKEN),
        (f"{TOO_LARGE}.*{NO_FIND}", f"{NOT_TAKEN}.*{NO_FIND}"), lines=("max_packet_size 1500",),
    ),
    *both(
        "QoS 0 only", "message will", ("does not support QoS 1", NOT_WITH_WILL),
        ("does not support QoS 1", LOGIN_OR_WILL), delivers=False, lines=("max_qos 0",),
    ),
    *both(
        "no discovery", "discovery", (f"{DISCOVERY}: {DENIED}", f"{DISCOVERY}: sent, but it did not come back"),
        (f"{DISCOVERY}: {DENIED}.*{NO_FIND}", SILENT), denied=DISCOVERY,
    ),
    *both(
        "no status", "retained", (f"{BASE}/status: {DENIED}", f"{BASE}/status: {UNDELIVERED}"),
        (f"{BASE}/status: {DENIED}", SILENT), denied=f"{BASE}/status",
    ),
    *both(
        "no state", "retained", (f"{BASE}/state: ", f"{BASE}/state: "),
        (f"{BASE}/state: {DENIED}", SILENT), denied=f"{BASE}/state",
    ),
    Lack("no last will", "5", frozenset({"will"}), NOT_WITH_WILL, LOGIN_OR_WILL, delivers=False,
         proxy={"refuse": refuse_will("5")}),
    Lack("no last will", "3.1.1", frozenset({"will"}), NOT_WITH_WILL, LOGIN_OR_WILL, delivers=False,
         proxy={"refuse": refuse_will("3.1.1")}),
    Lack("no subscriptions", "5", frozenset({"message", "discovery"}), f"{BASE}/request/#: {DENIED}",
         f"requests: refused: {BASE}/request/#: {DENIED}", proxy={"down": answer_subscriptions(0x87)}, unseen=True),
    Lack("no subscriptions", "3.1.1", frozenset({"message", "retained", "discovery"}),
         f"the subscription to {BASE}/request/#: the broker gave no reason", f"requests: refused: {BASE}/request/#",
         proxy={"down": answer_subscriptions(0x80)}, unseen=True),
    *(Lack("subscriptions with QoS 0", protocol, frozenset({"message", "discovery"}), LESS, LESS,
           proxy={"down": answer_subscriptions(0)}) for protocol in ("5", "3.1.1")),
    # A node cannot notice this: it has no way to read what the broker keeps.
    *(Lack("forgetful", protocol, frozenset({"retained", "discovery"}), NOT_KEPT, "connected, MQTT",
           proxy={"up": forget_retained}) for protocol in ("5", "3.1.1")),
]  # fmt: skip


class RunningNode:
    """A `facenode run` process whose log can be read while it runs."""

    def __init__(self, settings: Mapping[str, object], log: Path) -> None:
        self._log = log
        with log.open("w") as opened:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "node.cli", "run"], env=environment(settings), stderr=opened
            )

    def log(self) -> str:
        """Return the log so far."""
        return self._log.read_text()


@contextmanager
def running(settings: Mapping[str, object], log: Path) -> Iterator[RunningNode]:
    """Run a node for as long as the context lasts."""
    node = RunningNode(settings, log)
    try:
        yield node
    finally:
        node.process.kill()
        node.process.wait()


def failing(output: str) -> dict[str, str]:
    """Return the findings about the broker that fail, by name."""
    lines = re.findall(r"^FAIL broker: (\w+) +(.*)$", output, re.MULTILINE)
    return dict(lines)


def retained(broker: Mosquitto) -> dict[str, bytes]:
    """Return the node's retained messages at a broker."""
    with closing(Subscriber(broker.settings(), "#")) as subscriber:
        subscriber.publish("test/end", b"", qos=0)
        assert eventually(lambda: bool(subscriber.on("test/end")))
        return {message.topic: message.payload for message in list(subscriber.messages) if message.retained}


class Site:
    """A broker and the settings of a node there."""

    def __init__(self, broker: Mosquitto, settings: Mapping[str, object]) -> None:
        self.broker, self.settings = broker, settings

    def check(self) -> tuple[int, dict[str, str]]:
        """Return the exit code of a check, and the findings that fail."""
        result = facenode("check", settings=self.settings)
        assert not result.err
        return result.code, failing(result.out)

    def events(self) -> bool:
        """Return whether the broker has received an event."""
        return (
            re.search(rf"Received PUBLISH from facenode-hall .*'{BASE}/event/unknown'", self.broker.log()) is not None
        )


@pytest.fixture
def site(mosquitto: StartBroker, portrait_folder: Path, tmp_path: Path) -> Iterator[Callable[[Lack], Site]]:
    """Return a function that starts a broker that lacks something."""
    with ExitStack() as stack:

        def start(lack: Lack) -> Site:
            lines = ["allow_anonymous true", *lack.lines]
            if lack.denied:
                acl = tmp_path / "acl"
                acl.write_text(f"topic readwrite #\ntopic deny {lack.denied}\n")
                lines.append(f"acl_file {acl}")
            broker = mosquitto(*lines)
            settings = settings_for(broker, Path(), tmp_path / "storage") | {
                "camera.source": f"images:{portrait_folder}",
                "camera.fps": 5,
                "health.every_s": 5,
                "mqtt.protocol": lack.protocol,
            }
            if lack.proxy:
                proxy = stack.enter_context(LackingBroker(broker.port, **lack.proxy))  # type: ignore[arg-type]
                settings["mqtt.port"] = proxy.port
            return Site(broker, settings)

        yield start


@pytest.mark.parametrize("lack", LACKS, ids=lambda lack: f"{lack.name}, MQTT {lack.protocol}")
def test_check_fails_where_a_node_would_and_says_why(
    site: Callable[[Lack], Site], lack: Lack, tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """Before the node runs and beside it the check finds what the broker lacks; it disturbs and leaves nothing."""
    place = site(lack)
    code, before = place.check()
    assert code == 1
    assert set(before) == lack.fails
    assert any(re.search(lack.check, text) for text in before.values()), before
    assert lack.unseen or not retained(place.broker)
    with running(place.settings, tmp_path / "log") as node:
        assert eventually(lambda: bool(re.search(lack.run, node.log())), 30), node.log()
        assert eventually(place.events, 30) == lack.delivers if lack.delivers else not place.events()
        connected = node.log().count("broker: connected")
        online = retained(place.broker)
        assert set(place.check()[1]) == lack.fails - ({"retained"} if lack.unseen else set())
        assert node.log().count("broker: connected") == connected
        # What the node itself publishes anew does not count.
        now = retained(place.broker)
        assert {topic: now.get(topic) for topic in (f"{BASE}/status", DISCOVERY)} == {
            topic: online.get(topic) for topic in (f"{BASE}/status", DISCOVERY)
        }
        says = [line for line in node.log().splitlines() if re.search(lack.run, line)]
        assert len(says) <= 2, says
    print_line(f"{lack.name}, {lack.protocol}: check {code}, {'; '.join(before.values())}")
    print_line(f"  run: {says[0].split(' ', 2)[-1]}; events {'delivered' if lack.delivers else 'wait'}")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_check_passes_where_a_node_works(site: Callable[[Lack], Site], protocol: str, tmp_path: Path) -> None:
    """Before the node runs, beside it and after it everything is in order, and nothing has changed at the broker."""
    place = site(Lack("nothing", protocol, frozenset(), "", ""))
    assert place.check() == (0, {})
    assert not retained(place.broker)
    with running(place.settings, tmp_path / "log") as node:
        topics = {f"{BASE}/status", f"{BASE}/state", f"{BASE}/health", DISCOVERY}
        assert eventually(lambda: retained(place.broker).keys() == topics, 30), node.log()
        assert eventually(lambda: json.loads(retained(place.broker)[f"{BASE}/health"])["discovery"] == "on", 30), (
            node.log()
        )
        assert place.check() == (0, {})
        assert retained(place.broker)[f"{BASE}/status"] == b"online"
        assert node.log().count("broker: connected") == 1
        node.process.terminate()
        assert node.process.wait(20) == 0
    left = retained(place.broker)
    assert place.check() == (0, {})
    assert retained(place.broker) == left
    assert left[f"{BASE}/status"] == b"offline"


def test_health_says_that_the_discovery_is_too_large(site: Callable[[Lack], Site], tmp_path: Path) -> None:
    """Whoever watches a fleet sees it without the node's log."""
    place = site(Lack("small packets", "5", frozenset(), "", "", lines=("max_packet_size 1500",)))

    def discovery() -> object:
        return json.loads(retained(place.broker).get(f"{BASE}/health", b"{}")).get("discovery")

    with running(place.settings, tmp_path / "log") as node:
        assert eventually(lambda: discovery() == "too_large", 30), node.log()
