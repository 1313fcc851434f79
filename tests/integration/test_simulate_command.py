"""`facenode simulate` against a real broker: its figures, the faults it survives, and that it cleans up."""

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
from certificate_authority import CertificateAuthority
from facenode_command import CommandResult, environment, facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import assert_valid

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

StartBroker = Callable[..., Mosquitto]
NODES = 20
BUSY = ("--duration", "3", "--rate", "7200", "--connect-rate", "100")
RETAINED = ("facenode/#", "homeassistant/#")


@pytest.fixture
def broker(mosquitto: StartBroker, tmp_path: Path) -> Mosquitto:
    """Return a broker that keeps queued messages, also over a restart."""
    return persistent_broker(mosquitto, tmp_path)


@pytest.fixture
def exit_stack() -> Iterator[ExitStack]:
    """Return a stack that closes everything, latest first."""
    with ExitStack() as stack:
        yield stack


def persistent_broker(start: StartBroker, folder: Path, *lines: str) -> Mosquitto:
    """Start a broker that keeps queued messages, also over a restart."""
    kept = folder / "kept"
    kept.mkdir()
    persistence = ("persistence true", f"persistence_location {kept}/", "max_queued_messages 0")
    return start(*(lines or ("allow_anonymous true",)), *persistence)


def arguments(*options: str | Path) -> list[str | Path]:
    """Return the arguments of a small simulation."""
    return ["simulate", "--nodes", str(NODES), *BUSY, "--json", *options]


def simulate(broker: Mosquitto, *options: str | Path, **settings: object) -> CommandResult:
    """Run a small simulation to its end."""
    return facenode(*arguments(*options), settings=settings_of(broker) | settings, timeout_s=150)


def settings_of(broker: Mosquitto) -> dict[str, object]:
    """Return the settings for a connection to the broker."""
    return {"mqtt.host": broker.host, "mqtt.port": broker.port, "node.id": "front-door"}


