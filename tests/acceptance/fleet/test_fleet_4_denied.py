"""Access rights at the broker: a stolen node key, a foreign client and an account get only what they may."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from broken_connection import die
from certificate_authority import CertificateAuthority
from controller import DENIED, KIND, Controller
from intruder import Intruder
from mosquitto_broker import Subscriber, eventually

from node.contract.message import Message
from node.errors import BrokerError
from node.mqtt import subscriber
from node.mqtt.connect import connect
from node.mqtt.link import Client, Received, Report

pytestmark = pytest.mark.timeout(3600)
PrintLine = Callable[[str], None]
_LOG = "/var/log/mosquitto/mosquitto.log"
_NO_SUBSCRIBERS = 0x10
_THIEF = "facenode-node-3" if KIND == "mosquitto" else "facenode-node-2"
"""The client id of the thief, for which mosquitto takes the name in the certificate."""
_free_client_ids = pytest.mark.skipif(
    KIND == "nats", reason="on NATS a client id is free; test_real_nats_access.py says what follows"
)


@pytest.fixture
def thief(fleet: Controller, tmp_path: Path) -> Iterator[Intruder]:
    """Return a client with the stolen key of node-2, whose own service is stopped meanwhile."""
    host = fleet.hosts["node-2"]
    fleet.hosts.ssh(host, "systemctl stop facenode")
    try:
        with closing(Intruder(fleet.stolen_settings(host, tmp_path / "stolen"), _THIEF)) as intruder:
            yield intruder
    finally:
        fleet.hosts.ssh(host, "systemctl start facenode")


@pytest.fixture
def observer(fleet: Controller) -> Iterator[Subscriber]:
    """Return a subscriber of all topics with an account that may read them."""
    with closing(fleet.subscribe("app.observer", "facenode/#", "homeassistant/device/#")) as subscriber:
        yield subscriber


def test_a_stolen_key_writes_only_its_own_topics(thief: Intruder, observer: Subscriber) -> None:
    """Events, status, requests and discovery of another node are denied, and none of them arrives."""
    forged = (
        "facenode/node-3/event/recognized", "facenode/node-3/status", "facenode/node-3/request/restart",
        "facenode/node-3/snapshot/made-up", "homeassistant/device/facenode/node-3/config", "homeassistant/status",
        "$SYS/broker/version", "other/topic",
    )  # fmt: skip
    for topic in forged:
        assert thief.publish(topic, retain=topic.endswith(("status", "config"))) == DENIED
    assert thief.publish("facenode/node-2/event/unknown", b"own") == 0
    assert eventually(lambda: observer.on("facenode/node-2/event/unknown") == [b"own"])
    assert not [message for message in observer.messages if message.payload == b"forged"]


def test_only_home_assistant_receives_snapshots(thief: Intruder, fleet: Controller) -> None:
    """Neither another node nor an account for alerts receives the snapshot of a node."""
    own, others = "facenode/node-2/snapshot/made-up", "facenode/node-3/snapshot/made-up"
    with (
        closing(fleet.subscribe("app.homeassistant", "facenode/+/snapshot/+")) as home,
        closing(fleet.subscribe("app.observer", "facenode/+/status")) as controller,
        closing(Intruder(fleet.account_settings("app.security"), "test-security")) as security,
    ):
        for topic in (own, others, "facenode/+/snapshot/+", "#"):
            security.subscribe(topic)
            thief.subscribe(topic)
        assert thief.publish(own, b"own") == 0
        controller.publish(others, b"other's")
        assert security.publish(own) == DENIED
        assert eventually(lambda: home.on(others) == [b"other's"])
        assert home.on(own) == [b"own"]
        assert others not in thief.received_topics()
        assert not [topic for topic in security.received_topics() if "/snapshot/" in topic]


def test_a_stolen_key_reads_only_its_own_topics(thief: Intruder, fleet: Controller) -> None:
    """Mosquitto grants every subscription, so only the missing messages prove the denial."""
    for topic in (
        "facenode/node-2/request/#",
        "facenode/node-3/request/#",
        "homeassistant/status",
        "facenode/#",
        "#",
        "$SYS/#",
        "$share/g/facenode/#",
    ):
        thief.subscribe(topic)
    with closing(fleet.subscribe("app.homeassistant", "facenode/+/health")) as home:
        home.publish("facenode/node-3/request/check", b'{"transaction": "1"}')
        assert eventually(lambda: {m.topic for m in home.messages} >= {f"facenode/node-{n}/health" for n in (1, 3, 4)})
        assert eventually(lambda: any(not message.retained for message in home.messages), 15)
        home.publish("facenode/node-2/request/check", b'{"transaction": "2"}')
    topics = thief.received_topics()
    assert "facenode/node-2/request/check" in topics
    assert all(topic.startswith("facenode/node-2/") or topic == "homeassistant/status" for topic in topics), topics


@_free_client_ids
def test_a_stolen_key_cannot_take_over_another_session(thief: Intruder, fleet: Controller) -> None:
    """The broker replaces the client id of node-3 by the name in the certificate, so node-3 stays connected."""
    before = fleet.states()["node-3"]
    assert thief.publish("facenode/node-2/event/unknown", b"still me") in {0x00, _NO_SUBSCRIBERS}
    log = fleet.hosts.ssh(fleet.hosts["node-3"], "journalctl -u facenode --since=-30s -o cat")
    assert "took over the connection" not in log
    assert before["status"] == fleet.states()["node-3"]["status"] == "online"


@_free_client_ids
def test_an_account_with_a_nodes_client_id_throws_nobody_out(fleet: Controller, print_line: PrintLine) -> None:
    """On the accounts' port, too, the broker replaces the client id: the node stays connected and online."""
    uptime_s = fleet.states()["node-3"]["health"]["uptime_s"]
    tries, logins = 26, f"grep -c 'as node-3 ' {_LOG}"
    with closing(fleet.subscribe("app.observer", "facenode/node-3/status")) as watcher:
        assert eventually(lambda: watcher.on("facenode/node-3/status") == [b"online"])
        before = fleet.hosts.ssh(fleet.hosts["node-1"], logins)
        for _ in range(tries):
            for client_id in ("node-3", "facenode-node-3"):
                connect(fleet.account_settings("app.homeassistant"), Client(client_id), lambda _report: None).close()
        assert fleet.hosts.ssh(fleet.hosts["node-1"], logins) == before
        assert watcher.on("facenode/node-3/status") == [b"online"]
    assert fleet.states()["node-3"]["health"]["uptime_s"] >= uptime_s
    print_line(f"an account with a node's client id: 0 of {2 * tries} attempts threw the node out")


