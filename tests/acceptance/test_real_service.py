"""README.md, "Keep it running", typed on a booted Debian: a service that survives a reboot."""

import json
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from checkout_copy import copy_checkout
from debian_root import CACHE
from fleethosts import Hosts
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually

from tests.docs.pages import ROOT, blocks

_USER = "pat"
_INSTALL_S = 900.0
_SEEN_S, _BACK_S = 30.0, 120.0
_TOPIC = "facenode/front-door"
pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(shutil.which("git") is None, reason="a copy of the checkout needs git (apt install git)"),
]


@pytest.fixture(params=[12, 13], ids=["bookworm", "trixie"])
def hosts(request: pytest.FixtureRequest, media_dir: Path) -> Iterator[Hosts]:
    """Return one booted Debian with a checkout and a photo of Ada in the home of a user with sudo."""
    CACHE.mkdir(exist_ok=True)
    # Not in /tmp, which may be an overlay itself and then cannot be a layer of another.
    folder = Path(tempfile.mkdtemp(prefix="service-", dir=CACHE))
    try:
        found = Hosts((request.param,), folder / "hosts")
        disk = found.all[0].disk
        copy_checkout(disk / "srv/facenode")
        shutil.copy(media_dir / "astronaut.jpg", disk / "srv/facenode/photo1.jpg")
        if Path("/etc/pip.conf").exists():
            shutil.copy("/etc/pip.conf", disk / "etc/pip.conf")
        with found:
            found.ssh(
                found.all[0],
                f"useradd --create-home --shell /bin/bash {_USER} && mv /srv/facenode /home/{_USER} && "
                f"chown -R {_USER}: /home/{_USER} && echo '{_USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{_USER}",
            )
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def typed(hosts: Hosts) -> Callable[[str], str]:
    """Return a function that types lines in the checkout and returns their output; it fails if one fails."""

    def type_in(lines: str) -> str:
        program = shlex.quote(f"set -euo pipefail\ncd facenode\n{lines}")
        return hosts.ssh(hosts.all[0], f"su - {_USER} -c {program}", _INSTALL_S)

    return type_in


def test_a_node_is_kept_running_as_the_readme_says(
    hosts: Hosts, typed: Callable[[str], str], media_dir: Path, tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """The service recognizes people, enrolls by `sudo`, survives a reboot, and can be disabled."""
    broker = Mosquitto(tmp_path / "broker").start()
    subscriber = Subscriber(broker.settings(), "facenode/#")
    try:
        with MjpegCamera((media_dir / "astronaut.jpg").read_bytes()) as camera:
            typed(_settings(camera.url, broker.port))
            typed(_block("systemctl enable --now facenode"))
            assert eventually(lambda: bool(subscriber.on(f"{_TOPIC}/event/unknown")), _SEEN_S), subscriber.messages
            typed("sudo facenode people add ada photo1.jpg")
            assert eventually(lambda: "ada" in _named(subscriber), _SEEN_S), subscriber.messages
            before = len(subscriber.on(f"{_TOPIC}/status"))
            hosts.try_ssh(hosts.all[0], "systemctl reboot")
            assert eventually(lambda: b"online" in subscriber.on(f"{_TOPIC}/status")[before:], _BACK_S)
            assert eventually(lambda: hosts.started(hosts.all[0]), _BACK_S)
            assert "camera ok" in hosts.ssh(hosts.all[0], "systemctl status facenode")
            typed("sudo systemctl disable --now facenode")
            assert eventually(lambda: subscriber.on(f"{_TOPIC}/status")[-1] == b"offline", _SEEN_S)
        print_line(f"Debian {hosts.all[0].debian}: the README's service runs, also after a reboot")
    finally:
        subscriber.close()
        broker.end()


def _settings(camera: str, port: int) -> str:
    """Return the lines that write the README's settings, for this camera and broker."""
    lines = _block("cat >facenode.toml").partition("facenode check")[0]
    lines = lines.replace("webcam:0", f"video:{camera}").replace('"localhost"', f'"localhost:{port}"')
    return f"{lines}printf '\\n[node]\\nid = \"front-door\"\\n' >>facenode.toml\necho secret >~/mqtt-password"


def _block(words: str) -> str:
    return next(block.text for block in blocks(ROOT / "README.md") if words in block.text)


def _named(subscriber: Subscriber) -> set[str]:
    return {json.loads(payload)["person"]["id"] for payload in subscriber.on(f"{_TOPIC}/event/recognized")}
