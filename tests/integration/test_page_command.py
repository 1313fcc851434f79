"""`facenode page` with a running node on frames, and without one: what is done there is what the node then knows."""

import contextlib
import hashlib
import http.client
import os
import re
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from facenode_command import facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually, free_port
from node_messages import events
from page_browser import PageBrowser, gallery_bytes, opened_by_link, running_page
from passing_visitors import passing_visitors
from process_figures import peak_mb
from running_node import TIMEOUT_S, running_facenode

from node.requests.local_client import call, running

pytestmark = pytest.mark.timeout(600)
Settings = dict[str, object]
MAX_PAGE_MB = 60
"""What the page may take while somebody browses."""


@pytest.fixture
def broker(mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """Return a broker."""
    return mosquitto()


@pytest.fixture
def settings(tmp_path: Path, broker: Mosquitto, media_dir: Path) -> Settings:
    """Return the settings of a node that two people pass, of whom it knows one."""
    known, stranger = media_dir / "astronaut.jpg", media_dir / "grace_hopper.jpg"
    made = passing_visitors(tmp_path / "frames", [known, stranger]) | {
        "node.id": "hall", "storage.dir": tmp_path / "s", "mqtt.port": broker.port, "page.door": "loopback",
        "page.port": free_port(), "homeassistant.enabled": "false",
    }  # fmt: skip
    assert facenode("people", "add", "eileen", "--name", "Eileen", known, settings=made).code == 0
    return made


@pytest.fixture
def storage(settings: Settings) -> Path:
    """Return `storage.dir`."""
    return Path(str(settings["storage.dir"]))


@pytest.fixture
def node(settings: Settings, storage: Path) -> Iterator["subprocess.Popen[str]"]:
    """Return a running node that both have passed."""
    with running_facenode(settings) as process:
        assert eventually(lambda: running(storage) and _strangers(storage) > 0, 2 * TIMEOUT_S)
        yield process


def _strangers(storage: Path) -> int:
    groups = call(storage, "inbox_list")["groups"]
    return sum(entry["person"] is None for group in groups for entry in group["entries"])


def test_a_stranger_named_on_the_page_is_recognized_and_undo_brings_back_every_byte(
    settings: Settings, storage: Path, node: "subprocess.Popen[str]", broker: Mosquitto, media_dir: Path
) -> None:
    """The whole way: the card of the stranger, a name, the next visit by MQTT, and the gallery of before; a photo."""
    del node
    before = gallery_bytes(storage)
    watcher = Subscriber(broker.settings(), "facenode/hall/event/#")
    with running_page(settings):
        browser = opened_by_link(settings)
        assert "A stranger" in browser.page.words
        entries = re.findall(r'name="entries" value="([0-9a-f,]+)"', browser.page.text)
        assert browser.send("/decide", {"entries": entries[0], "do": "new", "name": "Grace Hopper"}).status == 200
        assert "Grace Hopper is enrolled." in browser.page.words
        assert eventually(
            lambda: "grace-hopper" in {event.get("person", {}).get("id") for event in events(watcher.messages)},
            2 * TIMEOUT_S,
        )
        assert "Grace Hopper" in browser.go("/people").words
        assert browser.send("/undo", {}).status == 200
        assert "Undone: Grace Hopper enrolled" in browser.page.words
        assert gallery_bytes(storage) == before
        browser.go("/people")
        browser.send("/people/upload", {"name": "Grace"}, {"grace.jpg": (media_dir / "grace_hopper.jpg").read_bytes()})
        assert "1 photo of Grace is added." in browser.page.words
        assert browser.page.path.endswith("/people/grace")
        assert "Id in topics and payloads: grace" in browser.page.words
    watcher.close()


def test_photos_from_a_phone_become_faces_and_others_are_one_sentence(
    settings: Settings, storage: Path, media_dir: Path, print_line: Callable[[str], None]
) -> None:
    """Without a node: a good one at once, somebody else's after a question, no picture and no face with the reason."""
    grace, eileen = ((media_dir / name).read_bytes() for name in ("grace_hopper.jpg", "astronaut.jpg"))
    with running_page(settings) as process:
        browser = opened_by_link(settings)
        browser.go("/people")
        files = {"grace.jpg": grace, "eileen.jpg": eileen, "notes.txt": b"no picture", "empty.jpg": b""}
        browser.send("/people/upload", {"name": "Grace"}, files)
        assert "1 photo of Grace is added." in browser.page.words
        for words in ("Looks like Eileen (1.00).", "notes.txt: not a", "Teach anyway"):
            assert words in browser.page.words
        assert set(_people(storage)) == {"eileen", "grace"}
        upload = browser.page.path.rpartition("/")[2]
        browser.send(f"/uploads/{upload}", {"picture-0": "0"})
        assert "1 photo of Grace is added." in browser.page.words
        assert len(list((storage / "people" / "grace").glob("*.png"))) == 2
        print_line(f"page: {peak_mb(process.pid):.0f} MB at most, with photos")
        assert peak_mb(process.pid) < MAX_PAGE_MB


def _people(storage: Path) -> list[str]:
    return sorted(path.parent.name for path in (storage / "people").glob("*/person.json"))


def test_without_a_node_people_are_corrected_exported_imported_and_erased(
    settings: Settings, storage: Path, tmp_path: Path
) -> None:
    """And what the page exports is what the command exports; the inbox and the camera say that no node runs."""
    with running_page(settings):
        browser = opened_by_link(settings)
        assert "the node does not run" in browser.page.words
        assert "The node does not run" in browser.go("/camera").words
        browser.go("/people/eileen")
        assert "Eileen Collins" in browser.send("/rename", {"name": "Eileen Collins"}).words
        browser.go("/people")
        exported = browser.send("/people/export", {}).body
        assert facenode("people", "export", tmp_path / "family.people", settings=settings).code == 0
        assert exported == (tmp_path / "family.people").read_bytes()
        browser.go("/people/eileen/erase")
        assert f"{storage}/people/eileen: 1 face" in browser.page.words
        assert "Eileen Collins is erased." in browser.send("/erase", {}).words
        assert _people(storage) == []
        browser.go("/people")
        assert "1 person of the file is here now." in browser.send("/people/import", {}, {"f": exported}).words
        assert _people(storage) == ["eileen"]
        browser.go("/people")
        assert "damaged" in browser.send("/people/import", {}, {"f": exported[:-50]}).words
        assert _people(storage) == ["eileen"]


def test_a_still_shows_who_is_there_and_a_node_that_dies_is_one_sentence(
    settings: Settings, storage: Path, node: "subprocess.Popen[str]"
) -> None:
    """Killed in the middle of an action: nothing is half done, and the page goes on."""
    with running_page(settings):
        browser = opened_by_link(settings)
        browser.go("/camera")
        until_s = time.monotonic() + 2 * TIMEOUT_S
        while "Face 1:" not in browser.send("/camera", {}).words:
            assert time.monotonic() < until_s
        picture = re.search(r'src="([^"]*/camera/[0-9a-f]{32})"', browser.page.text)
        assert picture is not None
        assert browser.open(picture[1]).body[:2] == b"\xff\xd8"
        before = gallery_bytes(storage)
        inbox = browser.go("/")
        node.send_signal(signal.SIGKILL)
        node.wait()
        entries = re.findall(r'name="entries" value="([0-9a-f,]+)"', inbox.text)
        browser.send("/decide", {"entries": entries[0], "do": "new", "name": "Nobody"})
        assert "The node does not run or did not answer" in browser.page.words
        assert gallery_bytes(storage) == before


def test_the_door_to_the_network_is_https_with_the_fingerprint_of_the_terminal(
    settings: Settings, print_line: Callable[[str], None]
) -> None:
    """The command prints address, fingerprint and password; they are what a browser meets. HTTP is not answered."""
    settings = {**settings, "page.door": "lan"}
    printed = dict(
        line.split(maxsplit=1) for line in facenode("page", "--new-password", settings=settings).out.splitlines()
    )
    with running_page(settings) as process:
        port = int(str(settings["page.port"]))
        certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port)))
        digest = hashlib.sha256(certificate).hexdigest().upper()
        assert printed["fingerprint"].startswith(":".join(re.findall("..", digest)))
        assert printed["address"].startswith("https://")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        browser = PageBrowser(port, context)
        assert browser.open("/").status == 401
        assert "That is not the password." in browser.send("/login", {"password": "wrong"}).words
        assert browser.send("/login", {"password": printed["password"]}).status == 200
        for path in ("/", "/people", "/people/eileen", "/camera", "/undo", "/help"):
            assert browser.go(path).status == 200
        print_line(f"page: {peak_mb(process.pid):.0f} MB at most, with HTTPS and logins")
        assert peak_mb(process.pid) < MAX_PAGE_MB
        with pytest.raises((OSError, http.client.HTTPException)):
            PageBrowser(port).open("/")
        facenode("page", "--new-password", settings=settings)
        assert browser.go("/").status == 401