@_free_client_ids
def test_an_account_cannot_fetch_what_waits_for_another(fleet: Controller, print_line: PrintLine) -> None:
    """What waits for a durable subscriber is for its account alone, whoever asks with its client id."""
    own, other = fleet.account_settings("app.security"), fleet.account_settings("app.homeassistant")
    Subscriber(own, "facenode/+/alert/test", client_id="app.security", keep_s=3600).close()
    with closing(subscriber.Subscriber(fleet.account_settings("app.fleet"))) as sender:
        sender.publish(Message("facenode/node-3/alert/test", b"%d" % number) for number in range(10))
    taken: list[Report] = []
    with closing(connect(other, Client("app.security", keep_s=3600), taken.append)):
        assert not eventually(lambda: any(isinstance(each, Received) for each in taken), 1)
    connect(other, Client("app.security"), taken.append).close()  # this would end the session
    with closing(Subscriber(own, "facenode/+/alert/test", client_id="app.security", keep_s=3600)) as later:
        assert eventually(lambda: len(later.messages) == 10)
    connect(own, Client("app.security"), taken.append).close()
    print_line("messages that wait for another account: 0 of 10 taken")


@pytest.mark.skipif(KIND == "nats", reason="members of a group speak the NATS protocol; test_real_nats_groups.py")
def test_a_card_in_a_group_swallows_nothing(fleet: Controller, thief: Intruder, print_line: PrintLine) -> None:
    """A card, or an account that may not, joins no shared subscription: its members receive every alert."""
    group = "$share/alarms/facenode/+/alert/#"
    with (
        closing(Intruder(fleet.account_settings("app.security"))) as reader,
        closing(fleet.subscribe("app.alarm-1", group)) as first,
        closing(fleet.subscribe("app.alarm-2", group)) as second,
        closing(fleet.subscribe("app.observer", "facenode/+/status")) as sender,
    ):
        thief.subscribe(group)
        reader.subscribe(group)
        for number in range(10):
            sender.publish("facenode/node-3/alert/test", b"%d" % number)
        assert eventually(lambda: len(first.messages) + len(second.messages) == 10)
        assert not [topic for topic in thief.received_topics() | reader.received_topics() if "/alert/" in topic]
    print_line(f"a card in a group: its members received {len(first.messages) + len(second.messages)} of 10 alerts")


def test_a_full_card_harms_nobody(fleet: Controller, thief: Intruder, tmp_path: Path, print_line: PrintLine) -> None:
    """100 MB as a card's status end its connection; a megabyte again and again fills no queue and delays no alert."""
    Subscriber(fleet.account_settings("app.homeassistant"), "facenode/+/status", keep_s=3600).close()
    before_mb = fleet.broker_peak_mb()
    with closing(fleet.subscribe("app.security", "facenode/+/status", "facenode/+/alert/test")) as panel:
        assert eventually(lambda: len({message.topic for message in panel.messages}) >= 4)
        assert thief.publish("facenode/node-2/status", bytes(100_000_000), retain=True) is None
        assert eventually(lambda: thief.lost_at is not None)
        card = fleet.stolen_settings(fleet.hosts["node-2"], tmp_path / "full")
        with (
            closing(Intruder(card)) as again,
            closing(fleet.subscribe("app.observer", "facenode/node-3/event/none")) as sender,
        ):
            for _ in range(50):
                assert again.publish("facenode/node-2/status", bytes(1_000_000)) == 0
            began_s = time.monotonic()
            sender.publish("facenode/node-3/alert/test", b"alert")
            assert eventually(lambda: panel.on("facenode/node-3/alert/test") == [b"alert"])
            took_s = time.monotonic() - began_s
        assert max(len(message.payload) for message in panel.messages) <= 1_000_000
    after_mb = fleet.broker_peak_mb()
    connect(fleet.account_settings("app.homeassistant"), Client("test-subscriber"), lambda _report: None).close()
    states = fleet.states()
    assert {states[f"node-{number}"]["status"] for number in (1, 3, 4)} == {"online"}
    # A NATS server saves memory only from a limit on; test_real_nats_access.py sends more than that.
    assert after_mb < before_mb + (50 if KIND == "mosquitto" else 200)
    print_line(
        f"a full card: the broker's peak {before_mb:.0f} -> {after_mb:.0f} MB, an alert of another took {took_s:.2f} s"
    )


