"""Access rights at the broker: a stolen node key, a foreign client and an account get only what they may."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from certificate_authority import CertificateAuthority
from controller import Controller
from intruder import Intruder
from mosquitto_broker import Subscriber, eventually

from node.contract.message import Message
from node.errors import BrokerError
from node.mqtt import subscriber
from node.mqtt.connect import connect
from node.mqtt.link import Client, Received, Report

pytestmark = pytest.mark.timeout(3600)
_NOT_AUTHORIZED, _NO_SUBSCRIBERS = 0x87, 0x10


@pytest.fixture
def thief(fleet: Controller, tmp_path: Path) -> Iterator[Intruder]:
    """Return a client with the stolen key of node-2, whose own service is stopped meanwhile."""
    host = fleet.hosts["node-2"]
    fleet.hosts.ssh(host, "systemctl stop facenode")
    try:
        with closing(Intruder(fleet.stolen_settings(host, tmp_path / "stolen"), "facenode-node-3")) as intruder:
            yield intruder
    finally:
        fleet.hosts.ssh(host, "systemctl start facenode")


@pytest.fixture
def observer(fleet: Controller) -> Iterator[Subscriber]:
    """Return a subscriber of all topics with an account that may read them."""
    with closing(fleet.subscribe("app.fleet", "facenode/#", "homeassistant/device/#")) as subscriber:
        yield subscriber


def test_a_stolen_key_writes_only_its_own_topics(thief: Intruder, observer: Subscriber) -> None:
    """Events, status, requests and discovery of another node are denied, and none of them arrives."""
    forged = (
        "facenode/node-3/event/recognized", "facenode/node-3/status", "facenode/node-3/request/restart",
        "facenode/node-3/snapshot/made-up", "homeassistant/device/facenode/node-3/config", "homeassistant/status",
        "$SYS/broker/version", "other/topic",
    )  # fmt: skip
    for topic in forged:
        assert thief.publish(topic, retain=topic.endswith(("status", "config"))) == _NOT_AUTHORIZED
    assert thief.publish("facenode/node-2/event/unknown", b"own") == 0
    assert eventually(lambda: observer.on("facenode/node-2/event/unknown") == [b"own"])
    assert not [message for message in observer.messages if message.payload == b"forged"]


def test_only_home_assistant_receives_snapshots(thief: Intruder, fleet: Controller) -> None:
    """Neither another node nor an account for alerts receives the snapshot of a node."""
    own, others = "facenode/node-2/snapshot/made-up", "facenode/node-3/snapshot/made-up"
    with (
        closing(fleet.subscribe("app.homeassistant", "facenode/+/snapshot/+")) as home,
        closing(fleet.subscribe("app.fleet", "facenode/+/status")) as controller,
        closing(Intruder(fleet.account_settings("app.security"), "test-security")) as security,
    ):
        for topic in (own, others, "facenode/+/snapshot/+", "#"):
            security.subscribe(topic)
            thief.subscribe(topic)
        assert thief.publish(own, b"own") == 0
        controller.publish(others, b"other's")
        assert security.publish(own) == _NOT_AUTHORIZED
        assert eventually(lambda: home.on(others) == [b"other's"])
        assert home.on(own) == [b"own"]
        assert others not in thief.received_topics()
        assert not [topic for topic in security.received_topics() if "/snapshot/" in topic]


def test_a_stolen_key_reads_only_its_own_topics(thief: Intruder, fleet: Controller) -> None:
    """The broker grants every subscription, so only the missing messages prove the denial."""
    for topic in ("facenode/node-3/request/#", "facenode/#", "#", "$SYS/#", "$share/g/facenode/#"):
        thief.subscribe(topic)
    with closing(fleet.subscribe("app.homeassistant", "facenode/+/health")) as home:
        home.publish("facenode/node-3/request/check", b'{"transaction": "1"}')
        assert eventually(lambda: {m.topic for m in home.messages} >= {f"facenode/node-{n}/health" for n in (1, 3, 4)})
        assert eventually(lambda: any(not message.retained for message in home.messages), 15)
        home.publish("facenode/node-2/request/check", b'{"transaction": "2"}')
    topics = thief.received_topics()
    assert "facenode/node-2/request/check" in topics
    assert all(topic.startswith("facenode/node-2/") or topic == "homeassistant/status" for topic in topics), topics


def test_a_stolen_key_cannot_take_over_another_session(thief: Intruder, fleet: Controller) -> None:
    """The broker replaces the client id of node-3 with the name in the certificate, so node-3 stays connected."""
    before = fleet.states()["node-3"]
    assert thief.publish("facenode/node-2/event/unknown", b"still me") in {0x00, _NO_SUBSCRIBERS}
    log = fleet.hosts.ssh(fleet.hosts["node-3"], "journalctl -u facenode --since=-30s -o cat")
    assert "took over the connection" not in log
    assert before["status"] == fleet.states()["node-3"]["status"] == "online"


def test_a_will_on_another_nodes_topic_is_dropped(thief: Intruder, fleet: Controller, tmp_path: Path) -> None:
    """The broker accepts the will and denies it when the connection is lost: node-3 does not appear offline."""
    thief.close()
    settings = fleet.stolen_settings(fleet.hosts["node-2"], tmp_path / "again")
    with closing(fleet.subscribe("app.security", "facenode/+/status")) as watcher:
        will = Message("facenode/node-3/status", b"forged", retain=True)
        link = connect(settings, Client("x", will), lambda _report: None)
        # A second connection with the same certificate takes over the session, so that the will of the first is due.
        with closing(Intruder(settings)) as second:
            second.received_topics()
        link.close()
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
        closing(fleet.subscribe("app.fleet", "facenode/#")) as everything,
    ):
        security.subscribe("facenode/#")
        assert security.publish("facenode/node-3/request/privacy") == _NOT_AUTHORIZED
        assert security.publish("facenode/app.security/event/unknown") == _NOT_AUTHORIZED
        assert security.publish("homeassistant/device/facenode/app.security/config") == _NOT_AUTHORIZED
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


def test_queued_messages_survive_a_restart_of_the_broker(fleet: Controller, print_line: Callable[[str], None]) -> None:
    """A durable subscriber receives the messages of its absence, even after a restart of the broker."""
    account, client = fleet.account_settings("app.homeassistant"), Client("durable", keep_s=3600)
    granted: list[Report] = []
    link = connect(account, client, granted.append)
    link.subscribe("facenode/node-3/event/test")
    assert eventually(lambda: bool(granted))
    link.close()
    with closing(subscriber.Subscriber(fleet.account_settings("app.fleet"))) as sender:
        sender.publish(Message("facenode/node-3/event/test", b"%d" % number) for number in range(24))
    fleet.hosts.ssh(fleet.hosts["node-1"], "systemctl restart mosquitto")
    reports: list[Report] = []
    assert eventually(lambda: "active" in fleet.hosts.ssh(fleet.hosts["node-1"], "systemctl is-active mosquitto"))
    again = connect(account, client, reports.append)
    assert eventually(lambda: sum(isinstance(each, Received) for each in reports) == 24, 20)
    again.close()
    print_line(
        f"{sum(isinstance(each, Received) for each in reports)} of 24 messages were queued for an absent subscriber"
    )
