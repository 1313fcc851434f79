"""docs/page.md, "As a service", typed on a booted Debian: a page that takes nothing while nobody looks."""

import re
import shlex
import shutil
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, eventually
from page_browser import PageBrowser
from service_host import ServiceHost, block, service_host

_UNIT = "facenode-page.service"
_MAX_PAGE_MB = 60
"""What the page may take while somebody browses."""
_FIRST_PAGE_S = 2.0
"""From the first request to the first page; on a busy machine it is the processor time that counts."""
_WAIT_S, _IDLE_S = 600.0, 1200.0
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(shutil.which("git") is None, reason="a copy of the checkout needs git (apt install git)"),
]


class PageHost:
    """A host with the page as a service, as the document says.

    Args:
        machine: the host, on which the node runs.
        port: of the page.
    """

    def __init__(self, machine: ServiceHost, port: int) -> None:
        self._machine, self.port = machine, port

    def install(self) -> None:
        """Type what the document says; the unit listens at this port, since all hosts of a test share an address."""
        lines = block("enable --now facenode-page.socket", "docs/page.md").partition("sudo facenode page --link")[0]
        self.type(lines.replace("sudo systemctl daemon-reload\n", f"{self._listen(f'127.0.0.1:{self.port}')}\n"))

    def listen(self, address: str) -> None:
        """Let the unit listen at another address."""
        self.type(f"{self._listen(address)}\nsudo systemctl restart facenode-page.socket")

    def type(self, lines: str) -> str:
        """Type lines in the checkout and return their output."""
        return self._machine.type(lines)

    def refused(self, line: str) -> str:
        """Type a line that must fail; return what it prints."""
        return self.type(f"if {line} 2>&1; then exit 1; fi")

    def runs(self) -> bool:
        """Return whether a process of the page runs."""
        return self._property("ActiveState") == "active"

    @property
    def used_s(self) -> float:
        """The processor time that the page has used since its start, seconds."""
        return int(self._property("CPUUsageNSec")) / 1e9

    @property
    def peak_mb(self) -> float:
        """The greatest resident memory of the page's process, megabytes."""
        status = self.type(f"sudo cat /proc/{self._property('MainPID')}/status")
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found, status
        return int(found[1]) * 1024 / 1e6

    def exposure(self, unit: str) -> float:
        """Return how exposed systemd finds a unit, from 0 to 10."""
        said = self.type(f"sudo systemd-analyze security --no-pager {unit}")
        found = re.search(r"Overall exposure level for .*: ([\d.]+)", said)
        assert found, said
        return float(found[1])

    def _property(self, name: str) -> str:
        return self.type(f"systemctl show --value --property={name} {_UNIT}").strip()

    @staticmethod
    def _listen(address: str) -> str:
        folder = "/etc/systemd/system/facenode-page.socket.d"
        lines = shlex.quote(f"[Socket]\nListenStream=\nListenStream={address}\n")
        return (
            f"sudo mkdir -p {folder}\nprintf '%s' {lines} | sudo tee {folder}/override.conf >/dev/null\n"
            "sudo systemctl daemon-reload"
        )


@pytest.fixture(params=[12, 13], ids=["bookworm", "trixie"])
def machine(request: pytest.FixtureRequest, media_dir: Path) -> Iterator[ServiceHost]:
    """Return one booted Debian."""
    with service_host(request.param, media_dir / "astronaut.jpg") as machine:
        yield machine


