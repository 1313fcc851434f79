"""A fleet's NATS servers and its mosquitto, with the role's configuration: the same questions about access to both."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from access_probe import AccessProbe
from facenode_command import facenode
from fleet_broker import FleetBroker
from intruder import Intruder
from mosquitto_broker import Subscriber, eventually
from nats_fleet import NatsFleet
from nats_root import nats_root

from node.contract.message import Message
from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client, Report

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]
PrintLine = Callable[[str], None]
MB = 1_000_000
LIMITS = {
    "node-2 connects with node-3's client id": "node-3 is thrown out",
    "app.security connects with node-3's client id": "node-3 is thrown out",
    "node-2 ends it by a clean start": "receives 0 of 10; the owner receives 0 of 10",
    "app.homeassistant connects with the id of a durable session": "receives 10 of 10; the owner receives 0 of 10",
    "app.homeassistant ends it by a clean start": "receives 0 of 10; the owner receives 0 of 10",
}
"""What is worse on NATS: whoever may log in can use the client id of somebody else."""

OWN_DISCOVERY = "node-2 reads homeassistant/device/facenode/node-2/config"
"""What a node may read on NATS alone: over MQTT 3.1.1, `facenode check` must see that it has arrived."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsFleet]:
    """Return the servers of a fleet."""
    with NatsFleet(nats_root(), tmp_path_factory.mktemp("nats") / "fleet") as made:
        yield made


def test_the_same_questions_have_the_same_answers(fleet: NatsFleet, tmp_path: Path, print_line: PrintLine) -> None:
    """Nobody reads or writes more on one kind of broker than on the other; each difference has a name."""
    folders = [tmp_path / name for name in ("mosquitto", "nats")]
    for folder in folders:
        folder.mkdir()
    broker = FleetBroker(tmp_path / "fleet")
    broker.mosquitto.start()
    try:
        wanted = AccessProbe(broker, folders[0]).answers()
    finally:
        broker.mosquitto.end()
    found = AccessProbe(fleet, folders[1]).answers()
    assert found.keys() == wanted.keys()
    differences = {question: _difference(question, wanted[question], found[question]) for question in wanted}
    for question, difference in differences.items():
        print_line(f"{question}: {wanted[question]}" + (f" | {found[question]} ({difference})" if difference else ""))
    counts = {name: list(differences.values()).count(name) for name in sorted(set(differences.values()))}
    print_line(f"{len(wanted)} questions: {counts}")
    assert not [question for question, difference in differences.items() if difference == "unexpected"]


def test_the_check_finds_what_a_login_may_not_write(fleet: NatsFleet) -> None:
    """Over MQTT 3.1.1 a denied message is acknowledged: only that it does not come back shows it."""
    login = fleet.node("node-2")
    settings = {
        "node.id": "node-3", "mqtt.host": login.host, "mqtt.port": login.port, "mqtt.tls.enabled": True,
        "mqtt.tls.ca_file": login.tls.ca_file, "mqtt.tls.cert_file": login.tls.cert_file,
        "mqtt.tls.key_file": login.tls.key_file,
    }  # fmt: skip
    denied = facenode("check", settings=settings, timeout_s=180)
    assert denied.code == 1
    assert "did not come back" in denied.out, denied.out
    own = facenode("check", settings=settings | {"node.id": "node-2"}, timeout_s=180)
    assert not [line for line in own.out.splitlines() if line.startswith("FAIL") and "broker" in line], own.out


def test_a_retired_node_is_thrown_out_and_forgotten(fleet: NatsFleet) -> None:
    """Changed accounts end its connection; its retained messages stay until `facenode forget` removes them."""
    with closing(Intruder(fleet.node("node-2"), "facenode-node-2")) as thief:
        assert thief.publish("facenode/node-2/status", b"online", retain=True) == 0
        fleet.retired.append("node-2")
        try:
            fleet.reload()
            assert eventually(lambda: thief.lost_at is not None, 30)
            assert eventually(lambda: not _logs_in(fleet), 30)
            with closing(Subscriber(fleet.account("app.security"), "facenode/+/status", client_id="later")) as later:
                assert eventually(lambda: later.on("facenode/node-2/status") == [b"online"], 20)
            with closing(Subscriber(fleet.account("app.fleet"), "facenode/x", client_id="forget")) as forget:
                forget.publish("facenode/node-2/status", b"", retain=True)
                assert eventually(lambda: forget.acknowledged == 1, 20)
        finally:
            fleet.retired.remove("node-2")
            fleet.reload()
        assert eventually(lambda: _logs_in(fleet), 30)


