"""The Debian package on booted hosts: from nothing to the first event, updated, taken back, removed and purged."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from debian_packages import FIRST, KINDS, NEW, build_package, first_wheel, new_wheel
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually
from package_host import PackageHost, package_host

pytestmark = pytest.mark.timeout(7200)
PrintLine = Callable[[str], None]
_SEEN_S = 180.0
_LOGIN = ("porch", "a long password of the porch")
_TOPIC = "facenode/porch"


@dataclass(frozen=True, slots=True)
class Packages:
    """The packages for one Debian.

    Attributes:
        debian: its release.
        first: version 0.1.0.
        new: this checkout.
    """

    debian: int
    first: Path
    new: Path


class Watched:
    """A node, the camera in front of it and its broker; collects what it publishes over restarts of the broker.

    Attributes:
        broker: the broker, with a login; not started.
        events: the events of the node, live and late ones.
    """

    def __init__(self, machine: PackageHost, camera: MjpegCamera, folder: Path) -> None:
        passwords, self._password = folder / "passwords", folder / "password"
        subprocess.run(("mosquitto_passwd", "-b", "-c", passwords, *_LOGIN), check=True, capture_output=True)
        self._password.write_text(_LOGIN[1])
        self.broker = Mosquitto(folder / "broker", ("allow_anonymous false", f"password_file {passwords}"))
        self.events: list[dict[str, Any]] = []
        self._machine, self._camera, self._shown = machine, camera, camera.contents
        self._empty = (cv2.imencode(".jpg", np.full((512, 512, 3), 128, np.uint8))[1].tobytes(),)

    def set_up(self) -> None:
        """Write the settings by hand, which version 0.1.0 reads, too, and enroll Ada."""
        self._machine.write("/etc/facenode/password", _LOGIN[1])
        settings = (
            f'[node]\nid = "porch"\n[camera]\nsource = "video:{self._camera.url}"\n[mqtt]\nhost = "127.0.0.1"\n'
            f'port = {self.broker.port}\nusername = "{_LOGIN[0]}"\npassword_file = "/etc/facenode/password"\n'
            "[events]\nleave_after_s = 1\ncool_down_s = 0\n"
        )
        self._machine.write("/etc/facenode/facenode.toml", settings)
        self._machine.type("facenode people add ada /srv/astronaut.jpg")

    def answers(self) -> str:
        """Return the answers of the first run, as a file."""
        login = f'host = "127.0.0.1"\nport = {self.broker.port}\nusername = "{_LOGIN[0]}"\npassword = "{_LOGIN[1]}"'
        return (
            f'[camera]\nsource = "video:{self._camera.url}"\n[broker]\n{login}\n'
            '[node]\nid = "porch"\nname = "Porch"\ntimezone = "Europe/Berlin"\n[person]\nname = "Ada"\n'
        )

    def subscriber(self) -> Subscriber:
        """Return a subscriber with the login of the node."""
        return Subscriber(self.broker.settings(username=_LOGIN[0], password_file=str(self._password)), "facenode/#")

    def pass_by(self, times: int) -> None:
        """Let Ada leave and come back, each time until an event of each waits for the broker."""
        for shown in (self._empty, self._shown) * times:
            before = self._machine.unsent()
            self._camera.contents = shown
            assert eventually(lambda before=before: self._machine.unsent() > before, _SEEN_S)  # type: ignore[misc]

    def deliver(self) -> None:
        """Let the node deliver all that is unsent, and go on without a broker.

        It is stopped while the broker starts, so that the subscriber is there first, and before the broker ends, so
        that `offline` is the last message.
        """
        self._machine.type("systemctl stop facenode")
        self.broker.start()
        with closing(self.subscriber()) as subscriber:
            self._machine.type("systemctl start facenode")
            assert eventually(lambda: b"online" in subscriber.on(f"{_TOPIC}/status"), _SEEN_S)
            assert eventually(lambda: self._machine.unsent() == 0, _SEEN_S)
            self._machine.type("systemctl stop facenode")
            assert eventually(lambda: subscriber.on(f"{_TOPIC}/status")[-1] == b"offline", _SEEN_S)
            kinds = (f"{_TOPIC}/event/", f"{_TOPIC}/late/event/")
            self.events += [json.loads(each.payload) for each in subscriber.messages if each.topic.startswith(kinds)]
        self.broker.end()
        self._machine.type("systemctl start facenode")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the program of version 0.1.0 and this checkout's."""
    return first_wheel(tmp_path_factory.mktemp("first")), new_wheel(tmp_path_factory.mktemp("new"))