def test_the_page_runs_while_somebody_looks_and_takes_little(
    machine: ServiceHost, media_dir: Path, tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """Started by the first request, at both doors; at most 60 MB; ended after ten minutes, and started once more."""
    port, broker = next(machine.hosts.ports), Mosquitto(tmp_path / "broker").start()
    name = f"Debian {machine.host.debian}"
    try:
        with MjpegCamera((media_dir / "astronaut.jpg").read_bytes()) as camera:
            machine.install(camera.url, broker.port, f'\n[page]\ndoor = "loopback"\nport = {port}\n')
            host = PageHost(machine, port)
            host.install()
            assert not host.runs()
            began_s = time.monotonic()
            assert PageBrowser(port).open("/").status == 401
            took_s, used_s = time.monotonic() - began_s, host.used_s
            print_line(f"{name}: the first page comes after {took_s:.2f} s, of which {used_s:.2f} s of processor time")
            assert min(took_s, used_s) < _FIRST_PAGE_S
            assert host.runs()

            browser = PageBrowser(port)
            link = host.type("sudo facenode page --link").split()[0]
            assert urlsplit(link).port == port
            assert browser.open(urlsplit(link).path).status == 200
            browse(browser, media_dir)
            print_line(f"{name}: the page takes {host.peak_mb:.0f} MB at most, at the door to this machine")
            assert host.peak_mb <= _MAX_PAGE_MB
            checked = host.type("sudo facenode check || true")
            assert re.search(rf"^ok\s+page.*127\.0\.0\.1:{port}", checked, re.MULTILINE), checked
            assert_closed(host, link)

            machine.type("sudo systemctl stop facenode")
            assert "the node does not run" in browser.go("/").words
            assert "Ada Lovelace" in browser.go("/people").words
            machine.type("sudo systemctl start facenode")

            open_to_network(host)
            password = host.type("sudo facenode page --new-password").split()[1]
            browser = PageBrowser(port, unchecked())
            browser.open("/login")
            assert browser.send("/login", {"password": password}).status == 200
            assert "Ada Lovelace" in browser.go("/people").words
            browse(browser, media_dir)
            print_line(f"{name}: the page takes {host.peak_mb:.0f} MB at most, at the door to the network")
            assert host.peak_mb <= _MAX_PAGE_MB

        if machine.host.debian == 13:  # once is enough for ten minutes
            began_s = time.monotonic()
            assert eventually(lambda: not host.runs(), _IDLE_S)
            print_line(
                f"{name}: the page ended after {(time.monotonic() - began_s) / 60:.0f} minutes without a request"
            )
            assert browser.go("/people").status == 200
            assert host.runs()
    finally:
        broker.end()


def browse(browser: PageBrowser, media_dir: Path) -> None:
    """Look at every view, with pictures, as an owner does; enroll somebody on the way."""
    assert eventually(lambda: re.search(r'src="([^"]*/inbox/[0-9a-f]{8})"', browser.go("/").text) is not None, _WAIT_S)
    browser.go("/people")
    photos = {"ada.jpg": (media_dir / "astronaut.jpg").read_bytes()}
    if "Ada Lovelace" not in browser.page.words:
        browser.send("/people/upload", {"name": "Ada Lovelace"}, photos)
        assert "1 photo of Ada Lovelace is added." in browser.page.words
        browser.go("/people")
    for path in ("/", "/people", "/people/ada-lovelace", "/undo", "/help", "/static/page.css", "/static/page.js"):
        shown = browser.go(path)
        assert shown.status == 200, path
        for picture in re.findall(r'src="([^"]*/(?:inbox|photos)/[0-9a-f]+)"', shown.text):
            assert browser.open(picture).status == 200
    browser.go("/camera")
    assert browser.send("/camera", {}).status == 200
    picture = re.search(r'src="([^"]*/camera/[0-9a-f]{32})"', browser.page.text)
    assert picture, browser.page.words
    assert browser.open(picture[1]).body[:2] == b"\xff\xd8"


def assert_closed(host: PageHost, link: str) -> None:
    """Another user of the machine gets neither the page nor a link, and the unit gives the page no more than the node.

    Args:
        host: with the page.
        link: that was used once.
    """
    ask = "sudo -u nobody python3 -c 'import urllib.request as u, sys; u.urlopen(sys.argv[1])' \"{}\""
    for address in (link, f"http://127.0.0.1:{host.port}/", f"http://127.0.0.1:{host.port}/people"):
        assert re.search("HTTP Error 40[134]", host.refused(ask.format(address)))
    assert "Permission denied" in host.refused("sudo -u nobody facenode page --link")
    assert host.exposure(_UNIT) <= host.exposure("facenode.service")


def open_to_network(host: PageHost) -> None:
    """Choose the other door, in the settings and in the unit; `check` says what is missing in between."""
    host.type('sudo sed -i \'s/door = "loopback"/door = "lan"/\' /etc/facenode/facenode.toml')
    assert "no password" in host.refused("sudo facenode check")
    host.type("sudo facenode page --new-password >/dev/null")
    assert "nobody else reaches it" in host.refused("sudo facenode check")
    host.type(f"sudo systemctl stop {_UNIT}")
    host.listen(str(host.port))


def unchecked() -> ssl.SSLContext:
    """Return what accepts the page's own certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