def test_of_two_phones_that_decide_at_once_one_does(
    settings: Settings, storage: Path, node: "subprocess.Popen[str]"
) -> None:
    """Two owners, one stranger: one enrollment and one undo, and the other phone says what has happened."""
    del node
    before = gallery_bytes(storage)
    with running_page(settings):
        phones = [opened_by_link(settings) for _ in range(2)]
        entries = re.findall(r'name="entries" value="([0-9a-f,]+)"', phones[0].page.text)[0]
        decision = {"entries": entries, "do": "new", "name": "Grace Hopper"}
        said = at_once(phones, lambda phone: phone.send("/decide", decision).words)
        assert sum("Grace Hopper is enrolled." in words for words in said) == 1, said
        assert sum("Somebody has already decided about this face" in words for words in said) == 1, said
        assert set(_people(storage)) == {"eileen", "grace-hopper"}
        assert "Somebody has already decided" in phones[0].send("/decide", decision).words
        for phone in phones:
            phone.go("/people")
        said = at_once(phones, lambda phone: phone.send("/undo", {}).words)
        assert sum("Undone: Grace Hopper enrolled" in words for words in said) == 1, said
        assert sum("This can no longer be undone" in words for words in said) == 1, said
        assert gallery_bytes(storage) == before


def at_once(phones: Sequence[PageBrowser], do: Callable[[PageBrowser], str]) -> list[str]:
    """Let each phone do something at the same moment; return what each shows."""
    ready = threading.Barrier(len(phones))

    def one(phone: PageBrowser) -> str:
        ready.wait()
        return do(phone)

    with ThreadPoolExecutor(len(phones)) as pool:
        return list(pool.map(one, phones))


