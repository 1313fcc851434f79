"""The app as its Dockerfile builds it, on a Docker Engine, beside a real Home Assistant, a real broker and a browser.

The Supervisor is played (played_supervisor.py). docs/home-assistant/app.md says what only Home Assistant OS can show.
"""

import contextlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from debian_root import slim_root
from docker_engine import DockerEngine
from home_assistant import HomeAssistant
from home_assistant_app import APP_ADDRESS, OLDER, InstalledApp, add_supervisor_address, lay_out
from home_assistant_root import home_assistant_root
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually, free_port
from page_user import PageUser
from played_supervisor import GATEWAY, PlayedIngress, PlayedSupervisor, ask_app
from playwright.sync_api import Browser, sync_playwright
from process import run
from uncaptured_output import print_line

from node import __version__
from node.settings import MqttSettings

__all__ = ["print_line"]

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no browser: apt install chromium"),
]
LOGIN, PASSWORD = "addons", "sup3r-s3cret"
BRIDGE = "fn-hassio"
START_S = 120.0
MEDIA = Path(__file__).resolve().parents[1] / "media"
PrintLine = Callable[[str], None]


@dataclass
class House:
    """A Home Assistant with what its Supervisor gives, and the app in it.

    Attributes:
        home: the Home Assistant.
        supervisor: the played Supervisor.
        ingress: the way in for browsers.
        app: the app, installed from an older image.
        watcher: a subscriber of all messages of the node.
        camera: a network camera.
        newer: the folder of the app of this checkout.
        engine: the Docker Engine.
        options: the owner's options.
    """

    home: HomeAssistant
    supervisor: PlayedSupervisor
    ingress: PlayedIngress
    app: InstalledApp
    watcher: Subscriber
    camera: MjpegCamera
    newer: Path
    engine: DockerEngine
    options: dict[str, Any] = field(default_factory=dict)

    def start(self, **changed: Any) -> None:  # noqa: ANN401 - any option
        """Start the app with changed options and wait until its node is online."""
        self.options = {**self.options, **changed}
        births = self.births()
        self.app.start(self.options)
        assert eventually(lambda: self.births() > births, START_S), self.app.log()

    def stop(self) -> None:
        """Stop the app."""
        assert self.app.stop() == 0

    def births(self) -> int:
        """Return how often the node came online."""
        return self.watcher.on("facenode/facenode/status").count(b"online")

    def recognized(self) -> list[str]:
        """Return whom the node has recognized."""
        found = [json.loads(each) for each in self.watcher.on("facenode/facenode/event/recognized")]
        return [event["person"]["id"] for event in found]

    def user(self, name: str, group: str) -> str:
        """Make a user of Home Assistant and return the id."""
        made = self.home.command("config/auth/create", name=name, group_ids=[group], local_only=False)
        return str(made["user"]["id"])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Return a house whose app runs an older version, at first with nobody enrolled."""
    if Path("/sys/class/net", BRIDGE).exists():
        pytest.skip(f"the network {BRIDGE} is there already")
    folder = tmp_path_factory.mktemp("house")
    newer = lay_out(folder / "newer")
    older = lay_out(folder / "older", OLDER)
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(DockerEngine())
        engine.import_root(slim_root(), "debian:trixie-slim")
        add_supervisor_address(engine, BRIDGE)
        broker = stack.enter_context(_broker(folder / "broker"))
        home = HomeAssistant(home_assistant_root(), folder, broker)
        stack.callback(home.end)
        home.start()
        mqtt = {"host": "core-mosquitto", "port": broker.login.port, "username": LOGIN, "password": PASSWORD}
        supervisor = stack.enter_context(PlayedSupervisor(home, mqtt))
        ingress = stack.enter_context(PlayedIngress(supervisor, APP_ADDRESS))
        camera = stack.enter_context(MjpegCamera(*_visits(), host=GATEWAY))
        watcher = stack.enter_context(
            contextlib.closing(Subscriber(broker.settings(), "facenode/#", "homeassistant/#"))
        )
        app = InstalledApp(engine, supervisor, folder)
        app.install(older)
        made = House(home, supervisor, ingress, app, watcher, camera, newer, engine)
        made.options = app.config["options"] | {
            "camera": {"source": f"video:{camera.url}"},
            "events": {"cool_down_s": 0, "leave_after_s": 1, "votes": 2, "unknown_votes": 3},
        }
        yield made


def _visits() -> list[bytes]:
    """Return frames in which somebody comes for twelve seconds and is gone for four."""
    someone = (MEDIA / "astronaut.jpg").read_bytes()
    _, nobody = cv2.imencode(".jpg", np.full((512, 512, 3), 96, np.uint8))
    return [someone] * 120 + [nobody.tobytes()] * 40


class LoginBroker(Mosquitto):
    """A broker at two addresses: on loopback for Home Assistant, and for apps, which must log in.

    Attributes:
        login: what an app is told.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        passwords = folder / "passwords"
        passwords.write_text(f"{LOGIN}:{PASSWORD}\n")
        run("mosquitto_passwd", "-U", passwords)
        passwords.chmod(0o644)
        port = free_port()
        lines = ("per_listener_settings true", "allow_anonymous true", f"listener {port} {GATEWAY}",
                 "allow_anonymous false", f"password_file {passwords}")  # fmt: skip
        super().__init__(folder, lines)
        self.login = MqttSettings(host=GATEWAY, port=port)


