"""A fleet's broker, with the configuration of the Ansible role: what an account or a stolen card can do to others."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest
from facenode_command import ROOT, environment, facenode
from fleet_broker import FleetBroker, defaults
from intruder import Intruder
from mosquitto_broker import Subscriber, eventually

from node.contract.message import Message
from node.contract.topics import Topics
from node.errors import BrokerError
from node.homeassistant.discovery import Device, discovery
from node.homeassistant.entity_keys import KeyedPerson
from node.mqtt.connect import connect
from node.mqtt.link import Client, Lost, Received, Report, Subscribed
from node.requests.verb import Verb
from node.settings import MqttSettings
from node.vision.jpeg import MAX_BYTES, frame_jpeg

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]
NOT_AUTHORIZED = 0x87
ALERTS = [b'{"id":"%d"}' % number for number in range(10)]
MB = 1_000_000
PROTOCOLS = ("5", "3.1.1")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[FleetBroker]:
    """Return a fleet's broker."""
    broker = FleetBroker(tmp_path / "fleet")
    broker.mosquitto.start()
    yield broker
    broker.mosquitto.end()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Return a stack that closes everything, latest first."""
    with ExitStack() as stack:
        yield stack


def codes(settings: MqttSettings, *filters: str) -> list[int]:
    """Return the broker's answers to subscriptions; nothing for one that it does not answer."""
    reports: list[Report] = []
    with closing(connect(settings, Client("any"), reports.append)) as link:
        for each in filters:
            link.subscribe(each)
        eventually(lambda: sum(isinstance(report, Subscribed) for report in reports) == len(filters), 5)
    return [report.code for report in reports if isinstance(report, Subscribed)]


