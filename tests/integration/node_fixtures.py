"""Fixtures: a real broker, a running node and its client."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import settings_for
from running_node import TIMEOUT_S, NodeClient, running_facenode


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Return a function that starts a broker with the given configuration lines; skip without mosquitto."""
    if shutil.which("mosquitto") is None and not Path("/usr/sbin/mosquitto").exists():
        pytest.skip("no mosquitto program: apt install mosquitto")
    started: list[Mosquitto] = []

    def start(*lines: str, host: str = "127.0.0.1") -> Mosquitto:
        broker = Mosquitto(tmp_path / f"mosquitto-{len(started)}", lines or ("allow_anonymous true",), host)
        started.append(broker)
        return broker.start()

    yield start
    for broker in started:
        broker.end()


@pytest.fixture
def portrait_folder(tmp_path: Path, media_dir: Path) -> Path:
    """Return a folder that shows the same portrait for longer than any test takes."""
    folder = tmp_path / "portrait_folder"
    folder.mkdir()
    for number in range(4000):
        (folder / f"{number:04}.jpg").symlink_to(media_dir / "astronaut.jpg")
    return folder


@pytest.fixture
def node_client(mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path) -> Iterator[NodeClient]:
    """Return a client of a running node."""
    broker = mosquitto()
    settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
    }
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, running_facenode(settings) as process:
        client = NodeClient(subscriber)
        assert eventually(lambda: bool(client.latest("state")), TIMEOUT_S)
        yield client
        assert process.poll() is None
