"""`facenode setup --answers` against a real broker with a login, and the node that it sets up."""

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from certificate_authority import CertificateAuthority
from facenode_command import CommandResult, environment, facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually

from node.settings.loader import load
from node.setup.first_run import enroll_once, wait_online
from node.setup.network_search import MQTT, browse_network
from node.setup.schema import parse
from node.setup.systemd_service import SystemdService

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]
_TIMEOUT_S = 300.0


@pytest.fixture
def broker(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Mosquitto:
    """Return a broker that lets in `facenode` with the password `right` alone."""
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run(("mosquitto_passwd", "-b", passwords, "facenode", "right"), check=True, capture_output=True)
    return mosquitto("allow_anonymous false", f"password_file {passwords}")


def written(
    folder: Path, broker: Mosquitto, camera: str, login: tuple[str, str] = ("facenode", "right"), more: str = ""
) -> Path:
    """Return a file of answers beside a password."""
    (folder / "password").write_text(f"{login[1]}\n", encoding="utf-8")
    file = folder / "answers.toml"
    file.write_text(
        f"""
[camera]
source = "{camera}"
[broker]
host = "{broker.host}"
port = {broker.port}
username = "{login[0]}"
password_file = "password"
{more}
[node]
id = "hall"
name = "Hall"
timezone = "Europe/Berlin"
[person]
name = "Eileen"
""",
        encoding="utf-8",
    )
    return file


def set_up(answers: Path, config: Path) -> CommandResult:
    """Run the command."""
    return facenode("setup", "--answers", answers, "--config", config, settings={}, timeout_s=_TIMEOUT_S)


def _has(subscriber: Subscriber, status: bytes) -> bool:
    return status in subscriber.on("facenode/hall/status")


def login(broker: Mosquitto, folder: Path) -> Subscriber:
    """Return a subscriber with the login of the node."""
    file = folder / "subscriber-password"
    file.write_text("right", encoding="utf-8")
    return Subscriber(broker.settings(username="facenode", password_file=file), "facenode/#")


@contextmanager
def service(config: Path) -> Iterator[SystemdService]:
    """Return the service of a machine, whose `systemctl restart` starts a real node."""
    started: list[subprocess.Popen[bytes]] = []

    def run(command: Sequence[str]) -> tuple[int, str]:
        if command[1] == "restart":
            arguments = [sys.executable, "-m", "node.cli", "run", "--config", str(config)]
            started.append(subprocess.Popen(arguments, env=environment({}), stderr=subprocess.DEVNULL))
        return 0, ""

    storage = load(config, environ={}).storage.dir
    try:
        yield SystemdService(lambda: storage, managed=True, run=run, booted=config.parent)
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_the_answers_become_a_node_that_is_online_and_knows_somebody(
    broker: Mosquitto, portrait_folder: Path, tmp_path: Path
) -> None:
    """From a file of answers to the first `recognized` at a subscriber; nothing of the results stays at the broker."""
    config = tmp_path / "etc" / "facenode.toml"
    answers = written(tmp_path, broker, f"images:{portrait_folder}")
    done = set_up(answers, config)
    assert done.code == 0, done.err
    assert "It sees one face" in done.out
    assert "Start the node: facenode run --config" in " ".join(done.out.split())
    with closing(login(broker, tmp_path)) as subscriber:
        time.sleep(0.5)  # what is retained comes at once
        assert [message.topic for message in subscriber.messages if message.retained] == []
        with service(config) as systemd:
            systemd.restart()
            wait_online(systemd)
            assert subscriber.on("facenode/hall/status")[-1] == b"online"
            person = parse(
                {
                    "camera": {"source": "webcam:0"},
                    "broker": {"host": "h"},
                    "person": {"id": "eileen", "name": "Eileen"},
                }
            )
            assert enroll_once(systemd, person).text == "The node knows Eileen."
            named = ("facenode/hall/event/recognized", "facenode/hall/event/changed")
            assert eventually(lambda: any(subscriber.on(topic) for topic in named), 60)
            event = json.loads(next(subscriber.on(topic)[0] for topic in named if subscriber.on(topic)))
            assert event["person"]["id"] == "eileen"
            again = set_up(answers, config)  # the running node holds id and camera: all is as it was
            assert again.code == 0, again.err
            assert "The running node uses it" in again.out


def test_settings_are_for_their_owner_and_a_second_run_keeps_a_copy(
    broker: Mosquitto, portrait_folder: Path, tmp_path: Path
) -> None:
    """The password is in no output and not in the settings file."""
    config = tmp_path / "etc" / "facenode.toml"
    for _ in range(2):
        done = set_up(written(tmp_path, broker, f"images:{portrait_folder}"), config)
        assert done.code == 0, done.err
        assert "right" not in done.out + done.err
    names = ["facenode.toml", "facenode.toml.previous", "mqtt-password"]
    assert sorted(path.name for path in config.parent.iterdir()) == names
    assert {path.stat().st_mode & 0o777 for path in config.parent.iterdir()} == {0o600}
    assert b"right" not in config.read_bytes()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("wrong", "broker: {where}: the broker refuses the login: check username and password. With Home"),
        ("right", "camera.source: webcam:/dev/facenode-none: /dev/facenode-none does not exist: plug the camera in"),
    ],
)
def test_what_does_not_work_is_one_sentence_and_nothing_is_written(
    broker: Mosquitto, portrait_folder: Path, tmp_path: Path, typed: str, sentence: str
) -> None:
    """The login and the camera are tested before anything is written."""
    config = tmp_path / "etc" / "facenode.toml"
    source = f"images:{portrait_folder}" if typed == "wrong" else "webcam:/dev/facenode-none"
    done = set_up(written(tmp_path, broker, source, login=("facenode", typed)), config)
    assert done.code == 1
    assert done.err.startswith(f"facenode: {sentence.format(where=f'{broker.host}:{broker.port}')}")
    assert len(done.err.strip().splitlines()) == 1
    assert not config.parent.exists()


