"""The options `--stay` and `--ready`, as used in containers."""

import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from facenode_command import facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import assert_valid, settings_for
from running_node import TIMEOUT_S, NodeClient, running_facenode

pytestmark = pytest.mark.broker


def test_a_demo_that_stays_repeats(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """The demo uses the settings' broker, recognizes the enrolled person each time, and ends cleanly on SIGTERM."""
    broker, mark = mosquitto(), tmp_path / "ready"
    settings = {"mqtt.host": "127.0.0.1", "mqtt.port": broker.port, "homeassistant.enabled": False}
    with (
        closing(Subscriber(broker.settings(), "facenode/demo/#")) as subscriber,
        running_facenode(settings, "--stay", "--ready", mark, command="demo") as process,
    ):
        node_client = NodeClient(subscriber, "demo")
        assert eventually(mark.exists, TIMEOUT_S)
        assert eventually(lambda: node_client.event_types().count("recognized") == 2, 3 * TIMEOUT_S)
        assert node_client.event_types().count("unknown") >= 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
        assert not mark.exists()
        assert eventually(lambda: subscriber.on("facenode/demo/status")[-1] == b"offline", TIMEOUT_S)
    assert_valid(subscriber.messages)


def test_the_ready_file_exists_while_frames_and_broker_are_there(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path
) -> None:
    """A container's health check sees the broker go and come back."""
    broker, mark = mosquitto(), tmp_path / "ready"
    mark.touch()
    settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
    }
    broker.kill()
    with running_facenode(settings, "--ready", mark) as process:
        assert eventually(lambda: not mark.exists(), TIMEOUT_S)
        broker.start()
        assert eventually(mark.exists, TIMEOUT_S)
        broker.kill()
        assert eventually(lambda: not mark.exists(), TIMEOUT_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0


def test_a_ready_file_needs_a_demo_that_stays(tmp_path: Path) -> None:
    """`--ready` without `--stay` is refused."""
    found = facenode("demo", "--ready", tmp_path / "ready", settings={})
    assert found.code == 2
    assert "--ready can be used with --stay only" in found.err


@pytest.mark.parametrize("command", ["run", "watch"])
def test_a_ready_file_in_a_missing_folder_is_refused(command: str, tmp_path: Path) -> None:
    """The error names the folder, and nothing is started."""
    found = facenode(command, "--ready", tmp_path / "none" / "ready", settings={})
    assert found.code == 2
    assert f"{tmp_path / 'none'} is not a folder" in found.err
