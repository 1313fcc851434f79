"""The first run in a browser: a real page, a real broker with a login, and a real node in the end."""

import json
import re
import subprocess
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path

import pytest
from first_run_page import CODE_TYPED, FirstRunPage, first_run_page
from mosquitto_broker import Mosquitto, eventually
from page_browser import PageBrowser

from node.page.page_files import PageFiles
from node.page.password import PasswordFile
from node.settings.loader import load
from node.setup.one_shot import KEEP

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]


@pytest.fixture
def broker(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Mosquitto:
    """Return a broker that lets in `facenode` with the password `right` alone."""
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    subprocess.run(("mosquitto_passwd", "-b", passwords, "facenode", "right"), check=True, capture_output=True)
    return mosquitto("allow_anonymous false", f"password_file {passwords}")


def begun(page: FirstRunPage) -> PageBrowser:
    """Return a browser that has typed the code."""
    browser = PageBrowser(page.port, page.context)
    browser.open("/")
    browser.send("/login", {"code": CODE_TYPED})
    return browser


def test_a_browser_leads_from_the_code_to_a_node_that_knows_somebody(
    broker: Mosquitto, portrait_folder: Path, tmp_path: Path
) -> None:
    """Camera, broker, name, you; a wrong password and a missing time zone on the way; then the socket is closed."""
    with first_run_page(tmp_path / "first", broker.port, portrait_folder, camera=portrait_folder) as page:
        browser = begun(page)
        assert "Webcam 1 (webcam:0)" in browser.page.words
        assert browser.go("/step/you").path == "/step/camera"  # no step is skipped
        browser.send("/step/camera", {"source": "webcam:0", "rotate": ""})
        assert "It sees one face" in browser.page.words
        assert browser.go("/still").body.startswith(b"\xff\xd8")
        browser.go("/")
        browser.send("/step/camera", {"use": "yes"})
        assert browser.page.path == "/step/broker"
        login = {"host": "127.0.0.1", "port": broker.port, "username": "facenode"}
        browser.send("/step/broker", {**login, "password": "wrong"})
        assert "refuses the login: check username and password" in browser.page.words
        assert f'value="{broker.port}"' in browser.page.text  # what was typed is not lost, but for the password
        assert not page.config.exists()
        browser.send("/step/broker", {**login, "password": "right"})
        assert browser.page.path == "/step/name"
        browser.send("/step/name", {"name": "Hall", "timezone": ""})
        assert "node.timezone is missing" in browser.page.words
        browser.send("/step/name", {"name": "Hall", "timezone": "Europe/Berlin"})
        assert browser.page.path == "/step/you"
        for path in ("/step/camera", "/step/broker", "/step/name"):
            assert "right" not in browser.go(path).text  # the password is in no page
        browser.go("/step/you")
        browser.send("/step/you", {"person": "Eileen", "keep": "yes"})
        assert browser.page.path == "/progress"
        assert eventually(lambda: "The node is online" in browser.go("/progress").text, 150)
        (password,) = re.findall(r"<code>((?:[a-z2-9]{5}-){2}[a-z2-9]{5})</code>", browser.page.text)
        kept = PasswordFile(PageFiles(tmp_path / "first" / "state")).read()
        assert kept is not None
        assert kept.fits(password)
        assert password in browser.go("/progress").text  # until the page is closed
        assert (page.folder / KEEP).exists()  # for root, which opens the address once this page is closed
        assert "Stranger at night" in browser.page.words
        assert b"blueprint:" in browser.go("/blueprint").body
        browser.go("/progress")
        browser.send("/enroll", {})
        assert "The node knows Eileen." in browser.page.words
        settings = load(page.config, environ={})
        assert settings.page.door == "lan"
        assert (settings.node.id, settings.camera.source) == ("hall", "webcam:0")
        assert settings.mqtt.password_file is not None
        assert settings.mqtt.password_file.read_text(encoding="utf-8") == "right\n"
        with closing(HTTPSConnection("127.0.0.1", page.port, context=page.context)) as kept_open:
            kept_open.request("GET", "/static/page.css")
            assert kept_open.getresponse().read()
            assert "The page is closed" in browser.send("/end", {}).text
            assert page.process.wait(60) is not None
        assert page.process.stdout is not None
        assert "ERROR" not in page.process.stdout.read()  # the owner's terminal shows it


def test_only_the_first_browser_with_the_code_gets_in(tmp_path: Path, portrait_folder: Path) -> None:
    """Nothing is shown without it; a second browser is refused with the right code, and a guess counts for all."""
    with first_run_page(tmp_path / "first", 0, portrait_folder) as page:
        stranger = PageBrowser(page.port, page.context)
        for path in ("/", "/step/camera", "/still", "/progress"):
            loaded = stranger.open(path)
            assert (loaded.status, "webcam" in loaded.text) == (401, False)
        stranger.open("/")
        stranger.send("/login", {"code": "wrong"})
        assert "That is not the code." in stranger.page.words
        owner = begun(page)
        assert owner.page.path == "/step/camera"
        stranger.open("/")
        stranger.send("/login", {"code": CODE_TYPED})
        assert "Another browser has begun." in stranger.page.words
        for number in range(3):
            stranger.open("/")
            stranger.send("/login", {"code": f"guess-{number}"})
        stranger.open("/")
        stranger.send("/login", {"code": CODE_TYPED})
        assert "five wrong codes" in stranger.page.words
        assert owner.go("/step/camera").status == 200  # the owner goes on
        kept = [path.read_text(encoding="utf-8") for path in (page.folder.parent / "state").rglob("*.json")]
        assert CODE_TYPED not in json.dumps(kept)


def test_a_code_that_is_too_old_opens_nothing(tmp_path: Path, portrait_folder: Path) -> None:
    """Half an hour by the monotonic clock."""
    with first_run_page(tmp_path / "first", 0, portrait_folder, age_s=1801) as page:
        browser = begun(page)
        assert "older than half an hour" in browser.page.words


def test_without_camera_and_broker_each_step_says_the_way_on(tmp_path: Path, portrait_folder: Path) -> None:
    """One sentence each."""
    with first_run_page(tmp_path / "first", 0) as page:
        assert "No camera was found: plug one in" in begun(page).page.words
    with first_run_page(tmp_path / "second", 0, portrait_folder) as page:
        browser = begun(page)
        browser.send("/step/camera", {"source": "webcam:0", "rotate": ""})
        browser.send("/step/camera", {"use": "yes"})
        assert "No broker was found in this network." in browser.page.words
        browser.send("/step/broker", {"host": "facenode-test.invalid", "port": "1883", "username": "", "password": ""})
        assert "the name does not resolve" in browser.page.words
        browser.send("/step/broker", {"host": "a, b", "port": "1883"})
        assert "name one host" in browser.page.words
        browser.send("/step/broker", {"host": "127.0.0.1", "port": "many"})
        assert "type a number" in browser.page.words