def peak_memory(pid: int) -> float:
    """Return the greatest memory that a process ever had, MB."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / MB


class TestSessions:
    """Nobody takes over the session of somebody else."""

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    @pytest.mark.parametrize("client_id", ["node-3", "facenode-node-3", "app.security"])
    def test_an_account_with_the_client_id_of_another_throws_nobody_out(
        self, broker: FleetBroker, stack: ExitStack, protocol: str, client_id: str
    ) -> None:
        """A node, and the durable session of another account, stay connected however often somebody tries."""
        watcher = stack.enter_context(closing(Subscriber(broker.everything(), "facenode/+/status", client_id="eye")))
        will = Message("facenode/node-3/status", b"offline", retain=True)
        lost: list[Report] = []
        node = stack.enter_context(closing(connect(broker.node("node-3"), Client("x", will), lost.append)))
        security = stack.enter_context(
            closing(connect(broker.account("app.security"), Client("app.security", keep_s=60), lost.append))
        )
        for _ in range(5):
            connect(broker.account("app.homeassistant", protocol=protocol), Client(client_id), lost.append).close()
        node.publish(Message("facenode/node-3/status", b"online", retain=True))
        assert eventually(lambda: watcher.on("facenode/node-3/status") == [b"online"])
        security.subscribe("facenode/+/status")
        assert eventually(lambda: [each.payload for each in lost if isinstance(each, Received)] == [b"online"])
        assert not [each for each in lost if isinstance(each, Lost)]

    def test_an_account_cannot_fetch_what_waits_for_another(self, broker: FleetBroker) -> None:
        """The queue of a durable session belongs to its account alone."""
        own, other = broker.account("app.security"), broker.account("app.homeassistant")
        Subscriber(own, "facenode/+/alert/#", client_id="app.security", keep_s=600).close()
        with closing(Subscriber(broker.everything(), "facenode/#", client_id="eye")) as eye:
            for payload in ALERTS:
                eye.publish("facenode/node-3/alert/night", payload)
            assert eventually(lambda: len(eye.messages) == len(ALERTS))
        taken: list[Report] = []
        with closing(connect(other, Client("app.security", keep_s=600), taken.append)):
            assert not eventually(lambda: any(isinstance(each, Received) for each in taken), 0.5)
        connect(other, Client("app.security"), taken.append).close()  # this would end the session
        with closing(Subscriber(own, "facenode/+/alert/#", client_id="x", keep_s=600)) as later:
            assert eventually(lambda: [message.payload for message in later.messages] == ALERTS)

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_programs_that_share_an_account_say_so_and_stop(
        self, broker: FleetBroker, tmp_path: Path, protocol: str
    ) -> None:
        """`watch` ends with exit code 1 and a sentence instead of throwing the other program out for ever."""
        settings = broker.arguments("app.security", protocol=protocol)
        command = [sys.executable, "-m", "node.cli", "watch", "--durable"]
        logs = [tmp_path / "1.log", tmp_path / "2.log"]
        with ExitStack() as stack:
            pair = []
            for log in logs:
                stderr = stack.enter_context(log.open("w"))
                pair.append(subprocess.Popen(command, cwd=ROOT, env=environment(settings), stderr=stderr))
                stack.callback(pair[-1].wait)
                stack.callback(pair[-1].kill)
            assert eventually(lambda: any(each.poll() is not None for each in pair), 30)
        assert 1 in {each.returncode for each in pair}
        assert any("give each program an account of its own" in log.read_text() for log in logs)

    def test_gate_says_that_another_program_took_its_session(self, broker: FleetBroker) -> None:
        """A command that connects once ends with exit code 1, and with what to do."""
        process = subprocess.Popen(
            [sys.executable, "-m", "node.cli", "gate", "--nodes", "node-3", "--wait", "30"],
            cwd=ROOT, env=environment(broker.arguments("app.playbooks")), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert eventually(lambda: "as app.playbooks" in broker.mosquitto.log(), 20)
            with closing(connect(broker.account("app.playbooks"), Client("x"), lambda _report: None)):
                error = process.communicate(timeout=20)[1]
        finally:
            process.kill()
            process.communicate()
        assert process.returncode == 1
        assert "give each program an account of its own" in error

    def test_simulate_refuses_a_broker_where_a_login_has_one_session(self, broker: FleetBroker) -> None:
        """Its nodes share a login, so they would throw each other out; the port on loopback serves them."""
        refused = facenode("simulate", "--nodes", "2", settings=broker.arguments("app.fleet"))
        assert refused.code == 1
        assert "one session" in refused.err
        login = broker.arguments("app.fleet") | {"mqtt.port": broker.mosquitto.port}
        loopback = {key: value for key, value in login.items() if "tls" not in key}
        assert facenode("simulate", "--nodes", "2", "--duration", "2", settings=loopback).code == 0


class TestUpgrade:
    """Client ids were free in 0.1.0; what waits under them is drained before that changes."""

    def test_what_a_durable_session_of_0_1_0_holds_is_not_lost(self, tmp_path: Path, stack: ExitStack) -> None:
        """As ansible/README.md says: open the account's session, drain the old one, switch: each event is printed."""
        broker = FleetBroker(tmp_path / "fleet")
        broker.configure(own_ids=False)
        stack.callback(broker.mosquitto.end)
        broker.mosquitto.start()
        arguments = broker.arguments("app.security")

        def publish(*numbers: int) -> None:
            with closing(Subscriber(broker.everything(), "facenode/#", client_id="eye")) as eye:
                for number in numbers:
                    eye.publish("facenode/node-3/alert/night", ALERTS[number])
                assert eventually(lambda: len(eye.messages) == len(numbers))

        old = broker.account("app.security")
        Subscriber(old, "facenode/+/alert/+", client_id="facenode-watch-desk", keep_s=600).close()
        publish(0, 1, 2)
        # The new session, under the account's name, begins while the old one still collects.
        first = facenode("watch", "--durable", "--drain", settings=arguments)  # nothing yet
        assert (first.code, first.out) == (0, "")
        Subscriber(old, "facenode/+/alert/+", client_id="app.security", keep_s=600).close()
        publish(3, 4)
        drained = facenode("watch", "--json", "--durable", "desk", "--drain", settings=arguments)
        assert drained.code == 0
        assert "kept 5 messages and keeps no more" in drained.err
        publish(5)
        broker.mosquitto.end()
        broker.configure()
        broker.mosquitto.start()
        publish(6)
        after = facenode("watch", "--json", "--durable", "--drain", settings=arguments)
        printed = [json.loads(line)["payload"]["id"] for line in (drained.out + after.out).splitlines()]
        assert sorted(set(printed)) == [str(number) for number in range(7)]

    def test_a_drained_session_keeps_nothing_more(self, broker: FleetBroker) -> None:
        """The broker neither keeps what comes later nor the session itself."""
        arguments = broker.arguments("app.security")
        Subscriber(broker.account("app.security"), "facenode/+/alert/+", keep_s=600).close()
        assert facenode("watch", "--durable", "--drain", settings=arguments).code == 0
        with closing(Subscriber(broker.everything(), "facenode/#", client_id="eye")) as eye:
            eye.publish("facenode/node-3/alert/night", ALERTS[0])
            assert eventually(lambda: len(eye.messages) == 1)
        again = facenode("watch", "--json", "--durable", "--drain", settings=arguments)
        assert (again.out, again.code) == ("", 0)
        assert "kept 0 messages" in again.err