def start_simulation(broker: Mosquitto, exit_stack: ExitStack, *options: str | Path) -> subprocess.Popen[str]:
    """Start a small simulation and return its process, which ends with the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli", *map(str, arguments(*options))],
        env=environment(settings_of(broker)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    exit_stack.callback(end_process, process)
    return process


def end_process(process: subprocess.Popen[str]) -> None:
    """End a process if it still runs."""
    process.kill()
    process.communicate()


def figures_of(result: CommandResult) -> dict[str, Any]:
    """Return the figures of a run that lost nothing."""
    assert result.code == 0, result.out + result.err
    figures: dict[str, Any] = json.loads(result.out)
    events = figures["events"]
    assert (events["lost"], events["waiting"], events["rejected"]) == (0, 0, 0), figures
    assert events["received"] == events["made"] > 0
    return figures


def retained(broker: Mosquitto) -> list[str]:
    """Return the topics that the broker retains of nodes."""
    with closing(Subscriber(broker.settings(), *RETAINED, "mark", client_id="later")) as subscriber:
        subscriber.publish("mark", b"", retain=False)
        assert eventually(lambda: bool(subscriber.on("mark")))
        return [message.topic for message in subscriber.messages if message.retained]


def test_no_event_is_lost_and_no_retained_message_is_left(broker: Mosquitto) -> None:
    """Every event of 20 nodes arrives despite cut connections; afterwards the broker retains nothing."""
    figures = figures_of(simulate(broker, "--cut-every", "2"))
    assert figures["nodes"] == NODES
    assert figures["cuts"] > 0
    assert figures["wills"] >= figures["cuts"]
    assert figures["connect"]["count"] == NODES
    assert 0 < figures["publish"]["p50_ms"] <= figures["publish"]["p99_ms"] < 5000
    assert figures["broker"]["process"] == "mosquitto"
    assert figures["broker"]["memory_mb"] > 0
    assert retained(broker) == []


def test_a_simulated_node_publishes_what_a_real_one_does(broker: Mosquitto) -> None:
    """The birth message comes first, every message matches the contract, and no device is announced."""
    with closing(Subscriber(broker.settings(), *RETAINED)) as subscriber:
        figures_of(simulate(broker, "--cut-every", "0"))
        messages = [message for message in subscriber.messages if message.payload]
    assert_valid(messages)
    kinds = Counter(message.topic.split("/")[2] for message in messages)
    assert kinds["status"] == 2 * NODES
    assert kinds["health"] >= NODES
    assert kinds["state"] >= 2 * NODES
    first: dict[str, bytes] = {}
    for message in messages:
        first.setdefault(message.topic.split("/")[1], message.payload)
    assert set(first.values()) == {b"online"}
    assert not any(message.topic.startswith("homeassistant/") for message in messages)


def test_discovery_is_published_and_removed_on_request(broker: Mosquitto) -> None:
    """With `--discovery` each device is announced once and removed at the end."""
    with closing(Subscriber(broker.settings(), "homeassistant/#")) as subscriber:
        figures_of(simulate(broker, "--discovery", "--cut-every", "0"))
        assert eventually(lambda: sum(not message.payload for message in subscriber.messages) == NODES)
    assert sum(bool(message.payload) for message in subscriber.messages) == NODES
    assert retained(broker) == []


def test_all_nodes_reconnect_after_a_storm(broker: Mosquitto) -> None:
    """All connections are cut and refused for two seconds; every node then reconnects."""
    figures = figures_of(simulate(broker, "--storm", "--storm-for", "2"))
    storm = figures["storm"]
    assert (storm["lost"], storm["missing"]) == (NODES, 0)
    assert 2 <= storm["first_s"] <= storm["all_s"] < 60
    assert storm["attempts_per_s"] >= storm["accepts_per_s"] > 0


def test_all_nodes_reconnect_after_a_broker_restart(broker: Mosquitto, exit_stack: ExitStack, tmp_path: Path) -> None:
    """`--storm-command` restarts the broker; messages queued for the subscriber are not lost."""
    asked, done = tmp_path / "asked", tmp_path / "done"
    command = f"sh -c 'touch {asked}; while ! test -e {done}; do sleep 0.1; done'"
    process = start_simulation(broker, exit_stack, "--storm-command", command)
    assert eventually(asked.exists, 60)
    broker.end()
    broker.start()
    done.touch()
    out, err = process.communicate(timeout=120)
    storm = figures_of(CommandResult(process.returncode, out, err))["storm"]
    assert (storm["lost"], storm["missing"]) == (NODES, 0)
    assert retained(broker) == []


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_simulation_cleans_up(broker: Mosquitto, exit_stack: ExitStack, end: signal.Signals) -> None:
    """On SIGINT and SIGTERM the nodes disconnect cleanly first."""
    with closing(Subscriber(broker.settings(), "facenode/+/event/#")) as subscriber:
        process = start_simulation(broker, exit_stack, "--duration", "600")
        assert eventually(lambda: bool(subscriber.messages), 60)
        process.send_signal(end)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert retained(broker) == []


def test_workers_clean_up_when_their_parent_is_killed(broker: Mosquitto, exit_stack: ExitStack) -> None:
    """The worker processes notice that their parent is gone, and end."""
    with closing(Subscriber(broker.settings(), "facenode/+/event/#")) as subscriber:
        process = start_simulation(broker, exit_stack, "--duration", "600")
        assert eventually(lambda: bool(subscriber.messages), 60)
        process.kill()
        process.communicate(timeout=60)
    assert eventually(lambda: retained(broker) == [], 60)


def test_it_refuses_to_run_beside_other_simulated_nodes(broker: Mosquitto) -> None:
    """Its cleanup would remove the other simulation's nodes; `--clean` does that on request."""
    with closing(Subscriber(broker.settings(), "mark")) as other:
        other.publish("facenode/sim-00007/status", b"offline", retain=True)
        other.publish("facenode/pi-0a1b2c/status", b"offline", retain=True)
        assert eventually(lambda: len(retained(broker)) == 2)
        result = simulate(broker)
        assert result.code == 1
        assert "1 simulated node (sim-00007)" in result.err
        assert "--clean" in result.err
        cleaned = facenode("simulate", "--clean", settings=settings_of(broker))
        assert (cleaned.code, cleaned.out) == (0, "removed 1 retained message\n"), cleaned.err
        assert retained(broker) == ["facenode/pi-0a1b2c/status"]


