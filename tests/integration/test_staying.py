"""Programs that stay, as in a container: what they play or see, and the file that says that all is well."""

import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from facenode import facenode
from house import PATIENCE_S, House, running
from realbroker import Mosquitto, Subscriber, eventually
from told import settings_for, validate

pytestmark = pytest.mark.broker


def test_a_demonstration_that_stays_plays_again_and_again(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """On the broker of the settings; the one who is enrolled is recognised each time, and a signal ends it cleanly."""
    broker, mark = mosquitto(), tmp_path / "ready"
    settings = {"mqtt.host": "127.0.0.1", "mqtt.port": broker.port, "homeassistant.enabled": False}
    with (
        closing(Subscriber(broker.settings(), "facenode/demo/#")) as subscriber,
        running(settings, "--stay", "--ready", mark, command="demo") as process,
    ):
        house = House(subscriber, "demo")
        assert eventually(mark.exists, PATIENCE_S)
        assert eventually(lambda: house.kinds().count("recognized") == 2, 3 * PATIENCE_S)
        assert house.kinds().count("unknown") >= 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        assert not mark.exists()
        assert eventually(lambda: subscriber.on("facenode/demo/status")[-1] == b"offline", PATIENCE_S)
    validate(subscriber.messages)


def test_a_node_is_ready_while_frames_come_and_the_broker_is_there(
    mosquitto: Callable[..., Mosquitto], album: Path, tmp_path: Path
) -> None:
    """Whoever asks from outside, such as a container's health check, sees the broker go and come back."""
    broker, mark = mosquitto(), tmp_path / "ready"
    mark.touch()
    settings = settings_for(broker, album, tmp_path / "s") | {"camera.source": f"images:{album}", "camera.fps": 5}
    broker.kill()
    with running(settings, "--ready", mark) as process:
        assert eventually(lambda: not mark.exists(), PATIENCE_S)
        broker.start()
        assert eventually(mark.exists, PATIENCE_S)
        broker.kill()
        assert eventually(lambda: not mark.exists(), PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_a_mark_for_a_demonstration_that_ends_is_refused(tmp_path: Path) -> None:
    """It would never be there, so whoever waited for it would wait for ever."""
    found = facenode("demo", "--ready", tmp_path / "ready", settings={})
    assert found.code == 2
    assert "--ready can be used with --stay only" in found.err


@pytest.mark.parametrize("command", ["run", "watch"])
def test_a_mark_that_cannot_be_made_is_refused_at_once(command: str, tmp_path: Path) -> None:
    """The message names the folder; nothing is started."""
    found = facenode(command, "--ready", tmp_path / "none" / "ready", settings={})
    assert found.code == 2
    assert f"{tmp_path / 'none'} is not a folder" in found.err
