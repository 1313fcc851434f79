"""What the first run asks of this machine and its network: cameras, brokers, time zone, service, terminal."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from node.camera.connected import Capability, ConnectedCamera, connected_cameras
from node.commands.setup.terminal import Terminal
from node.errors import SetupError, UsageError
from node.mqtt import reason_codes
from node.setup.cures import cure
from node.setup.dialogue import Ask, Dialogue, Say, ask_yes, choose
from node.setup.local_machine import LocalMachine
from node.setup.network_search import HOME_ASSISTANT, MQTT, Announcement, find_brokers
from node.setup.systemd_service import SystemdService
from node.setup.world import FoundBroker, LoginResult

_CAPTURE, _METADATA, _CODEC = 0x1, 0x00800000, 0x00004000


def test_a_pis_own_devices_are_no_webcams(tmp_path: Path) -> None:
    """A Pi has a dozen video devices besides its camera; many webcams have a second device without images."""
    (tmp_path / "v4l" / "by-id").mkdir(parents=True)
    what = {
        "video0": Capability("uvcvideo", "HD Webcam", _CAPTURE),
        "video1": Capability("uvcvideo", "HD Webcam", _METADATA),
        "video2": Capability("bcm2835-codec", "bcm2835-codec-decode", _CAPTURE | _CODEC),
        "video10": Capability("uvcvideo", "", _CAPTURE),
        "video9": Capability("unicam", "unicam", _CAPTURE),
        "video3": None,
    }
    for name in (*what, "video-of-mine"):
        (tmp_path / name).touch()
    (tmp_path / "v4l" / "by-id" / "usb-HD-index0").symlink_to(tmp_path / "video0")
    assert connected_cameras(tmp_path, lambda path: what[path.name], lambda: ["imx708"]) == [
        ConnectedCamera("picamera", "Pi camera imx708"),
        ConnectedCamera(f"webcam:{tmp_path}/v4l/by-id/usb-HD-index0", "HD Webcam"),
        ConnectedCamera("webcam:10", "video10"),
    ]


def test_what_is_no_video_device_is_no_camera(tmp_path: Path) -> None:
    """The kernel itself is asked."""
    (tmp_path / "video0").write_bytes(b"")
    assert connected_cameras(tmp_path, pi_cameras=list) == []


def found(
    *announcements: Announcement, names: dict[str, str] | None = None, local: bool = False
) -> tuple[FoundBroker, ...]:
    """Return the brokers among announcements, with the names that the system resolves."""
    return find_brokers(lambda: announcements, (names or {}).get, lambda _host, _port: local)


def test_home_assistant_comes_first_and_its_broker_has_the_usual_port() -> None:
    """It announces its web page, at 8123."""
    home = Announcement(HOME_ASSISTANT, "Home", "homeassistant.local.", 8123, ("192.168.1.10",))
    broker = Announcement(MQTT, "Attic", "attic.local.", 1884, ("192.168.1.11",))
    names = {"homeassistant.local": "192.168.1.10", "attic.local": "192.168.1.11"}
    assert found(broker, home, names=names, local=True) == (
        FoundBroker("homeassistant.local", 1883, "Home", "192.168.1.10", home_assistant=True),
        FoundBroker("attic.local", 1884, "Attic", "192.168.1.11"),
        FoundBroker("localhost", 1883, "on this machine"),
    )


def test_a_name_that_the_system_does_not_resolve_is_offered_by_its_address() -> None:
    """The node has to find it each time that it connects."""
    assert found(Announcement(MQTT, "Attic", "attic.local.", 1883, ("192.168.1.11",))) == (
        FoundBroker("192.168.1.11", 1883, "Attic", ""),
    )
    assert found(Announcement(MQTT, "Attic", "attic.local.", 1883)) == ()


@pytest.mark.parametrize("host", ["a b.local.", "h\n.local.", "mqtt://u:p@h", "", "-.", "x" * 300, "a;rm -rf"])
def test_a_forged_host_is_not_offered(host: str) -> None:
    """MDNS says what anybody says."""
    assert found(Announcement(MQTT, "x", host, 1883, ("192.168.1.11",)), names={host.rstrip("."): "1.2.3.4"}) == ()


def test_a_forged_name_cannot_move_the_cursor_and_many_answers_are_bounded() -> None:
    """Names are cut, and so is their number."""
    forged = [Announcement(MQTT, f"\x1b[2J{'x' * 100}", f"h{n}", 1883, (f"10.0.0.{n}",)) for n in range(1, 100)]
    brokers = found(*forged)
    assert len(brokers) == 32
    assert all(each.name.isprintable() and len(each.name) <= 64 for each in brokers)


def zone(folder: Path, link: str | None, name: str | None) -> str | None:
    """Return the time zone of a machine with these files."""
    (folder / "etc").mkdir()
    if link is not None:
        (folder / "etc/localtime").symlink_to(link)
    if name is not None:
        (folder / "etc/timezone").write_text(name, encoding="utf-8")
    return LocalMachine(folder).timezone()


@pytest.mark.parametrize(
    ("link", "name", "expected"),
    [
        ("/usr/share/zoneinfo/Europe/Berlin", None, "Europe/Berlin"),
        ("../usr/share/zoneinfo/America/Argentina/Salta", None, "America/Argentina/Salta"),
        (None, "Europe/Paris\n", "Europe/Paris"),
        ("/usr/share/zoneinfo/Etc/UTC", "Etc/UTC", None),
        (None, "../../etc/shadow", None),
        (None, None, None),
    ],
)
def test_the_time_zone_of_the_machine(tmp_path: Path, link: str | None, name: str | None, expected: str | None) -> None:
    """UTC is what a machine has whose owner was never asked."""
    assert zone(tmp_path, link, name) == expected


def service(codes: dict[str, tuple[int, str]], tmp_path: Path) -> tuple[SystemdService, list[Sequence[str]]]:
    """Return a service on a machine with systemd, and the commands that it runs."""
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> tuple[int, str]:
        ran.append(command)
        return codes.get(command[1], (0, ""))

    return SystemdService(lambda: tmp_path / "none", managed=True, run=run, booted=tmp_path), ran


def test_the_service_is_enabled_and_restarted(tmp_path: Path) -> None:
    """So that it also starts with the machine."""
    systemd, ran = service({}, tmp_path)
    assert systemd.present
    systemd.restart()
    assert [command[1] for command in ran] == ["cat", "enable", "restart"]
    assert systemd.report() is None


def test_a_service_that_does_not_start_says_where_to_look(tmp_path: Path) -> None:
    """Systemctl's own first line, and the journal."""
    systemd, _ = service({"restart": (1, "Job failed.\nMore"), "cat": (1, "")}, tmp_path)
    assert not systemd.present
    with pytest.raises(SetupError, match=r"^systemctl restart facenode.service: Job failed\.: .*journalctl"):
        systemd.restart()