class TestGroups:
    """A shared subscription is joined only by who may."""

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_neither_a_card_nor_an_account_joins_a_group_that_it_may_not(
        self, broker: FleetBroker, protocol: str
    ) -> None:
        """The broker refuses these subscriptions, and grants ordinary ones and the groups of the inventory."""
        group, other = "$share/alarms/facenode/+/alert/#", "$share/others/facenode/+/alert/#"
        card, alarm, none = (
            settings.model_copy(update={"protocol": protocol})
            for settings in (broker.node("node-2"), broker.account("app.alarm-1"), broker.account("app.security"))
        )
        assert all(
            code >= 0x80 for code in codes(card, group, other, "$share/alarms/#", "$share/alarms/facenode/node-2/#")
        )
        assert all(code >= 0x80 for code in codes(none, group, other))
        assert [code >= 0x80 for code in codes(alarm, group, other, "facenode/+/alert/#")] == [False, True, False]
        assert codes(card, "facenode/node-2/request/#") == [1]

    def test_a_card_in_a_group_swallows_nothing(self, broker: FleetBroker, stack: ExitStack) -> None:
        """Ten of ten alerts reach the two members of the group."""
        group = "$share/alarms/facenode/+/alert/#"
        thief = stack.enter_context(closing(Intruder(broker.node("node-2"))))
        reader = stack.enter_context(closing(Intruder(broker.account("app.security"))))
        members = [
            stack.enter_context(closing(Subscriber(broker.account(name), group, client_id=name)))
            for name in ("app.alarm-1", "app.alarm-2")
        ]
        thief.subscribe(group)
        reader.subscribe(group)
        eye = stack.enter_context(closing(Subscriber(broker.everything(), "facenode/#", client_id="eye")))
        for payload in ALERTS:
            eye.publish("facenode/node-3/alert/night", payload)
        assert eventually(lambda: sum(len(each.messages) for each in members) == len(ALERTS), 5)
        assert {message.payload for each in members for message in each.messages} == set(ALERTS)
        assert not thief.received_topics(0.2)
        assert not reader.received_topics(0.2)

    def test_nobody_commands_the_plugin(self, broker: FleetBroker) -> None:
        """The plugin that refuses these subscriptions takes no commands, from no account and no card."""
        topic, command = (
            "$CONTROL/dynamic-security/v1",
            b'{"commands":[{"command":"disableClient","username":"node-3"}]}',
        )
        for settings in (
            broker.node("node-2"),
            *(broker.account(f"app.{name}") for name in ("fleet", "homeassistant")),
        ):
            with closing(Intruder(settings)) as intruder:
                assert intruder.publish(topic, command) == NOT_AUTHORIZED


