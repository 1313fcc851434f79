"""What a compromised node, a stranger and an account can do at the broker: shown by what arrives."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from authority import Authority
from controller import Controller
from intruder import Intruder
from realbroker import Subscriber, eventually

from node.contract.message import Message
from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client, Received, Report
from node.mqtt.subscriber import Observer

pytestmark = pytest.mark.timeout(3600)
_DENIED, _NOBODY_LISTENS = 0x87, 0x10


@pytest.fixture
def thief(fleet: Controller, tmp_path: Path) -> Iterator[Intruder]:
    """Return somebody with the key of node-2, whose own node stands still meanwhile."""
    host = fleet.hosts["node-2"]
    fleet.hosts.ssh(host, "systemctl stop facenode")
    try:
        with closing(Intruder(fleet.certificate(host, tmp_path / "stolen"), "facenode-node-3")) as intruder:
            yield intruder
    finally:
        fleet.hosts.ssh(host, "systemctl start facenode")


@pytest.fixture
def all_seeing(fleet: Controller) -> Iterator[Subscriber]:
    """Return an account that may read everything."""
    with closing(fleet.subscribe("app.fleet", "facenode/#", "homeassistant/device/#")) as subscriber:
        yield subscriber


def test_a_stolen_key_writes_only_its_own_topics(thief: Intruder, all_seeing: Subscriber) -> None:
    """Events, status, requests and discovery of another node are denied, and nothing of them arrives."""
    forged = (
        "facenode/node-3/event/recognized", "facenode/node-3/status", "facenode/node-3/request/restart",
        "facenode/node-3/snapshot/made-up", "homeassistant/device/facenode/node-3/config", "homeassistant/status",
        "$SYS/broker/version", "other/topic",
    )  # fmt: skip
    for topic in forged:
        assert thief.publish(topic, retain=topic.endswith(("status", "config"))) == _DENIED
    assert thief.publish("facenode/node-2/event/unknown", b"own") == 0
    assert eventually(lambda: all_seeing.on("facenode/node-2/event/unknown") == [b"own"])
    assert not [message for message in all_seeing.messages if message.payload == b"forged"]


def test_pictures_reach_home_assistant_and_nobody_else(thief: Intruder, fleet: Controller) -> None:
    """A node sends its own pictures; neither another node nor an account that watches for alerts sees one."""
    own, others = "facenode/node-2/snapshot/made-up", "facenode/node-3/snapshot/made-up"
    with (
        closing(fleet.subscribe("app.homeassistant", "facenode/+/snapshot/+")) as home,
        closing(fleet.subscribe("app.fleet", "facenode/+/status")) as controller,
        closing(Intruder(fleet.account("app.security"), "test-security")) as security,
    ):
        for topic in (own, others, "facenode/+/snapshot/+", "#"):
            security.hear(topic)
            thief.hear(topic)
        assert thief.publish(own, b"own") == 0
        controller.publish(others, b"other's")
        assert security.publish(own) == _DENIED
        assert eventually(lambda: home.on(others) == [b"other's"])
        assert home.on(own) == [b"own"]
        assert others not in thief.heard()
        assert not [topic for topic in security.heard() if "/snapshot/" in topic]


def test_a_stolen_key_reads_only_its_own_topics(thief: Intruder, fleet: Controller) -> None:
    """Every subscription is granted: that nothing comes is the proof."""
    for topic in ("facenode/node-3/request/#", "facenode/#", "#", "$SYS/#", "$share/g/facenode/#"):
        thief.hear(topic)
    with closing(fleet.subscribe("app.homeassistant", "facenode/+/health")) as home:
        home.publish("facenode/node-3/request/check", b'{"transaction": "1"}')
        assert eventually(lambda: {m.topic for m in home.messages} >= {f"facenode/node-{n}/health" for n in (1, 3, 4)})
        assert eventually(lambda: any(not message.retained for message in home.messages), 15)
        home.publish("facenode/node-2/request/check", b'{"transaction": "2"}')
    heard = thief.heard()
    assert "facenode/node-2/request/check" in heard
    assert all(topic.startswith("facenode/node-2/") or topic == "homeassistant/status" for topic in heard), heard


def test_a_stolen_key_takes_nobodys_session(thief: Intruder, fleet: Controller) -> None:
    """It connects with node-3's client id: the broker replaces it by its own name, and node-3 does not notice."""
    before = fleet.view()["node-3"]
    assert thief.publish("facenode/node-2/event/unknown", b"still me") in {0x00, _NOBODY_LISTENS}
    log = fleet.hosts.ssh(fleet.hosts["node-3"], "journalctl -u facenode --since=-30s -o cat")
    assert "took over the connection" not in log
    assert before["status"] == fleet.view()["node-3"]["status"] == "online"