def test_a_will_on_another_nodes_topic_is_dropped(thief: Intruder, fleet: Controller, tmp_path: Path) -> None:
    """The broker accepts the will and denies it when the connection is lost: node-3 does not appear offline."""
    thief.close()
    settings = fleet.stolen_settings(fleet.hosts["node-2"], tmp_path / "again")
    with closing(fleet.subscribe("app.security", "facenode/+/status")) as watcher:
        die(settings, _THIEF, "facenode/node-3/status", b"forged")
        die(settings, _THIEF, "facenode/node-2/status", b"own")
        assert eventually(lambda: b"own" in watcher.on("facenode/node-2/status"), 30)
        assert b"forged" not in [message.payload for message in watcher.messages]


@pytest.mark.parametrize("case", ["unknown authority", "no certificate"])
def test_a_client_without_a_valid_certificate_is_rejected(fleet: Controller, tmp_path: Path, case: str) -> None:
    """The broker closes the connection before any MQTT packet is exchanged."""
    other = CertificateAuthority(tmp_path / "other").issue("node-2")
    none = case == "no certificate"
    settings = fleet.certificate_settings(None if none else other.certificate, None if none else other.key)
    with pytest.raises(BrokerError, match=r"certificate|authority"):
        connect(settings, Client("intruder"), lambda _report: None)


def test_a_security_account_reads_alerts_and_status_and_writes_nothing(fleet: Controller) -> None:
    """An account for alerts receives nothing else and cannot send requests."""
    with (
        closing(Intruder(fleet.account_settings("app.security"), "test-security")) as security,
        closing(fleet.subscribe("app.observer", "facenode/#")) as everything,
    ):
        for topic in ("facenode/+/alert/#", "facenode/+/late/alert/#", "facenode/+/status", "facenode/#"):
            security.subscribe(topic)
        assert security.publish("facenode/node-3/request/privacy") == DENIED
        assert security.publish("facenode/app.security/event/unknown") == DENIED
        assert security.publish("homeassistant/device/facenode/app.security/config") == DENIED
        everything.publish("facenode/node-3/alert/night", b"alert")
        everything.publish("facenode/node-3/late/alert/night", b"late")
        everything.publish("facenode/node-3/event/unknown", b"event")
        topics = security.received_topics()
        assert {"facenode/node-3/alert/night", "facenode/node-3/late/alert/night", "facenode/node-3/status"} <= topics
        assert not [topic for topic in topics if "/event/" in topic or topic.endswith(("state", "health"))]
        assert b"forged" not in [message.payload for message in everything.messages]


def test_a_wrong_password_is_rejected(fleet: Controller, tmp_path: Path) -> None:
    """An account needs its password, and a node's name cannot log in with one."""
    (tmp_path / "wrong").write_text("a guess")
    for name in ("app.security", "node-2"):
        settings = fleet.account_settings("app.security").model_copy(
            update={"username": name, "password_file": tmp_path / "wrong"}
        )
        with pytest.raises(BrokerError, match="login"):
            connect(settings, Client("intruder"), lambda _report: None)


def test_queued_messages_survive_a_restart_of_the_broker(fleet: Controller, print_line: PrintLine) -> None:
    """A durable subscriber receives the messages of its absence, even after a restart of the broker."""
    account, client = fleet.account_settings("app.homeassistant"), Client("durable", keep_s=3600)
    granted: list[Report] = []
    link = connect(account, client, granted.append)
    link.subscribe("facenode/node-3/event/test")
    assert eventually(lambda: bool(granted))
    link.close()
    with closing(subscriber.Subscriber(fleet.account_settings("app.fleet"))) as sender:
        sender.publish(Message("facenode/node-3/event/test", b"%d" % number) for number in range(24))
    fleet.restart_brokers()
    reports: list[Report] = []
    again = connect(account, client, reports.append)
    assert eventually(lambda: sum(isinstance(each, Received) for each in reports) == 24, 20)
    again.close()
    print_line(
        f"{sum(isinstance(each, Received) for each in reports)} of 24 messages were queued for an absent subscriber"
    )
