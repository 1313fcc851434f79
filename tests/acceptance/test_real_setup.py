"""`facenode setup` on a booted Debian: by a file of answers, and the units of the page's first run."""

import json
import shlex
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually
from page_browser import PageBrowser
from service_host import ServiceHost, block, service_host

_SEEN_S, _STEP_S = 120.0, 300.0
_RUN = "/run/facenode-setup"
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(shutil.which("git") is None, reason="a copy of the checkout needs git (apt install git)"),
]


@pytest.fixture(params=[12, 13], ids=["bookworm", "trixie"])
def machine(request: pytest.FixtureRequest, media_dir: Path) -> Iterator[ServiceHost]:
    """Return one booted Debian with the program, the user and the units, but without settings."""
    with service_host(request.param, media_dir / "astronaut.jpg") as machine:
        lines = block("systemctl enable --now facenode")
        before = lines.partition("sudo install -d /etc/facenode")[0].replace("install .", "install '.[page]'")
        units = "sudo install -m 644 node/systemd/facenode*.* /etc/systemd/system/\nsudo systemctl daemon-reload"
        machine.type(f"{before}\nsudo install -d /etc/facenode\n{units}")
        yield machine


@pytest.fixture
def broker(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Mosquitto:
    """Return a broker that lets in `facenode` with the password `right` alone."""
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run(("mosquitto_passwd", "-b", passwords, "facenode", "right"), check=True, capture_output=True)
    return mosquitto("allow_anonymous false", f"password_file {passwords}")


def answers(broker: Mosquitto, source: str, name: str) -> dict[str, dict[str, object]]:
    """Return answers."""
    return {
        "camera": {"source": source},
        "broker": {"host": broker.host, "port": broker.port, "username": "facenode", "password": "right"},
        "node": {"id": "front-door", "name": name, "timezone": "Europe/Berlin"},
    }


def toml(fields: dict[str, dict[str, object]]) -> str:
    """Return answers as a file."""
    return "\n".join(
        line
        for section, given in fields.items()
        for line in (f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in given.items()))
    )


def insecure() -> ssl.SSLContext:
    """Return what takes a certificate that no authority knows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def put(machine: ServiceHost, path: str, content: str, user: str) -> None:
    """Write a file as a user, complete when it appears."""
    line = f"printf '%s' {shlex.quote(content)} >{path}.part && mv {path}.part {path}"
    machine.type(f"sudo runuser -u {user} -- sh -c {shlex.quote(line)}")


def test_answers_from_a_file_lead_to_the_first_event(
    machine: ServiceHost, broker: Mosquitto, media_dir: Path, tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """Settings, service, online, enrolled, recognized; again with other answers; then by the page's units."""
    secret = tmp_path / "secret"
    secret.write_text("right", encoding="utf-8")
    login = broker.settings(username="facenode", password_file=secret)
    with (
        closing(Subscriber(login, "facenode/#")) as subscriber,
        MjpegCamera((media_dir / "astronaut.jpg").read_bytes()) as camera,
    ):
        given = answers(broker, f"video:{camera.url}", "Front door") | {"person": {"name": "Eileen"}}
        put(machine, "/root/answers.toml", toml(given), "root")
        began_s = time.monotonic()
        shown = machine.type("sudo facenode setup --answers /root/answers.toml")
        online_s = time.monotonic() - began_s
        assert "The node is online." in shown
        assert "The node knows Eileen." in shown
        named = "facenode/front-door/event/recognized", "facenode/front-door/event/changed"
        assert eventually(lambda: any(subscriber.on(topic) for topic in named), _SEEN_S), subscriber.messages
        seen_s = time.monotonic() - began_s
        modes = machine.type("sudo stat -c '%a %U %G %n' /etc/facenode/*").split("\n")
        assert modes[:2] == [
            "640 root facenode /etc/facenode/facenode.toml",
            "640 root facenode /etc/facenode/mqtt-password",
        ]
        assert machine.type("systemctl is-enabled facenode").strip() == "enabled"
        again = machine.type("sudo facenode setup --answers /root/answers.toml")
        assert "The running node uses it" in again
        print_line(
            f"Debian {machine.host.debian}: setup by answers took {online_s:.0f} s to online and enrolled, "
            f"{seen_s:.0f} s to the first event"
        )
        by_page(machine, broker)


def by_page(machine: ServiceHost, broker: Mosquitto) -> None:
    """Hand answers over as the page does: root takes good ones with the code, and nothing else."""
    refused = machine.type("sudo facenode setup --page 2>&1 || true")
    assert "exists: use --again" in refused
    machine.type(
        "sudo systemd-run --unit=first-page --quiet -p StandardOutput=file:/root/page.txt facenode setup --page --again"
    )
    assert eventually(lambda: "fingerprint" in machine.type("sudo cat /root/page.txt || true"), _STEP_S)
    said = dict(line.split(None, 1) for line in machine.type("sudo cat /root/page.txt").splitlines())
    before = machine.type("sudo cat /etc/facenode/facenode.toml")
    browser = PageBrowser(8470, insecure())  # all hosts of a test share the loopback address
    assert browser.open("/").status == 401  # nothing is shown without the code
    good = answers(broker, "webcam:0", "Porch")

    def handed(code: str, fields: dict[str, dict[str, object]], browser: str = "b1") -> dict[str, object]:
        machine.type(f"sudo rm -f {_RUN}/result.json")
        content = json.dumps({"code": code, "browser": browser, "answers": fields})
        put(machine, f"{_RUN}/inbox/answers.json", content, "facenode")
        assert eventually(lambda: machine.type(f"sudo cat {_RUN}/result.json 2>/dev/null || true") != "", _STEP_S)
        result: dict[str, object] = json.loads(machine.type(f"sudo runuser -u facenode -- cat {_RUN}/result.json"))
        return result

    assert "the code is wrong" in str(handed("aaaa-bbbb-cccc", good)["sentence"])
    assert "there is no such answer" in str(handed(said["code"], good | {"storage": {"dir": "/etc"}})["sentence"])
    assert "cameras of this machine" in str(handed(said["code"], answers(broker, "images:/root", "x"))["sentence"])
    assert machine.type("sudo cat /etc/facenode/facenode.toml") == before
    assert "another browser" in str(handed(said["code"], good, "b2")["sentence"])
    assert handed(said["code"], good | {"page": {"keep": True}}) == {"ok": True, "sentence": ""}
    assert 'door = "lan"' in machine.type("sudo cat /etc/facenode/facenode.toml")
    assert 'name = "Porch"' in machine.type("sudo cat /etc/facenode/facenode.toml")
    assert machine.type("sudo cat /etc/facenode/facenode.toml.previous") == before
    machine.type("sudo systemctl stop first-page")
    assert machine.type(f"test -e {_RUN} && echo left || echo gone").strip() == "gone"
    assert machine.type("systemctl is-active facenode-setup.path || true").strip() == "inactive"
    unit = "facenode-page.socket"
    assert eventually(lambda: machine.type(f"systemctl is-active {unit} || true").strip() == "active", _STEP_S)
    assert machine.type(f"systemctl is-enabled {unit}").strip() == "enabled"
    assert browser.open("/").status == 401  # the page for every day; nobody clicked here, so it has no password yet
    assert "Log in" in browser.page.words