def test_the_id_of_another_node_is_refused(broker: Mosquitto, portrait_folder: Path, tmp_path: Path) -> None:
    """Its retained status says that it is there; the place of one that is offline is taken on demand only."""
    config = tmp_path / "etc" / "facenode.toml"
    answers = written(tmp_path, broker, f"images:{portrait_folder}")
    with closing(login(broker, tmp_path)) as other:
        for status, sentence in ((b"online", "is online with the id hall"), (b"offline", "add take_over = true")):
            other.publish("facenode/hall/status", status, retain=True)
            assert eventually(partial(_has, other, status))
            done = set_up(answers, config)
            assert (done.code, sentence in done.err) == (1, True), done.err
            assert other.on("facenode/hall/status")[-1] == status
    assert not config.parent.exists()
    text = answers.read_text(encoding="utf-8").replace('id = "hall"', 'id = "hall"\ntake_over = true')
    answers.write_text(text, encoding="utf-8")
    done = set_up(answers, config)
    assert done.code == 0, done.err


def test_a_broker_with_an_unknown_authority_is_refused_until_its_certificate_is_given(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path
) -> None:
    """The sentence says what to give; the certificate is kept beside the settings."""
    config = tmp_path / "etc" / "facenode.toml"
    authority = CertificateAuthority(tmp_path / "authority")
    issued = authority.issue("broker")
    broker = mosquitto("allow_anonymous true", f"certfile {issued.certificate}", f"keyfile {issued.key}")
    done = set_up(written(tmp_path, broker, f"images:{portrait_folder}", more="tls = true"), config)
    assert done.code == 1
    assert "signed by an unknown authority: give the file of that authority's certificate" in done.err
    assert not config.parent.exists()
    given = f'tls = true\nca_file = "{os.path.relpath(authority.certificate, tmp_path)}"'
    done = set_up(written(tmp_path, broker, f"images:{portrait_folder}", more=given), config)
    assert done.code == 0, done.err
    assert (config.parent / "mqtt-ca.pem").read_bytes().strip() == authority.certificate.read_bytes().strip()


def test_ctrl_c_on_a_terminal_says_that_nothing_was_changed(tmp_path: Path) -> None:
    """A real terminal of 40 columns, and its interrupt character."""
    config = tmp_path / "etc" / "facenode.toml"
    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    # `setsid --ctty` makes it the terminal of the command, so that its interrupt character is a signal. Tests in the
    # background of a shell inherit that this signal is ignored.
    command = ["setsid", "--ctty", "--wait", "env", "--unset=COLUMNS", "--default-signal=INT"]
    process = subprocess.Popen(
        [*command, sys.executable, "-m", "node.cli", "setup", "--config", str(config)],
        env=environment({}), stdin=terminal, stdout=terminal, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    shown = bytearray()
    try:
        while not shown.rstrip().endswith((b"]:", b"again:")):
            shown += read_within(controller, _TIMEOUT_S)
        os.write(controller, b"\x03")
        with suppress(OSError):  # what Linux says when the other side is closed
            while part := read_within(controller, _TIMEOUT_S):
                shown += part
        assert process.wait(_TIMEOUT_S) == 130
    finally:
        os.close(controller)
        process.kill()
        process.wait()
    text = shown.decode()
    assert "Nothing was changed." in " ".join(text.split())
    assert max(map(len, text.replace("^C", "").splitlines())) <= 40
    assert not config.parent.exists()


def read_within(terminal: int, seconds: float) -> bytes:
    """Return what a terminal shows next."""
    ready, _, _ = select.select([terminal], [], [], seconds)
    assert ready, f"nothing was shown for {seconds} s"
    return os.read(terminal, 1024)


def test_a_broker_that_announces_itself_is_found() -> None:
    """A real announcement by mDNS, on loopback."""
    zeroconf = pytest.importorskip("zeroconf")
    kind = MQTT
    info = zeroconf.ServiceInfo(
        kind, f"Attic.{kind}", port=1884, parsed_addresses=["127.0.0.1"], server="attic-facenode-test.local."
    )
    with zeroconf.Zeroconf(["127.0.0.1"]) as network:
        network.register_service(info)
        found = browse_network(3.0, ["127.0.0.1"])
        network.unregister_service(info)
    assert [(each.name, each.host, each.port) for each in found if each.name == "Attic"] == [
        ("Attic", "attic-facenode-test.local.", 1884)
    ]
