"""`docker compose up --wait` on a real Docker Engine: the broker loses no event, and `watch` shows each one."""

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
from compose_stack import ComposeStack, DurableSubscriber, StackDeliveries, count_deliveries
from debian_root import debian_root
from docker_engine import DockerEngine
from docker_image import DockerImage
from facenode_command import environment, facenode
from intruder import Intruder
from mosquitto_broker import Subscriber, eventually

from node.settings import MqttSettings
from node.vision.jpeg import MAX_BYTES

pytestmark = pytest.mark.timeout(600)
LOG = logging.getLogger(__name__)
VISITS = 20
SENT = 2 * VISITS
"""Each visit has two events: a person comes and leaves."""
NOTHING_LOST = StackDeliveries(sent=SENT, received=SENT, lost=0, repeated=0, shown=SENT, shown_again=0)


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    """Return an engine with one image, Debian 13."""
    with DockerEngine() as engine:
        engine.import_root(debian_root(), "debian:trixie-slim")
        yield engine


@pytest.fixture(scope="module")
def stack(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """Return the two services, built from the checkout and running."""
    before = engine.all_resources()
    stack = ComposeStack(engine, tmp_path_factory.mktemp("stack"))
    stack.compose("build")
    stack.up()
    yield stack
    stack.down()
    assert engine.all_resources() == before


@pytest.fixture(scope="module")
def subscriber(stack: ComposeStack) -> Iterator[DurableSubscriber]:
    """Return a durable subscriber on this machine."""
    with DurableSubscriber(stack) as subscriber:
        yield subscriber


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory, media_dir: Path) -> dict[str, object]:
    """Return camera settings with a stranger who comes and goes repeatedly, with events each time."""
    pictures = tmp_path_factory.mktemp("pictures")
    cv2.imwrite(str(pictures / "nobody.png"), np.full((512, 512, 3), 96, np.uint8))
    scenes = [media_dir / "astronaut.jpg"] * 6 + [pictures / "nobody.png"] * 4
    (pictures / "frames").mkdir()
    for number, picture in enumerate(scenes * VISITS):
        (pictures / "frames" / f"{number:04}{picture.suffix}").symlink_to(picture)
    return {
        "camera.source": f"images:{pictures / 'frames'}",
        "camera.fps": 5,
        "events.unknown_votes": 2,
        "events.leave_after_s": 0.5,
        "events.cool_down_s": 0,
    }


def test_the_broker_listens_on_loopback_and_services_are_not_root(engine: DockerEngine, stack: ComposeStack) -> None:
    """Without TLS the port is bound to loopback; both services run as the same unprivileged user."""
    bound = engine.docker("inspect", "--format", "{{json .HostConfig.PortBindings}}", "facenode-broker-1")
    assert re.findall(r'"HostIp":"([^"]*)"', bound) == ["127.0.0.1"]
    for service in ("broker", "watch"):
        assert stack.compose("exec", "-T", service, "id", "-u").strip() == "10001"


def test_a_container_has_limits_on_memory_processes_and_tmp(engine: DockerEngine, stack: ComposeStack) -> None:
    """Neither a fault nor an attack takes the memory or the processes of the machine."""
    limits = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}}"
    for service in ("broker", "watch"):
        found = engine.docker("inspect", "--format", limits, f"facenode-{service}-1")
        assert found.split() == [str(512 << 20), str(512 << 20), "100"]
        size = stack.compose("exec", "-T", service, "df", "--output=size", "--block-size=1M", "/tmp")  # noqa: S108
        assert size.split()[-1] == "64"


def test_the_largest_snapshot_arrives_and_a_larger_packet_ends_the_connection(stack: ComposeStack) -> None:
    """The broker's bound on a packet leaves room for every picture of a node, and for nothing much larger."""
    login = stack.settings("card", "")
    names = ("host", "port", "username", "password_file")
    mqtt = MqttSettings.model_validate({name: login[f"mqtt.{name}"] for name in names})
    with (
        closing(Subscriber(mqtt, "facenode/card/snapshot/+")) as viewer,
        closing(Intruder(mqtt, "card")) as node,
    ):
        assert node.publish("facenode/card/snapshot/full", b"\xff" * MAX_BYTES) == 0
        assert eventually(lambda: [len(message.payload) for message in viewer.messages] == [MAX_BYTES])
        assert node.publish("facenode/card/snapshot/full", bytes(2_000_000)) is None
        assert node.lost_at is not None


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("name", ["facenode", "facenode-broker"])
def test_an_image_has_no_way_to_become_root(engine: DockerEngine, name: str) -> None:
    """Its program runs as an unprivileged user, it has no setuid files, and its labels describe it."""
    image = DockerImage(engine, name)
    assert image.user == "facenode"
    assert image.setuid_files() == []
    assert image.world_writable_files() == []
    assert image.labels["title"] == name
    assert image.labels["version"] == "checkout"
    assert {"description", "licenses"} <= image.labels.keys()
    assert image.checks_health == (name == "facenode-broker")