def test_tls_and_login_come_from_the_settings(mosquitto: StartBroker, tmp_path: Path) -> None:
    """Every simulated node uses the certificate and password of the settings."""
    ours = CertificateAuthority(tmp_path / "pki")
    shown, own = ours.issue("broker"), ours.issue("sim")
    passwords, password = tmp_path / "passwords", tmp_path / "password"
    password.write_text("s3cret\n")
    passwords.touch(0o600)
    subprocess.run(("mosquitto_passwd", "-b", passwords, "sim", "s3cret"), check=True, capture_output=True)
    files = (f"cafile {ours.certificate}", f"certfile {shown.certificate}", f"keyfile {shown.key}")
    login = ("require_certificate true", "allow_anonymous false", f"password_file {passwords}")
    broker = persistent_broker(mosquitto, tmp_path, *files, *login)
    tls: Mapping[str, object] = {
        "mqtt.tls.enabled": True, "mqtt.tls.ca_file": ours.certificate,
        "mqtt.tls.cert_file": own.certificate, "mqtt.tls.key_file": own.key,
        "mqtt.username": "sim", "mqtt.password_file": password,
    }  # fmt: skip
    figures_of(simulate(broker, "--storm", "--storm-for", "1", **tls))
    password.write_text("wrong\n")
    result = simulate(broker, **tls)
    assert result.code == 1
    assert "refuses the login" in result.err


def test_mqtt_3_1_1_loses_no_event(broker: Mosquitto) -> None:
    """MQTT 3.1.1 gives no reason for a refused message, but loses none."""
    assert figures_of(simulate(broker, "--cut-every", "2", **{"mqtt.protocol": "3.1.1"}))["protocol"] == "3.1.1"


def test_denied_events_are_counted_with_their_reason(mosquitto: StartBroker, tmp_path: Path) -> None:
    """Events that an access list denies are counted as rejected, and the exit code is 1."""
    acl = tmp_path / "acl"
    acl.write_text("topic read facenode/#\ntopic readwrite facenode/+/status\n")
    result = simulate(mosquitto("allow_anonymous true", f"acl_file {acl}"))
    assert result.code == 1
    figures = json.loads(result.out)
    assert figures["events"]["rejected"] == figures["events"]["made"] > 0
    assert any("does not allow it" in sentence for sentence, _ in figures["troubles"])


def test_the_table_names_every_figure(broker: Mosquitto) -> None:
    """The table shows the same figures as the JSON."""
    options = ["simulate", "--nodes", "3", "--duration", "2", "--rate", "7200", "--storm", "--storm-for", "1"]
    result = facenode(*options, settings=settings_of(broker), timeout_s=120)
    assert result.code == 0, result.err
    names = [line.split("  ")[0] for line in result.out.splitlines()]
    for name in (
        "connect",
        "publish to receive",
        "lost",
        "duplicated",
        "storm: peak per second",
        "broker",
        "simulation",
    ):
        assert name in names
    assert "all nodes have reconnected" in result.err


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
def test_bad_input_is_one_error_line(options: tuple[str, ...], code: int, words: str) -> None:
    """Nothing is started and no traceback is printed."""
    result = facenode("simulate", *options, settings={"mqtt.port": 9})
    assert result.code == code, result.err
    assert words in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("command", "words"), [("false", "exited with code 1"), ("/nonexistent/restart", "No such file")]
)
def test_a_failing_storm_command_ends_the_run_and_cleans_up(broker: Mosquitto, command: str, words: str) -> None:
    """A storm that did not happen must not look like one without losses."""
    result = simulate(broker, "--storm-command", command)
    assert result.code == 1
    assert words in result.err
    assert "Traceback" not in result.err
    assert retained(broker) == []