def small_dialogue() -> Dialogue[tuple[int, bool]]:
    """Say and ask something long."""
    yield Say("Broker", heading=True)
    yield Say("A sentence that is far longer than forty columns, with https://example.org/a/very/long/address-in-it.")
    yield Say("x" * 100, problem=True)
    picked = yield from choose("Which one of the many brokers that were found", ["one", "two"])
    agreed = yield from ask_yes("Is that so, and is this question longer than a line?", default=False)
    yield Ask("Password", secret=True)
    return picked, agreed


def test_a_terminal_of_40_columns_shows_every_line_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is cut, and no line is wider, prompts included."""
    prompts: list[str] = []
    typed = iter(["2", "y"])

    def read(prompt: str) -> str:
        prompts.append(prompt)
        return next(typed)

    def read_secret(prompt: str) -> str:
        prompts.append(prompt)
        return "secret"

    terminal = Terminal(lambda: 40, read, read_secret)
    assert terminal.run(small_dialogue()) == (1, True)
    lines = [*capsys.readouterr().out.splitlines(), *prompts]
    assert max(map(len, lines)) <= 40
    assert "".join(lines).count("x") >= 100
    assert prompts[-1] == "Password: "


def test_without_anybody_who_types_the_way_is_a_file_of_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe that ends is no owner."""

    def read(prompt: str) -> str:
        raise EOFError(prompt)

    with pytest.raises(UsageError, match="use --answers"):
        Terminal(lambda: 80, read).run(small_dialogue())
    capsys.readouterr()


@pytest.mark.parametrize("width", [0, 1, 5, 10_000])
def test_no_width_of_a_terminal_ends_the_first_run(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal may say nonsense."""
    typed = iter(["1", "n"])
    terminal = Terminal(lambda: width, lambda _: next(typed), lambda _: "")
    assert terminal.run(small_dialogue()) == (0, False)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_a_cure_names_no_setting() -> None:
    """Somebody in the first run has not seen the settings file."""
    problem = "h:1883: no answer: check mqtt.host and mqtt.port, and any firewall in between"
    text = cure(LoginResult("tcp", problem))
    assert text.startswith("h:1883: no answer: check name and port, and any firewall in between. In Home Assistant")
    assert "mqtt." not in text


def sentences() -> Iterator[str]:
    """Yield what `node.mqtt.reason_codes` says about a broker that cannot be used."""
    yield from (reason_codes.describe_connack(code) for code in range(0x80, 0xA0))
    errors = [socket.gaierror(), TimeoutError(), ConnectionRefusedError(), ConnectionResetError(), OSError(1, "x")]
    for code in range(70):
        errors.append(verify := ssl.SSLCertVerificationError())
        verify.verify_code, verify.verify_message = code, "self-signed"
    alerts = ("CERTIFICATE_REQUIRED", "WRONG_VERSION_NUMBER", "HANDSHAKE_FAILURE", "UNEXPECTED_EOF")
    errors += map(ssl.SSLError, alerts)
    yield from (reason_codes.describe_error(error, "h", 1883) for error in errors)


def test_no_sentence_about_a_broker_names_a_setting_in_the_first_run() -> None:
    """Whatever `facenode check` can say of a broker has words of the first run."""
    for step in ("name", "tcp", "tls", "login", "message", "will", "retained", "discovery"):
        for problem in sentences():
            text = cure(LoginResult(step, problem))
            assert "mqtt." not in text.replace(".mqtt.", ""), text
            assert "node.id" not in text, text