@pytest.mark.usefixtures("stack")
def test_the_programs_image_has_no_build_tools(engine: DockerEngine) -> None:
    """The program's folder has none; `test_real_release.py` checks the whole image."""
    assert DockerImage(engine, "facenode").build_tools("/opt/facenode") == []


def test_the_password_is_generated_once_and_shown_nowhere(engine: DockerEngine, stack: ComposeStack) -> None:
    """It is random, readable only by its owner, hashed for mosquitto, and in no log or Docker output."""
    password = stack.password()
    assert re.fullmatch("[0-9a-f]{48}", password)
    assert stack.compose("exec", "-T", "broker", "stat", "-c", "%a %u", "/login/password").split() == ["600", "10001"]
    hashed = stack.compose("exec", "-T", "broker", "cat", "/tmp/passwords")  # noqa: S108 - the container's own folder
    assert hashed.startswith("facenode:$7$")
    stack.compose("restart")
    stack.up()
    assert stack.password() == password
    output = stack.compose("logs") + stack.compose("config")
    output += engine.docker("inspect", "facenode-broker-1", "facenode-watch-1", "facenode-broker", "facenode")
    assert password not in output


def test_the_wrong_password_is_refused(stack: ComposeStack, tmp_path: Path, media_dir: Path) -> None:
    """`facenode check` reports a wrong or missing password, and passes with the right one."""
    settings = stack.settings("checker", f"video:{media_dir / 'carphone.mp4'}")
    right = facenode("check", settings=settings)
    assert right.code == 0, right.out
    (tmp_path / "wrong").write_text("wrong")
    for given in ({"mqtt.password_file": tmp_path / "wrong"}, {"mqtt.password_file": "", "mqtt.username": ""}):
        kept = {key: value for key, value in (settings | given).items() if value != ""}
        wrong = facenode("check", settings=kept)
        assert wrong.code == 1
        assert "the broker refuses the login: check mqtt.username and mqtt.password_file" in wrong.out, wrong.out


def test_the_events_of_a_clip_are_shown(stack: ComposeStack, subscriber: DurableSubscriber, media_dir: Path) -> None:
    """A node on this machine plays a clip; `docker compose logs watch` has a readable line for each event."""
    played = facenode("run", settings=stack.settings("clip", f"video:{media_dir / 'carphone.mp4'}"))
    assert played.code == 0, played.err
    assert subscriber.wait_for_events("clip", 2)
    assert eventually(lambda: len(stack.shown_events("clip")) == 2, 20)
    assert [kind for _, kind in stack.shown_events("clip")] == ["unknown", "left"]
    assert [event["at"][11:23] for event in subscriber.events_of("clip")] == [
        at for at, _ in stack.shown_events("clip")
    ]


def test_a_node_runs_from_the_same_image(stack: ComposeStack, media_dir: Path) -> None:
    """Without a Pi, a node runs in a container on Python 3.13 with ai-edge-litert."""
    stack.compose(
        "run", "--rm", "-T", "--volume", f"{media_dir}:/media:ro", "watch",
        "run", "--set", "node.id=inside", "--set", "camera.source=video:/media/carphone.mp4",
        "--set", "storage.dir=/tmp/node",
    )  # fmt: skip
    assert eventually(lambda: [kind for _, kind in stack.shown_events("inside")] == ["unknown", "left"], 20)


