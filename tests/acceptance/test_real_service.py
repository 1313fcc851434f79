"""docs/by-hand.md, "Keep it running", typed on a booted Debian: a service that survives a reboot."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually
from service_host import ServiceHost, service_host

_SEEN_S, _BACK_S = 30.0, 120.0
_TOPIC = "facenode/front-door"
pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(shutil.which("git") is None, reason="a copy of the checkout needs git (apt install git)"),
]


@pytest.fixture(params=[12, 13], ids=["bookworm", "trixie"])
def machine(request: pytest.FixtureRequest, media_dir: Path) -> Iterator[ServiceHost]:
    """Return one booted Debian."""
    with service_host(request.param, media_dir / "astronaut.jpg") as machine:
        yield machine


def test_a_node_is_kept_running_as_the_readme_says(
    machine: ServiceHost, media_dir: Path, tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """The service recognizes people, enrolls by `sudo`, survives a reboot, and can be disabled."""
    broker = Mosquitto(tmp_path / "broker").start()
    subscriber = Subscriber(broker.settings(), "facenode/#")
    hosts, host = machine.hosts, machine.host
    try:
        with MjpegCamera((media_dir / "astronaut.jpg").read_bytes()) as camera:
            machine.install(camera.url, broker.port)
            assert eventually(lambda: bool(subscriber.on(f"{_TOPIC}/event/unknown")), _SEEN_S), subscriber.messages
            machine.type("sudo facenode people add ada photo1.jpg")
            assert eventually(lambda: "ada" in _named(subscriber), _SEEN_S), subscriber.messages
            before = len(subscriber.on(f"{_TOPIC}/status"))
            hosts.try_ssh(host, "systemctl reboot")
            assert eventually(lambda: b"online" in subscriber.on(f"{_TOPIC}/status")[before:], _BACK_S)
            assert eventually(lambda: hosts.started(host), _BACK_S)
            assert eventually(lambda: "camera ok" in hosts.ssh(host, "systemctl status facenode"), _SEEN_S)
            machine.type("sudo systemctl disable --now facenode")
            assert eventually(lambda: subscriber.on(f"{_TOPIC}/status")[-1] == b"offline", _SEEN_S)
        print_line(f"Debian {host.debian}: the README's service runs, also after a reboot")
    finally:
        subscriber.close()
        broker.end()


def _named(subscriber: Subscriber) -> set[str]:
    return {json.loads(payload)["person"]["id"] for payload in subscriber.on(f"{_TOPIC}/event/recognized")}