@contextlib.contextmanager
def _broker(folder: Path) -> Iterator[LoginBroker]:
    made = LoginBroker(folder)
    made.start()
    try:
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def owner(house: House) -> str:
    """Return the id of the owner of Home Assistant."""
    users = house.home.command("config/auth/list")
    return next(str(user["id"]) for user in users if user["is_owner"])


def opened(browser: Browser, house: House, user: str, name: str, **headers: str) -> PageUser:
    """Return a browser at the page of the app, logged in to Home Assistant as a user."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, extra_http_headers=headers)
    context.add_cookies(
        [{"name": "ingress_session", "value": house.ingress.log_in(user, name), "url": house.ingress.origin}]
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    return PageUser(page, house.ingress.url)


def test_the_app_of_a_fresh_install_is_a_device_in_home_assistant(house: House, print_line: PrintLine) -> None:
    """Nothing is typed: host and login come from the Supervisor, and Home Assistant finds the node."""
    began_s = time.monotonic()
    house.start()
    print_line(f"app: online at the broker {time.monotonic() - began_s:.1f} s after its start")
    assert house.supervisor.asked[0] == ("/services/mqtt", 200)
    assert eventually(lambda: house.home.state("sensor.facenode_count") == "1", START_S)
    assert "Facenode" in house.home.devices()
    assert eventually(lambda: house.watcher.on("facenode/facenode/event/unknown") != [], START_S)
    assert house.app.run_inside("facenode", "--version").split()[-1] == OLDER
    discovered = json.loads(house.watcher.on("homeassistant/device/facenode/facenode/config")[-1])
    assert "homeassistant://hassio/ingress/local_facenode" in json.dumps(discovered)


def test_the_processes_have_no_more_than_they_need(house: House) -> None:
    """Node and page run as a user without rights; the node has no token, and the log has no secret."""
    script = (
        "for each in /proc/[0-9]*; do tr '\\0' ' ' <$each/cmdline; stat -c ' uid=%u ' $each; "
        "tr '\\0' '\\n' <$each/environ | grep -c SUPERVISOR_TOKEN; done 2>/dev/null; true"
    )
    lines = house.app.run_inside("sh", "-c", script, user="facenode").splitlines()
    node = next(number for number, line in enumerate(lines) if " run --config" in line)
    page = next(number for number, line in enumerate(lines) if "node.page" in line)
    assert ("uid=10001" in lines[node], lines[node + 1]) == (True, "0")
    assert ("uid=10001" in lines[page], lines[page + 1]) == (True, "1")
    for secret in (PASSWORD, house.supervisor.token):
        assert secret not in house.app.log()
    modes = house.app.run_inside(
        "stat", "-c", "%a %U %G %n", "/etc/facenode/facenode.toml", "/etc/facenode/mqtt-password"
    )
    assert [line.split()[:3] for line in modes.splitlines()] == [["640", "root", "facenode"]] * 2


def test_the_health_check_follows_the_node(house: House) -> None:
    """Docker calls the app healthy once the node is connected, by the file of `--ready`."""
    assert eventually(lambda: house.app.inspect("{{.State.Health.Status}}") == "healthy", START_S)


def test_the_owner_enrolls_somebody_on_the_page_in_home_assistant(browser: Browser, house: House, owner: str) -> None:
    """The page through ingress in a real browser: a card of the inbox becomes a person, and an entity."""
    user = opened(browser, house, owner, "owner")
    assert user.base.endswith(house.supervisor.ingress)
    assert eventually(lambda: _shows_card(user, "A stranger"), START_S)
    card = user.card("A stranger")
    user.open("Say who it is", card)
    user.write(card.get_by_label("Somebody new"), "Eileen Collins")
    user.button("Enroll", card)
    assert user.message() == "Eileen Collins is enrolled."
    assert eventually(lambda: "eileen-collins" in house.recognized(), START_S)
    assert eventually(lambda: house.home.state("binary_sensor.facenode_person_eileen_collins") == "on", START_S)
    user.go("Camera")
    assert user.page.locator("main").inner_text() != ""
    user.page.context.close()
    assert ("/core/websocket", 200) in house.supervisor.asked


def _shows_card(user: PageUser, words: str) -> bool:
    user.page.reload()
    return user.page.locator("article.card", has_text=words).count() > 0


def test_who_is_no_administrator_is_refused(browser: Browser, house: House, owner: str) -> None:
    """Also with headers that claim to be the owner: Home Assistant drops them."""
    guest = house.user("Guest", "system-users")
    claims = {"X-Remote-User-Id": owner, "X-Remote-User-Name": "owner"}
    for headers in ({}, claims):
        user = opened(browser, house, guest, "guest", **headers)
        assert "Only administrators of Home Assistant may open this page." in user.page.inner_text("body")
        user.page.context.close()
    added = house.user("Second owner", "system-admin")
    # Who is an administrator is remembered for a minute.
    assert eventually(lambda: _sees_the_inbox(browser, house, added), START_S)


def _sees_the_inbox(browser: Browser, house: House, user: str) -> bool:
    page = opened(browser, house, user, "second")
    found = page.page.locator("nav").count() > 0 and "Only administrators" not in page.page.inner_text("body")
    page.page.context.close()
    return found


def test_forged_headers_from_another_address_are_refused(house: House, owner: str) -> None:
    """Whoever is no Supervisor may send what they like: another app, and the machine itself."""
    path = f"/api/hassio_ingress/{house.supervisor.ingress}"
    forged = {
        "Host": "homeassistant.local:8123",
        "X-Ingress-Path": path,
        "X-Remote-User-Id": owner,
        "X-Forwarded-For": "172.30.32.2",
    }
    status, _, body = ask_app(APP_ADDRESS, "GET", "/", forged, source=GATEWAY)
    assert status == 403
    assert b"open to Home Assistant only" in body
    script = (
        "import http.client, json, sys\n"
        f"c = http.client.HTTPConnection({APP_ADDRESS!r}, 8099, timeout=30)\n"
        f"c.request('GET', '/', headers={forged!r})\n"
        "print(c.getresponse().status)"
    )
    other = house.engine.docker(
        "run", "--rm", "--network", "hassio", f"local/amd64-addon-facenode:{OLDER}", "python", "-c", script
    )
    assert other.split()[-1] == "403"  # Docker may warn before it
    assert ask_app(APP_ADDRESS, "GET", "/", forged)[0] != 403  # from the Supervisor's own address


def test_changed_options_are_taken_over_at_the_next_start(house: House) -> None:
    """As the Supervisor does it: options are saved, the app is restarted; the device gets its new name."""
    house.stop()
    assert house.watcher.on("facenode/facenode/status")[-1] == b"offline"
    house.start(
        node={"id": "facenode", "name": "Hall camera", "area": "Hall"},
        rules=[{"id": "home", "when": "recognized", "people": "eileen-collins", "cool_down_s": 0}],
    )
    assert eventually(lambda: "Hall camera" in house.home.devices(), START_S)
    assert eventually(lambda: house.watcher.on("facenode/facenode/alert/home") != [], START_S)
    assert "timezone" in house.app.run_inside("cat", "/etc/facenode/facenode.toml")
    assert house.app.people() == ["eileen-collins"]


def test_an_update_keeps_people_and_options(house: House) -> None:
    """From the older image to that of this checkout, with the same /data."""
    house.stop()
    house.app.install(house.newer)
    seen = len(house.recognized())
    house.start()
    assert house.app.run_inside("facenode", "--version").split()[-1] == __version__ != OLDER
    assert house.app.people() == ["eileen-collins"]
    assert eventually(lambda: len(house.recognized()) > seen, START_S)


@pytest.mark.parametrize("backup_crops", [True, False])
def test_a_backup_brings_people_back(house: House, tmp_path: Path, *, backup_crops: bool) -> None:
    """People in, faces by choice; waiting events, the inbox and logins of the page stay out."""
    house.stop()
    house.start(backup_crops=backup_crops)
    names = house.app.back_up(tmp_path / "backup.tar.gz")
    storage = "storage" if backup_crops else "storage-crops-stay"
    assert f"{storage}/people/eileen-collins/person.json" in names
    assert any(name.endswith(".png") for name in names) is backup_crops
    assert [
        name for name in names if any(part in name for part in ("outbox", "durations", "undo", "sessions", "sock"))
    ] == []
    house.stop()
    house.app.restore(tmp_path / "backup.tar.gz")
    seen = len(house.recognized())
    house.start()
    assert house.app.people() == ["eileen-collins"]
    assert eventually(lambda: len(house.recognized()) > seen, START_S)


def test_a_new_login_at_the_broker_is_taken_over_while_the_app_runs(house: House) -> None:
    """The Supervisor's answer is asked for again; a password alone starts nothing anew."""
    assert house.supervisor.mqtt is not None
    started = house.app.inspect("{{.State.StartedAt}}")
    house.supervisor.mqtt = {**house.supervisor.mqtt, "password": "another-s3cret"}
    assert eventually(lambda: house.app.run_inside("cat", "/etc/facenode/mqtt-password") == "another-s3cret", START_S)
    assert house.app.inspect("{{.State.StartedAt}}") == started
    house.supervisor.mqtt = {**house.supervisor.mqtt, "password": PASSWORD}
    assert eventually(lambda: house.app.run_inside("cat", "/etc/facenode/mqtt-password") == PASSWORD, START_S)
    assert PASSWORD not in house.app.log()