class TestBounds:
    """A full card costs the broker little, and nobody else anything."""

    def test_the_largest_snapshot_and_the_discovery_of_1000_people_arrive(self, broker: FleetBroker) -> None:
        """The bound on a packet leaves room for everything that a node sends."""
        topics = Topics("node-3")
        noise = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
        people = tuple(KeyedPerson(f"{number:012}", f"person-{number}", f"Person {number}") for number in range(1000))
        device = Device("Front door", "Hall", "0.1.0", rules=("crowd",), verbs=tuple(Verb), snapshots=True)
        sent = {
            topics.snapshot("noise"): frame_jpeg(noise),
            topics.snapshot("full"): b"\xff" * MAX_BYTES,
            topics.discovery: discovery(topics, device, people),
        }
        with (
            closing(Subscriber(broker.account("app.homeassistant"), "facenode/+/snapshot/+", topics.discovery)) as home,
            closing(Intruder(broker.node("node-3"))) as node,
        ):
            assert [node.publish(topic, payload) for topic, payload in sent.items()] == [0, 0, 0]
            assert eventually(lambda: {each.topic: each.payload for each in home.messages} == sent)

    def test_a_card_that_sends_100_mb_costs_no_memory_and_reaches_nobody(
        self, broker: FleetBroker, print_line: Callable[[str], None]
    ) -> None:
        """The connection ends before the message is read; others go on, and no alarm panel receives it."""
        with closing(Subscriber(broker.account("app.security"), "facenode/+/status", "facenode/+/alert/#")) as panel:
            before = peak_memory(broker.pid)
            with closing(Intruder(broker.node("node-2"))) as card:
                assert card.publish("facenode/node-2/status", bytes(100 * MB), retain=True) is None
                assert eventually(lambda: card.lost_at is not None)
            with closing(Intruder(broker.node("node-3"))) as node:
                assert node.publish("facenode/node-3/alert/night", ALERTS[0]) == 0
            assert eventually(lambda: [message.payload for message in panel.messages] == [ALERTS[0]])
            after = peak_memory(broker.pid)
        print_line(f"the broker's peak under a 100 MB status: {after:.0f} MB, before {before:.0f} MB")
        assert after < before + 5

    def test_what_waits_for_an_absent_subscriber_is_bounded_in_bytes(
        self, broker: FleetBroker, stack: ExitStack, print_line: Callable[[str], None]
    ) -> None:
        """A card sends a megabyte again and again while a durable subscriber is away: the queue stops at its bound."""
        Subscriber(broker.account("app.security"), "facenode/+/status", keep_s=600).close()
        before, size, count = peak_memory(broker.pid), MB, 100
        card = stack.enter_context(closing(Intruder(broker.node("node-2"))))
        for _ in range(count):
            card.publish("facenode/node-2/status", bytes(size))
        with closing(Intruder(broker.node("node-3"))) as node:
            began_s = time.monotonic()
            assert node.publish("facenode/node-3/event/unknown", b"{}") in {0x00, 0x10}
            took_s = time.monotonic() - began_s
        after = peak_memory(broker.pid)
        print_line(
            f"{count} MB for an absent subscriber: {after:.0f} MB, before {before:.0f} MB; others wait {took_s:.2f} s"
        )
        assert after < before + 2 * defaults()["broker_max_queued_bytes"] / MB + 5

    def test_each_port_has_its_own_bound_on_connections(self, tmp_path: Path, stack: ExitStack) -> None:
        """Whoever uses up the connections of one port leaves those of the other."""
        broker = FleetBroker(tmp_path / "few", broker_node_connections=1, broker_account_connections=1)
        stack.callback(broker.mosquitto.end)
        broker.mosquitto.start()
        with closing(connect(broker.node("node-2"), Client("x"), lambda _report: None)):
            with pytest.raises(BrokerError):
                connect(broker.node("node-3"), Client("x"), lambda _report: None)
            with closing(connect(broker.account("app.security"), Client("x"), lambda _report: None)):
                pass