@pytest.fixture(scope="module", params=KINDS, ids=["bookworm", "trixie"])
def packages(
    request: pytest.FixtureRequest, wheels: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Packages:
    """Return the packages for a Debian."""
    folder = tmp_path_factory.mktemp("packages")
    first, new = (build_package(wheel, KINDS[request.param], folder) for wheel in wheels)
    return Packages(request.param, first, new)


@pytest.fixture(scope="module")
def machine(packages: Packages, media_dir: Path) -> Iterator[PackageHost]:
    """Return a booted Debian with the packages and a photo of Ada."""
    with package_host(packages.debian, packages.first, packages.new, media_dir / "astronaut.jpg") as machine:
        yield machine


@pytest.fixture
def watched(machine: PackageHost, media_dir: Path, tmp_path: Path) -> Iterator[Watched]:
    """Return what is around the node of that host."""
    with MjpegCamera((media_dir / "astronaut.jpg").read_bytes()) as camera:
        watched = Watched(machine, camera, tmp_path)
        yield watched
        watched.broker.end()


def test_a_host_gets_its_first_event_and_is_left_as_it_was(
    machine: PackageHost, packages: Packages, watched: Watched, print_line: PrintLine
) -> None:
    """Nothing starts without settings; setup leads to Ada's first event; a purge leaves no file, user or unit."""
    before = machine.files()
    began_s = time.monotonic()
    printed = machine.install(packages.new)
    installed_s = time.monotonic() - began_s
    assert "nothing runs yet" in printed
    machine.type("systemctl start facenode")
    units = machine.type("systemctl list-unit-files --no-legend 'facenode*' | cut -d' ' -f1").split()
    assert "facenode.service" in units
    assert {unit: machine.active(unit) for unit in units} == dict.fromkeys(units, "inactive")
    assert machine.processes() == ""
    assert machine.type("facenode --version").strip() == f"facenode {NEW}"
    owners = machine.type("stat -c '%U:%G %a' /etc/facenode /var/lib/facenode").splitlines()
    assert owners == ["root:root 755", "facenode:facenode 700"]

    watched.broker.start()
    machine.write("/root/answers.toml", watched.answers(), "600")
    with closing(watched.subscriber()) as subscriber:
        began_s = time.monotonic()
        shown = machine.type("facenode setup --answers /root/answers.toml")
        set_up_s = time.monotonic() - began_s
        assert "The node is online." in shown
        assert "The node knows Ada." in shown
        # `changed` if the camera saw her before she was enrolled.
        topics = f"{_TOPIC}/event/recognized", f"{_TOPIC}/event/changed"
        assert eventually(
            lambda: any(b'"ada"' in payload for topic in topics for payload in subscriber.on(topic)), _SEEN_S
        ), subscriber.messages
        seen_s = time.monotonic() - began_s
        began_s = time.monotonic()
        assert "The running node uses it" in machine.type("facenode setup --answers /root/answers.toml")
        again_s = time.monotonic() - began_s
        assert machine.type("systemctl is-enabled facenode").strip() == "enabled"
        machine.type("rm /root/answers.toml")
        began_s = time.monotonic()
        machine.apt("purge")
        purged_s = time.monotonic() - began_s
        assert eventually(lambda: subscriber.on(f"{_TOPIC}/status")[-1:] == [b"offline"], _SEEN_S)
    assert machine.processes() == ""
    assert not (changed := sorted(machine.files() ^ before)), changed
    print_line(
        f"Debian {packages.debian}: installed in {installed_s:.0f} s, set up by answers in {set_up_s:.1f} s, Ada "
        f"recognized {seen_s:.1f} s after its start, set up again in {again_s:.1f} s, "
        f"purged in {purged_s:.0f} s, nothing left beside the {len(before)} files before"
    )


def test_people_and_unsent_events_survive_an_update_and_the_way_back(
    machine: PackageHost, packages: Packages, watched: Watched, print_line: PrintLine
) -> None:
    """From 0.1.0 to this version, back, removed and installed again: no event is missing and nobody is forgotten."""
    before = machine.files()
    seconds: list[str] = []
    machine.install(packages.first)
    watched.set_up()
    machine.type("systemctl start facenode")
    for package, version in ((packages.new, NEW), (packages.first, FIRST)):
        watched.pass_by(2)
        unsent, process, began_s = machine.unsent(), machine.process_id(), time.monotonic()
        assert unsent >= 4
        machine.install(package)
        seconds.append(f"to {version} in {time.monotonic() - began_s:.0f} s with {unsent} events unsent")
        assert machine.active() == "active"
        assert machine.process_id() not in {0, process}
        assert machine.type("facenode --version").strip() == f"facenode {version}"
        assert machine.people() == ["ada"]
        assert machine.unsent() >= unsent
        watched.deliver()
    numbers = {event["seq"] for event in watched.events}
    assert numbers == set(range(1, len(numbers) + 1))
    assert len(numbers) >= 8
    assert {event["person"]["id"] for event in watched.events if event["event_type"] == "recognized"} == {"ada"}

    machine.apt("remove")
    assert machine.processes() == ""
    machine.type("ls /etc/facenode/facenode.toml /etc/facenode/password /var/lib/facenode/people/ada/person.json")
    assert machine.hosts.try_ssh(machine.host, "ls -d /opt/facenode /usr/bin/facenode").stdout == ""
    machine.install(packages.new)
    assert machine.active() == "active"
    assert machine.people() == ["ada"]
    machine.apt("purge")
    assert not (changed := sorted(machine.files() ^ before)), changed
    print_line(
        f"Debian {packages.debian}: {'; '.join(seconds)}; {len(numbers)} events, none missing; removed, installed "
        "again and purged"
    )