def test_a_will_on_another_nodes_topic_is_dropped(thief: Intruder, fleet: Controller, tmp_path: Path) -> None:
    """A will is accepted with the connection and denied when it is due: node-3 does not look offline."""
    thief.close()
    settings = fleet.certificate(fleet.hosts["node-2"], tmp_path / "again")
    with closing(fleet.subscribe("app.security", "facenode/+/status")) as watcher:
        link = connect(
            settings, Client("x", will=Message("facenode/node-3/status", b"forged", retain=True)), lambda _report: None
        )
        # A second connection with the same certificate ends the first without a word, so that its will is due.
        with closing(Intruder(settings)) as second:
            second.heard()
        link.close()
        assert b"forged" not in [message.payload for message in watcher.messages]


@pytest.mark.parametrize("who", ["unknown authority", "no certificate"])
def test_who_has_no_certificate_of_ours_is_refused(fleet: Controller, tmp_path: Path, who: str) -> None:
    """The broker closes the connection before a word of MQTT is spoken."""
    other = Authority(tmp_path / "other").issue("node-2")
    known = who == "no certificate"
    settings = fleet.identified(None if known else other.certificate, None if known else other.key)
    with pytest.raises(BrokerError, match=r"certificate|authority"):
        connect(settings, Client("intruder"), lambda _report: None)


def test_security_sees_alerts_and_status_and_can_say_nothing(fleet: Controller) -> None:
    """An account for alerts learns nothing else of the house, and switches nothing off."""
    with (
        closing(Intruder(fleet.account("app.security"), "test-security")) as security,
        closing(fleet.subscribe("app.fleet", "facenode/#")) as everything,
    ):
        security.hear("facenode/#")
        assert security.publish("facenode/node-3/request/privacy") == _DENIED
        assert security.publish("facenode/app.security/event/unknown") == _DENIED
        assert security.publish("homeassistant/device/facenode/app.security/config") == _DENIED
        everything.publish("facenode/node-3/alert/night", b"alert")
        everything.publish("facenode/node-3/late/alert/night", b"late")
        everything.publish("facenode/node-3/event/unknown", b"event")
        heard = security.heard()
        assert {"facenode/node-3/alert/night", "facenode/node-3/late/alert/night", "facenode/node-3/status"} <= heard
        assert not [topic for topic in heard if "/event/" in topic or topic.endswith(("state", "health"))]
        assert b"forged" not in [message.payload for message in everything.messages]


def test_a_wrong_password_is_refused(fleet: Controller, tmp_path: Path) -> None:
    """An account is its password, and no node's name logs in with one."""
    (tmp_path / "wrong").write_text("a guess")
    for name in ("app.security", "node-2"):
        settings = fleet.account("app.security").model_copy(
            update={"username": name, "password_file": tmp_path / "wrong"}
        )
        with pytest.raises(BrokerError, match="login"):
            connect(settings, Client("intruder"), lambda _report: None)


def test_messages_wait_for_who_is_away_across_a_restart_of_the_broker(
    fleet: Controller, say: Callable[[str], None]
) -> None:
    """A durable subscriber gets what came while it was away, across a restart of the broker, too."""
    account, client = fleet.account("app.homeassistant"), Client("durable", keep_s=3600)
    granted: list[Report] = []
    link = connect(account, client, granted.append)
    link.subscribe("facenode/node-3/event/test")
    assert eventually(lambda: bool(granted))
    link.close()
    with closing(Observer(fleet.account("app.fleet"))) as sender:
        sender.deliver(Message("facenode/node-3/event/test", b"%d" % number) for number in range(24))
    fleet.hosts.ssh(fleet.hosts["node-1"], "systemctl restart mosquitto")
    got: list[Report] = []
    assert eventually(lambda: "active" in fleet.hosts.ssh(fleet.hosts["node-1"], "systemctl is-active mosquitto"))
    again = connect(account, client, got.append)
    assert eventually(lambda: sum(isinstance(each, Received) for each in got) == 24, 20)
    again.close()
    say(f"{sum(isinstance(each, Received) for each in got)} of 24 messages waited for a subscriber who was away")