def test_killing_the_broker_while_a_node_publishes_loses_no_event(
    stack: ComposeStack, subscriber: DurableSubscriber, visits: dict[str, object]
) -> None:
    """All events arrive and each is shown once, thanks to outbox, persistence and session."""
    settings = stack.settings("speaker", "") | visits
    node = subprocess.Popen(
        [sys.executable, "-m", "node.cli", "run"], env=environment(settings), stderr=subprocess.PIPE, text=True
    )
    try:
        assert subscriber.wait_for_events("speaker", SENT // 4)
        stack.kill_broker()
        before = len(subscriber.events_of("speaker"))
        assert before < SENT
        stack.up()
        assert subscriber.wait_subscribed()
        _, output = node.communicate(timeout=120)
        assert node.returncode == 0, output
    finally:
        node.kill()
        node.communicate()
    counted = wait_for_deliveries(stack, subscriber, "speaker")
    LOG.info("killed after %s of %s events: %s", before, SENT, counted)
    # Messages in flight when the broker was killed may be repeated; the watcher shows each once.
    assert replace(counted, repeated=0) == NOTHING_LOST
    assert counted.repeated <= 8


def test_queued_messages_survive_a_killed_broker(
    stack: ComposeStack, subscriber: DurableSubscriber, visits: dict[str, object]
) -> None:
    """With `watch` stopped the node delivers all events and ends; then the broker is killed."""
    stack.compose("stop", "watch")
    played = facenode("run", settings=stack.settings("early", "") | visits, timeout_s=120)
    assert played.code == 0, played.err
    stack.kill_broker()
    stack.up()
    assert subscriber.wait_subscribed()
    counted = wait_for_deliveries(stack, subscriber, "early")
    LOG.info("killed with the watcher away: %s", counted)
    assert replace(counted, repeated=0) == NOTHING_LOST


def test_the_demo_profile_shows_known_and_unknown_people(engine: DockerEngine, tmp_path: Path) -> None:
    """One command is enough; a broker that is killed and restarted loses no event."""
    before = engine.all_resources()
    stack = ComposeStack(engine, tmp_path, "other")
    try:
        began_s = time.monotonic()
        stack.up("demo")
        LOG.info("the profile demo is up after %.0f s", time.monotonic() - began_s)
        assert eventually(lambda: {"recognized", "unknown"} <= _kinds(stack, "demo"), 60)
        shown = len(stack.shown_events("demo"))
        engine.docker("kill", "--signal", "KILL", "other-broker-1")
        stack.up("demo")
        assert eventually(lambda: len(stack.shown_events("demo")) >= shown + 6, 90)
        output = stack.compose("logs", "--no-log-prefix", "watch")
        assert "demo: no event is missing any longer" in output or "missing before number" not in output
        assert stack.compose("--profile=demo", "exec", "-T", "node", "id", "-u").strip() == "10001"
    finally:
        stack.down()
    assert engine.all_resources() == before


def _kinds(stack: ComposeStack, node: str) -> set[str]:
    return {kind for _, kind in stack.shown_events(node)}


def test_down_removes_everything_and_the_next_password_is_new(
    engine: DockerEngine, stack: ComposeStack, tmp_path: Path
) -> None:
    """`down --volumes` removes containers, network and volumes, and the password with them."""
    before = engine.all_resources()
    other = ComposeStack(engine, tmp_path, "other")
    other.up()
    try:
        assert len(engine.all_resources() - before) == 2 + 2 + 2  # containers; volumes; the network and its bridge
        assert other.password() != stack.password()
    finally:
        other.down()
    assert engine.all_resources() == before


def test_a_port_in_use_is_named(engine: DockerEngine, stack: ComposeStack, tmp_path: Path) -> None:
    """Docker's own error names the port."""
    other = ComposeStack(engine, tmp_path, "other")
    try:
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = str(taken.getsockname()[1])
            output = other.compose("up", "--wait", "broker", code=1, FACENODE_BROKER_PORT=port)
        assert f"127.0.0.1:{port}: bind: address already in use" in output
    finally:
        other.down()
    del stack


def test_wrong_variables_are_reported(stack: ComposeStack) -> None:
    """An invalid port, an invalid base image and an unknown setting each give one line."""
    assert "Invalid hostPort: abc" in stack.compose("config", code=15, FACENODE_BROKER_PORT="abc")
    assert "invalid reference format" in stack.compose("build", "broker", code=17, FACENODE_BASE_IMAGE="No such")
    wrong = ("run", "--rm", "-T", "--env", "FACENODE_MQTT__HOSST=broker", "watch", "watch")
    assert "did you mean host?" in stack.compose(*wrong, code=78)


def test_a_watcher_without_a_password_names_the_missing_file(
    engine: DockerEngine, stack: ComposeStack, tmp_path: Path
) -> None:
    """Before the broker's first start the volume is empty: exit code 78."""
    other = ComposeStack(engine, tmp_path, "other")
    try:
        output = other.compose("run", "--rm", "-T", "--no-deps", "watch", "watch", code=78)
        assert "mqtt.password_file = '/login/password'" in output
    finally:
        other.down()
    del stack


def wait_for_deliveries(stack: ComposeStack, subscriber: DurableSubscriber, node: str) -> StackDeliveries:
    """Wait until all events of a node have arrived and are shown; return the counts, complete or not."""
    subscriber.wait_for_events(node, SENT)
    eventually(lambda: len(set(stack.shown_events(node))) >= SENT, 30)
    return count_deliveries(SENT, subscriber.events_of(node), stack.shown_events(node))