def test_a_full_disk_is_one_sentence_and_nothing_is_half_done(
    settings: Settings, tmp_path: Path, media_dir: Path
) -> None:
    """Neither a new name nor a photo is written in part; with room again, both are."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk)
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small disk needs root, to mount it")
    try:
        storage = disk / "s"
        small = {**settings, "storage.dir": storage}
        known = facenode("people", "add", "eileen", "--name", "Eileen", media_dir / "astronaut.jpg", settings=small)
        assert known.code == 0, known.err
        with running_page(small):
            browser = opened_by_link(small)
            browser.go("/people/eileen")
            before = gallery_bytes(storage)
            fill(disk / "filler")
            assert (
                "The disk is full, or cannot be read or written. Nothing was changed"
                in browser.send("/rename", {"name": "Eileen Collins"}).words
            )
            browser.go("/people")
            photo = {"grace.jpg": (media_dir / "grace_hopper.jpg").read_bytes()}
            assert (
                "The disk is full, or cannot be read or written. Nothing was changed"
                in browser.send("/people/upload", {"name": "Grace"}, photo).words
            )
            assert gallery_bytes(storage) == before
            (disk / "filler").unlink()
            browser.go("/people/eileen")
            assert "The name is Eileen Collins now." in browser.send("/rename", {"name": "Eileen Collins"}).words
    finally:
        subprocess.run(("umount", "--lazy", disk), check=True)


def fill(file: Path) -> None:
    """Fill the disk that a file is on."""
    with file.open("wb", buffering=0) as opened, contextlib.suppress(OSError):
        while True:
            opened.write(bytes(4096))


def test_the_first_page_comes_within_two_seconds_of_the_start(
    settings: Settings, print_line: Callable[[str], None]
) -> None:
    """From the start of the process; on a busy machine it is the processor time that counts."""
    began_s, children_s = time.monotonic(), _children_s()
    with running_page(settings):
        assert PageBrowser(int(str(settings["page.port"]))).open("/").status == 401
        took_s = time.monotonic() - began_s
    used_s = _children_s() - children_s
    print_line(f"page: first answer after {took_s:.2f} s, {used_s:.2f} s of processor time")
    assert min(took_s, used_s) < 2


def _children_s() -> float:
    import resource  # noqa: PLC0415 - for this figure alone

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize(
    ("door", "arguments", "code", "said"),
    [
        ("off", (), 2, 'set page.door to "loopback", "lan" or "ingress"'),
        ("off", ("--link",), 2, "the page is off"),
        ("lan", ("--link",), 2, "--link is for page.door"),
        ("loopback", ("--new-password",), 2, "use --link"),
        ("ingress", ("--link",), 2, "--link is for page.door"),
    ],
)
def test_what_does_not_fit_the_door_is_one_sentence(
    settings: Settings, door: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """With what to do instead."""
    done = facenode("page", *arguments, settings={**settings, "page.door": door})
    assert done.code == code
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_a_port_that_is_taken_is_one_sentence(settings: Settings, broker: Mosquitto) -> None:
    """Which port, and which setting."""
    done = facenode("page", settings={**settings, "page.port": broker.port})
    assert done.code == 1
    assert f"cannot listen at port {broker.port}" in done.err