def test_a_change_of_accounts_keeps_everybody_connected_and_everything_retained(fleet: NatsFleet) -> None:
    """A server that applies accounts removes retained messages of users that it does not know: it knows all."""
    lost: list[Report] = []
    with (
        closing(Intruder(fleet.node("node-3"), "facenode-node-3")) as node,
        closing(connect(fleet.account("app.homeassistant"), Client("home"), lost.append)) as home,
    ):
        assert node.publish("facenode/node-3/status", b"online", retain=True) == 0
        home.publish(Message("homeassistant/status", b"online", retain=True))
        assert eventually(lambda: bool(lost), 20)
        fleet.retired.append("node-9")
        fleet.reload()
        eventually(lambda: False, 3)
        assert node.lost_at is None
        assert len(lost) == 1
        assert node.publish("facenode/node-3/health", b"{}") == 0
    for number in range(3):
        for topic, account in (("facenode/node-3/status", "app.fleet"), ("homeassistant/status", "app.home-2")):
            with closing(Subscriber(fleet.account(account, number), topic, client_id="later")) as later:
                assert eventually(lambda later=later, topic=topic: later.on(topic) == [b"online"], 20), (number, topic)  # type: ignore[misc]


def test_a_packet_beyond_the_limit_ends_the_connection_of_its_sender(fleet: NatsFleet, print_line: PrintLine) -> None:
    """The server drops it before it is read, and others go on. NATS 2.10, of Debian 13, would take it."""
    server = fleet.servers["hub-1", "nodes"]
    before = _peak_mb(server.pid)
    with closing(Intruder(fleet.node("node-2", 0), "facenode-node-2")) as card:
        assert card.publish("facenode/node-2/status", bytes(100 * MB), retain=True) is None
        assert card.lost_at is not None
    with closing(Intruder(fleet.node("node-3", 0), "facenode-node-3")) as node:
        began_s = time.monotonic()
        assert node.publish("facenode/node-3/event/unknown", b"{}") == 0
        took_s = time.monotonic() - began_s
    after = _peak_mb(server.pid)
    print_line(
        f"100 MB of a card: the server's peak {before:.0f} -> {after:.0f} MB; another's event took {took_s:.2f} s"
    )
    assert after < before + 20


def test_a_full_card_takes_no_more_memory_the_more_it_sends(fleet: NatsFleet, print_line: PrintLine) -> None:
    """A megabyte again and again on its own topic: Go's memory would grow by 1.8 MB with each."""
    server, messages = fleet.servers["hub-1", "nodes"], 400
    home = fleet.account("app.homeassistant")
    Subscriber(home, "facenode/+/status", client_id="home", keep_s=3600).close()
    with (
        closing(Subscriber(fleet.account("app.security"), "facenode/+/status", client_id="panel")),
        closing(Intruder(fleet.node("node-2", 0), "facenode-node-2")) as card,
    ):
        for _ in range(messages):
            assert card.publish("facenode/node-2/status", bytes(MB), retain=True) == 0
    connect(home, Client("home"), lambda _report: None).close()
    peak, limit = _peak_mb(server.pid), fleet.heap_bytes / MB
    print_line(f"{messages} MB of a card: the server's peak {peak:.0f} MB, its limit {limit:.0f} MB")
    assert peak < 2.5 * limit


def _difference(question: str, wanted: str, found: str) -> str:
    """Return the name of a difference between mosquitto's answer and that of NATS; empty if there is none."""
    if found == wanted:
        return ""
    if LIMITS.get(question) == found:
        return "client ids are free"
    if question == OWN_DISCOVERY:
        return "a node reads its own discovery"
    if found == wanted.replace("the sender is told", "acknowledged"):
        return "MQTT 3.1.1 cannot tell"
    refused = found == "refused; receives nothing" and " reads " in question
    return "a filter wider than allowed is refused" if refused else "unexpected"


def _logs_in(fleet: NatsFleet) -> bool:
    try:
        connect(fleet.node("node-2"), Client("facenode-node-2"), lambda _report: None).close()
    except BrokerError:
        return False
    return True


def _peak_mb(pid: int) -> float:
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / MB
