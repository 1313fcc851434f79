"""`docker compose up --wait` on a real Docker Engine: a broker that loses nothing, and a watcher that shows it."""

import logging
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from debianroot import debian_root
from dockerimage import DockerImage
from engine import Engine
from facenode import environment, facenode
from realbroker import eventually
from stack import Count, Observer, Stack, count

pytestmark = pytest.mark.timeout(600)
LOG = logging.getLogger(__name__)
VISITS = 20
SENT = 2 * VISITS
"""Somebody comes and leaves: two events a visit."""
NOTHING_LOST = Count(sent=SENT, received=SENT, lost=0, repeated=0, shown=SENT, shown_again=0)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """Return an engine that knows one image: Debian 13."""
    with Engine() as engine:
        engine.import_root(debian_root(), "debian:trixie-slim")
        yield engine


@pytest.fixture(scope="module")
def stack(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return the two services, built from the checkout and up."""
    before = engine.everything()
    stack = Stack(engine, tmp_path_factory.mktemp("stack"))
    stack.compose("build")
    stack.up()
    yield stack
    stack.down()
    assert engine.everything() == before


@pytest.fixture(scope="module")
def observer(stack: Stack) -> Iterator[Observer]:
    """Return a durable subscriber on this machine."""
    with Observer(stack) as observer:
        yield observer


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory, media_dir: Path) -> dict[str, object]:
    """Return settings of a camera before which a stranger comes and goes again and again, and each time is told."""
    album = tmp_path_factory.mktemp("album")
    cv2.imwrite(str(album / "nobody.png"), np.full((512, 512, 3), 96, np.uint8))
    scenes = [media_dir / "astronaut.jpg"] * 6 + [album / "nobody.png"] * 4
    (album / "frames").mkdir()
    for number, picture in enumerate(scenes * VISITS):
        (album / "frames" / f"{number:04}{picture.suffix}").symlink_to(picture)
    return {
        "camera.source": f"images:{album / 'frames'}",
        "camera.fps": 5,
        "events.unknown_votes": 2,
        "events.leave_after_s": 0.5,
        "events.cool_down_s": 0,
    }


def test_only_this_machine_reaches_the_broker_and_nobody_is_root(engine: Engine, stack: Stack) -> None:
    """Without TLS the password may not travel, so the port is loopback's; both services run as the same plain user."""
    bound = engine.docker("inspect", "--format", "{{json .HostConfig.PortBindings}}", "facenode-broker-1")
    assert re.findall(r'"HostIp":"([^"]*)"', bound) == ["127.0.0.1"]
    for service in ("broker", "watch"):
        assert stack.compose("exec", "-T", service, "id", "-u").strip() == "10001"


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("name", ["facenode", "facenode-broker"])
def test_an_image_makes_nobody_root(engine: Engine, name: str) -> None:
    """Its program runs as a plain user, no file in it gives that up, and what it is stands in its labels."""
    image = DockerImage(engine, name)
    assert image.user == "facenode"
    assert image.privileged() == []
    assert image.writable() == []
    assert image.labels["title"] == name
    assert image.labels["version"] == "checkout"
    assert {"description", "licenses"} <= image.labels.keys()
    assert image.checks_health == (name == "facenode-broker")


@pytest.mark.usefixtures("stack")
def test_nothing_is_installed_or_built_in_the_programs_image(engine: Engine) -> None:
    """What its base brings is its base's affair; `make release` is tried on one that brings nothing."""
    assert DockerImage(engine, "facenode").tools("/opt/facenode") == []


def test_the_password_is_made_once_and_told_to_nobody(engine: Engine, stack: Stack) -> None:
    """It is random, its owner's only, hashed where mosquitto reads it, in no log and in nothing that Docker tells."""
    password = stack.password()
    assert re.fullmatch("[0-9a-f]{48}", password)
    assert stack.compose("exec", "-T", "broker", "stat", "-c", "%a %u", "/login/password").split() == ["600", "10001"]
    hashed = stack.compose("exec", "-T", "broker", "cat", "/tmp/passwords")  # noqa: S108 - the container's own
    assert hashed.startswith("facenode:$7$")
    stack.compose("restart")
    stack.up()
    assert stack.password() == password
    told = stack.compose("logs") + stack.compose("config")
    told += engine.docker("inspect", "facenode-broker-1", "facenode-watch-1", "facenode-broker", "facenode")
    assert password not in told


def test_the_wrong_password_is_refused(stack: Stack, tmp_path: Path, media_dir: Path) -> None:
    """`facenode check` says so, and so it does where none is given; with the right one all is well."""
    settings = stack.settings("checker", f"video:{media_dir / 'carphone.mp4'}")
    right = facenode("check", settings=settings)
    assert right.code == 0, right.out
    (tmp_path / "wrong").write_text("wrong")
    for given in ({"mqtt.password_file": tmp_path / "wrong"}, {"mqtt.password_file": "", "mqtt.username": ""}):
        kept = {key: value for key, value in (settings | given).items() if value != ""}
        wrong = facenode("check", settings=kept)
        assert wrong.code == 1
        assert "the broker refuses the login: check mqtt.username and mqtt.password_file" in wrong.out, wrong.out


def test_the_events_of_a_clip_are_shown(stack: Stack, observer: Observer, media_dir: Path) -> None:
    """A node on this machine plays a clip; `docker compose logs watch` has a readable line for each event."""
    played = facenode("run", settings=stack.settings("clip", f"video:{media_dir / 'carphone.mp4'}"))
    assert played.code == 0, played.err
    assert observer.gets("clip", 2)
    assert eventually(lambda: len(stack.shown("clip")) == 2, 20)
    assert [kind for _, kind in stack.shown("clip")] == ["unknown", "left"]
    assert [event["at"][11:23] for event in observer.of("clip")] == [at for at, _ in stack.shown("clip")]


def test_a_node_runs_from_the_same_image(stack: Stack, media_dir: Path) -> None:
    """Who has no Pi tries it in a container, on Python 3.13 with ai-edge-litert."""
    stack.compose(
        "run", "--rm", "-T", "--volume", f"{media_dir}:/media:ro", "watch",
        "run", "--set", "node.id=inside", "--set", "camera.source=video:/media/carphone.mp4",
        "--set", "storage.dir=/tmp/node",
    )  # fmt: skip
    assert eventually(lambda: [kind for _, kind in stack.shown("inside")] == ["unknown", "left"], 20)


def test_a_broker_killed_while_a_node_speaks_loses_nothing(
    stack: Stack, observer: Observer, visits: dict[str, object]
) -> None:
    """The node's outbox, the broker's file and the watcher's session together: all events come, each is shown once."""
    settings = stack.settings("speaker", "") | visits
    node = subprocess.Popen(
        [sys.executable, "-m", "node.cli", "run"], env=environment(settings), stderr=subprocess.PIPE, text=True
    )
    try:
        assert observer.gets("speaker", SENT // 4)
        stack.kill_broker()
        before = len(observer.of("speaker"))
        assert before < SENT
        stack.up()
        assert observer.comes_back()
        _, said = node.communicate(timeout=120)
        assert node.returncode == 0, said
    finally:
        node.kill()
        node.communicate()
    counted = settle(stack, observer, "speaker")
    LOG.info("killed after %s of %s events: %s", before, SENT, counted)
    # What was on its way when the broker was killed may come again; the watcher shows it once.
    assert replace(counted, repeated=0) == NOTHING_LOST
    assert counted.repeated <= 8


def test_what_waits_for_a_watcher_survives_the_broker(
    stack: Stack, observer: Observer, visits: dict[str, object]
) -> None:
    """With the watcher away the node hands over all events and ends; then the broker is killed."""
    stack.compose("stop", "watch")
    played = facenode("run", settings=stack.settings("early", "") | visits, timeout_s=120)
    assert played.code == 0, played.err
    stack.kill_broker()
    stack.up()
    assert observer.comes_back()
    counted = settle(stack, observer, "early")
    LOG.info("killed with the watcher away: %s", counted)
    assert replace(counted, repeated=0) == NOTHING_LOST


def test_the_profile_demo_shows_who_is_known_and_who_is_not(engine: Engine, tmp_path: Path) -> None:
    """From nothing, by one command: `watch` shows both; a broker that is killed and comes back costs no event."""
    before = engine.everything()
    stack = Stack(engine, tmp_path, "other")
    try:
        began_s = time.monotonic()
        stack.up("demo")
        LOG.info("the profile demo is up after %.0f s", time.monotonic() - began_s)
        assert eventually(lambda: {"recognized", "unknown"} <= _kinds(stack, "demo"), 60)
        shown = len(stack.shown("demo"))
        engine.docker("kill", "--signal", "KILL", "other-broker-1")
        stack.up("demo")
        assert eventually(lambda: len(stack.shown("demo")) >= shown + 6, 90)
        said = stack.compose("logs", "--no-log-prefix", "watch")
        assert "demo: no event is missing any longer" in said or "missing before number" not in said
        assert stack.compose("--profile=demo", "exec", "-T", "node", "id", "-u").strip() == "10001"
    finally:
        stack.down()
    assert engine.everything() == before


def _kinds(stack: Stack, node: str) -> set[str]:
    return {kind for _, kind in stack.shown(node)}


def test_down_leaves_nothing_and_the_next_password_is_another(engine: Engine, stack: Stack, tmp_path: Path) -> None:
    """`docker compose down --volumes` removes containers, network and volumes, and with them the password."""
    before = engine.everything()
    other = Stack(engine, tmp_path, "other")
    other.up()
    try:
        assert len(engine.everything() - before) == 2 + 2 + 2  # containers; volumes; the network and its bridge
        assert other.password() != stack.password()
    finally:
        other.down()
    assert engine.everything() == before


def test_a_port_in_use_is_said(engine: Engine, stack: Stack, tmp_path: Path) -> None:
    """Docker's own message names the port."""
    other = Stack(engine, tmp_path, "other")
    try:
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = str(taken.getsockname()[1])
            said = other.compose("up", "--wait", "broker", code=1, FACENODE_BROKER_PORT=port)
        assert f"127.0.0.1:{port}: bind: address already in use" in said
    finally:
        other.down()
    del stack


def test_wrong_variables_are_said(stack: Stack) -> None:
    """A port that is none, a base that is no image's name, and a setting that does not exist: each in one line."""
    assert "Invalid hostPort: abc" in stack.compose("config", code=15, FACENODE_BROKER_PORT="abc")
    assert "invalid reference format" in stack.compose("build", "broker", code=17, FACENODE_BASE_IMAGE="No such")
    wrong = ("run", "--rm", "-T", "--env", "FACENODE_MQTT__HOSST=broker", "watch", "watch")
    assert "did you mean host?" in stack.compose(*wrong, code=78)


def test_a_watcher_without_a_password_says_which_file_it_wants(engine: Engine, stack: Stack, tmp_path: Path) -> None:
    """Before the broker's first start the volume is empty: bad settings, 78."""
    other = Stack(engine, tmp_path, "other")
    try:
        said = other.compose("run", "--rm", "-T", "--no-deps", "watch", "watch", code=78)
        assert "mqtt.password_file = '/login/password'" in said
    finally:
        other.down()
    del stack


def settle(stack: Stack, observer: Observer, node: str) -> Count:
    """Wait until all events of a node have come and are shown; return the counts, complete or not."""
    observer.gets(node, SENT)
    eventually(lambda: len(set(stack.shown(node))) >= SENT, 30)
    return count(SENT, observer.of(node), stack.shown(node))
