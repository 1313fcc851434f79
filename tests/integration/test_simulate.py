"""`facenode simulate` against a real broker: what it measures, what it survives, and what it leaves behind."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from authority import Authority
from facenode import Outcome, environment, facenode
from realbroker import Mosquitto, Subscriber, eventually
from told import validate

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

Start = Callable[..., Mosquitto]
NODES = 20
BUSY = ("--duration", "3", "--rate", "7200", "--connect-rate", "100")
RETAINED = ("facenode/#", "homeassistant/#")


@pytest.fixture
def broker(mosquitto: Start, tmp_path: Path) -> Mosquitto:
    """Return a broker that keeps what waits for a subscriber, also over a restart."""
    return lasting(mosquitto, tmp_path)


@pytest.fixture
def closer() -> Iterator[ExitStack]:
    """Return what closes everything in the end, latest first."""
    with ExitStack() as stack:
        yield stack


def lasting(start: Start, folder: Path, *lines: str) -> Mosquitto:
    """Start a broker that keeps what waits for a subscriber, also over a restart."""
    kept = folder / "kept"
    kept.mkdir()
    persistence = ("persistence true", f"persistence_location {kept}/", "max_queued_messages 0")
    return start(*(lines or ("allow_anonymous true",)), *persistence)


def arguments(*options: str | Path) -> list[str | Path]:
    """Return the arguments of a small simulation."""
    return ["simulate", "--nodes", str(NODES), *BUSY, "--json", *options]


def simulate(broker: Mosquitto, *options: str | Path, **settings: object) -> Outcome:
    """Run a small simulation to its end."""
    return facenode(*arguments(*options), settings=settings_of(broker) | settings, timeout_s=150)


def settings_of(broker: Mosquitto) -> dict[str, object]:
    """Return the settings with which it reaches the broker."""
    return {"mqtt.host": broker.host, "mqtt.port": broker.port, "node.id": "front-door"}


def begin(broker: Mosquitto, closer: ExitStack, *options: str | Path) -> subprocess.Popen[str]:
    """Start a small simulation, and return its process; it is ended with the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli", *map(str, arguments(*options))],
        env=environment(settings_of(broker)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    closer.callback(finish, process)
    return process


def finish(process: subprocess.Popen[str]) -> None:
    """End a process that a test started, if it still runs."""
    process.kill()
    process.communicate()


def result(outcome: Outcome) -> dict[str, Any]:
    """Return the figures of a run that lost nothing."""
    assert outcome.code == 0, outcome.out + outcome.err
    figures: dict[str, Any] = json.loads(outcome.out)
    events = figures["events"]
    assert (events["lost"], events["waiting"], events["rejected"]) == (0, 0, 0), figures
    assert events["received"] == events["made"] > 0
    return figures


def retained(broker: Mosquitto) -> list[str]:
    """Return the topics of what the broker retains of nodes."""
    with closing(Subscriber(broker.settings(), *RETAINED, "mark", client_id="later")) as subscriber:
        subscriber.publish("mark", b"", retain=False)
        assert eventually(lambda: bool(subscriber.on("mark")))
        return [message.topic for message in subscriber.messages if message.retained]


def test_nothing_is_lost_and_nothing_is_left(broker: Mosquitto) -> None:
    """Every event of 20 nodes comes, connections that are cut included; afterwards the broker knows of none."""
    figures = result(simulate(broker, "--cut-every", "2"))
    assert figures["nodes"] == NODES
    assert figures["cuts"] > 0
    assert figures["wills"] >= figures["cuts"]
    assert figures["connect"]["count"] == NODES
    assert 0 < figures["publish"]["p50_ms"] <= figures["publish"]["p99_ms"] < 5000
    assert figures["broker"]["process"] == "mosquitto"
    assert figures["broker"]["memory_mb"] > 0
    assert retained(broker) == []


def test_a_simulated_node_speaks_as_a_real_one(broker: Mosquitto) -> None:
    """Birth first; each message holds to the contract; no device is announced."""
    with closing(Subscriber(broker.settings(), *RETAINED)) as subscriber:
        result(simulate(broker, "--cut-every", "0"))
        messages = [message for message in subscriber.messages if message.payload]
    validate(messages)
    kinds = Counter(message.topic.split("/")[2] for message in messages)
    assert kinds["status"] == 2 * NODES
    assert kinds["health"] >= NODES
    assert kinds["state"] >= 2 * NODES
    first: dict[str, bytes] = {}
    for message in messages:
        first.setdefault(message.topic.split("/")[1], message.payload)
    assert set(first.values()) == {b"online"}
    assert not any(message.topic.startswith("homeassistant/") for message in messages)


def test_discovery_comes_and_goes_where_it_is_asked_for(broker: Mosquitto) -> None:
    """Each device is announced once, and taken back at the end."""
    with closing(Subscriber(broker.settings(), "homeassistant/#")) as subscriber:
        result(simulate(broker, "--discovery", "--cut-every", "0"))
        assert eventually(lambda: sum(not message.payload for message in subscriber.messages) == NODES)
    assert sum(bool(message.payload) for message in subscriber.messages) == NODES
    assert retained(broker) == []


def test_all_come_back_after_a_storm(broker: Mosquitto) -> None:
    """Every connection is cut, and none gets through for two seconds: so long the first one takes at the least."""
    figures = result(simulate(broker, "--storm", "--storm-for", "2"))
    storm = figures["storm"]
    assert (storm["lost"], storm["missing"]) == (NODES, 0)
    assert 2 <= storm["first_s"] <= storm["all_s"] < 60
    assert storm["attempts_per_s"] >= storm["accepts_per_s"] > 0


def test_all_come_back_after_the_broker_restarts(broker: Mosquitto, closer: ExitStack, tmp_path: Path) -> None:
    """The command is what restarts it, here by way of this test; what waited for the subscriber is not lost either."""
    asked, done = tmp_path / "asked", tmp_path / "done"
    command = f"sh -c 'touch {asked}; while ! test -e {done}; do sleep 0.1; done'"
    process = begin(broker, closer, "--storm-command", command)
    assert eventually(asked.exists, 60)
    broker.end()
    broker.start()
    done.touch()
    out, err = process.communicate(timeout=120)
    storm = result(Outcome(process.returncode, out, err))["storm"]
    assert (storm["lost"], storm["missing"]) == (NODES, 0)
    assert retained(broker) == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_leaves_nothing_behind(broker: Mosquitto, closer: ExitStack, end: signal.Signals) -> None:
    """Ctrl-C, or a service manager: the nodes take leave first."""
    with closing(Subscriber(broker.settings(), "facenode/+/event/#")) as subscriber:
        process = begin(broker, closer, "--duration", "600")
        assert eventually(lambda: bool(subscriber.messages), 60)
        process.send_signal(end)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert retained(broker) == []


def test_nodes_whose_parent_was_killed_take_leave_by_themselves(broker: Mosquitto, closer: ExitStack) -> None:
    """Nothing can be caught by who is killed: the processes that play the nodes notice, and end."""
    with closing(Subscriber(broker.settings(), "facenode/+/event/#")) as subscriber:
        process = begin(broker, closer, "--duration", "600")
        assert eventually(lambda: bool(subscriber.messages), 60)
        process.kill()
        process.communicate(timeout=60)
    assert eventually(lambda: retained(broker) == [], 60)


def test_it_does_not_run_among_simulated_nodes_of_somebody_else(broker: Mosquitto) -> None:
    """The end of one would take the other's nodes away; --clean does that when asked to."""
    with closing(Subscriber(broker.settings(), "mark")) as other:
        other.publish("facenode/sim-00007/status", b"offline", retain=True)
        other.publish("facenode/pi-0a1b2c/status", b"offline", retain=True)
        assert eventually(lambda: len(retained(broker)) == 2)
        outcome = simulate(broker)
        assert outcome.code == 1
        assert "1 simulated node (sim-00007)" in outcome.err
        assert "--clean" in outcome.err
        cleaned = facenode("simulate", "--clean", settings=settings_of(broker))
        assert (cleaned.code, cleaned.out) == (0, "removed 1 retained message\n"), cleaned.err
        assert retained(broker) == ["facenode/pi-0a1b2c/status"]


def test_tls_and_a_login_are_those_of_every_command(mosquitto: Start, tmp_path: Path) -> None:
    """The nodes show certificate and password of the settings, each on every connection."""
    ours = Authority(tmp_path / "pki")
    shown, own = ours.issue("broker"), ours.issue("sim")
    passwords, password = tmp_path / "passwords", tmp_path / "password"
    password.write_text("s3cret\n")
    passwords.touch(0o600)
    subprocess.run(("mosquitto_passwd", "-b", passwords, "sim", "s3cret"), check=True, capture_output=True)
    files = (f"cafile {ours.certificate}", f"certfile {shown.certificate}", f"keyfile {shown.key}")
    login = ("require_certificate true", "allow_anonymous false", f"password_file {passwords}")
    broker = lasting(mosquitto, tmp_path, *files, *login)
    tls: Mapping[str, object] = {
        "mqtt.tls.enabled": True, "mqtt.tls.ca_file": ours.certificate,
        "mqtt.tls.cert_file": own.certificate, "mqtt.tls.key_file": own.key,
        "mqtt.username": "sim", "mqtt.password_file": password,
    }  # fmt: skip
    result(simulate(broker, "--storm", "--storm-for", "1", **tls))
    password.write_text("wrong\n")
    outcome = simulate(broker, **tls)
    assert outcome.code == 1
    assert "refuses the login" in outcome.err


def test_the_older_version_is_spoken_where_it_is_asked_for(broker: Mosquitto) -> None:
    """3.1.1 cannot say why a message is refused, but loses nothing either."""
    assert result(simulate(broker, "--cut-every", "2", **{"mqtt.protocol": "3.1.1"}))["protocol"] == "3.1.1"


def test_what_the_broker_refuses_is_said(mosquitto: Start, tmp_path: Path) -> None:
    """An access list that lets nobody publish events: counted, with its sentence, and exit 1."""
    acl = tmp_path / "acl"
    acl.write_text("topic read facenode/#\ntopic readwrite facenode/+/status\n")
    outcome = simulate(mosquitto("allow_anonymous true", f"acl_file {acl}"))
    assert outcome.code == 1
    figures = json.loads(outcome.out)
    assert figures["events"]["rejected"] == figures["events"]["made"] > 0
    assert any("does not allow it" in sentence for sentence, _ in figures["troubles"])


def test_the_table_names_every_figure(broker: Mosquitto) -> None:
    """What people read is what the JSON holds."""
    options = ["simulate", "--nodes", "3", "--duration", "2", "--rate", "7200", "--storm", "--storm-for", "1"]
    outcome = facenode(*options, settings=settings_of(broker), timeout_s=120)
    assert outcome.code == 0, outcome.err
    names = [line.split("  ")[0] for line in outcome.out.splitlines()]
    expected = {"connect", "publish to receive", "lost", "duplicated", "storm: peak per second", "broker", "simulation"}
    assert expected <= set(names)
    assert "all nodes have reconnected" in outcome.err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ((), 2, "--nodes N"),
        (("--nodes", "0"), 2, "from 1 to 99999"),
        (("--nodes", "2.5"), 2, "whole number"),
        (("--nodes", "many"), 2, "whole number"),
        (("--nodes", "2", "--rate", "-1"), 2, "from 0 to 36000"),
        (("--nodes", "2", "--rate", "nan"), 2, "from 0 to 36000"),
        (("--nodes", "2", "--duration", "0"), 2, "from 1 to 86400"),
        (("--nodes", "2", "--storm", "--storm-command", "true"), 2, "only one of the two"),
        (("--nodes", "2", "--storm-command", "''"), 1, "no server is listening"),
        (("--nodes", "2", "--storm-command", ""), 2, "give a command"),
        (("--nodes", "2", "--storm-command", "it's"), 2, "No closing quotation"),
        (("--nodes", "2"), 1, "no server is listening"),
        (("--clean",), 1, "no server is listening"),
    ],
)
def test_bad_input_is_said_in_one_line(options: tuple[str, ...], code: int, words: str) -> None:
    """Nothing is started, and nobody sees a traceback."""
    outcome = facenode("simulate", *options, settings={"mqtt.port": 9})
    assert outcome.code == code, outcome.err
    assert words in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("command", "words"), [("false", "exited with code 1"), ("/nonexistent/restart", "No such file")]
)
def test_a_storm_command_that_fails_ends_the_run_and_leaves_nothing(
    broker: Mosquitto, command: str, words: str
) -> None:
    """A storm that did not happen must not look like one that did no harm."""
    outcome = simulate(broker, "--storm-command", command)
    assert outcome.code == 1
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    assert retained(broker) == []