def test_a_token_that_is_withdrawn_opens_no_page(browser: Browser, house: House, owner: str) -> None:
    """While Home Assistant does not say who is an administrator, being one opens nothing: the page's password does."""
    house.stop()
    house.start()
    right = house.supervisor.token
    house.supervisor.token = "withdrawn"  # noqa: S105 - of a test
    try:
        user = opened(browser, house, owner, "owner")
        assert "This page has no password yet" in user.page.inner_text("body")
        assert ("/core/websocket", 401) in house.supervisor.asked
        user.page.context.close()
    finally:
        house.supervisor.token = right


def test_a_wrong_token_ends_the_app_with_a_sentence(house: House) -> None:
    """The Supervisor refuses; the log says what to do, and nothing of the node starts."""
    house.stop()
    births, right = house.births(), house.supervisor.token
    house.supervisor.token = "wrong"  # noqa: S105 - of a test
    try:
        house.app.start(house.options)
        house.supervisor.token = right
        assert house.app.wait() == 1
        assert "the Supervisor refuses this app (401): restart the app" in house.app.log()
        assert house.births() == births
    finally:
        house.supervisor.token = right
        house.app.remove()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"camera": {"source": "picamera"}}, "an app cannot reach a camera at the CSI port"),
        ({"camera": {"source": "webcam:0", "fps": 0}}, "camera.fps"),
        ({"rules": [{"id": "a", "when": "loiter"}]}, "for_s"),
    ],
)
def test_options_that_cannot_be_end_the_app_with_a_sentence(house: House, changed: Any, sentence: str) -> None:  # noqa: ANN401 - any options
    """What the Supervisor's schema cannot know: exit code 78, what is wrong, and nothing is tried again."""
    house.app.start(house.options | changed)
    assert house.app.wait() == 78
    assert sentence in house.app.log()
    assert house.app.remove() == 78


def test_the_app_waits_for_the_broker_to_be_installed(house: House) -> None:
    """Without the service it says so once and waits, and goes on as soon as there is one."""
    mqtt, house.supervisor.mqtt = house.supervisor.mqtt, None
    births = house.births()
    house.app.start(house.options)
    try:
        wanted = "there is no MQTT broker yet (400: Service not enabled): install and start the app Mosquitto broker"
        assert eventually(lambda: wanted in house.app.log(), START_S)
        house.supervisor.mqtt = mqtt
        assert eventually(lambda: house.births() > births, START_S)
        assert house.app.log().count("there is no MQTT broker yet") == 1
    finally:
        house.supervisor.mqtt = mqtt
        house.stop()


def test_nothing_is_left_of_a_stopped_app(house: House) -> None:
    """Home Assistant shows its entities as unavailable, and no warning of it is in its log."""
    assert eventually(partial(_is_unavailable, house.home), START_S)
    assert house.home.logged_problems() == []
    subprocess.run(["ip", "link", "show", BRIDGE], check=True, capture_output=True)


def _is_unavailable(home: HomeAssistant) -> bool:
    return home.state("sensor.facenode_count") == "unavailable"
