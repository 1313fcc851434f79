"""What Home Assistant learns from a real broker as people come and go."""

import json
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from facenode_command import facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import settings_for
from running_node import PATIENCE_S, running

from node.homeassistant.entity_keys import FILE

pytestmark = pytest.mark.broker
DISCOVERY, BIRTH = "homeassistant/device/facenode/hall/config", "homeassistant/status"


def components(payload: bytes) -> dict[str, Any]:
    """Return the components of a discovery."""
    found: dict[str, Any] = json.loads(payload)["cmps"]
    return found


def people(payload: bytes) -> list[str]:
    """Return the names of the people who are shown."""
    return [each["name"] for key, each in components(payload).items() if key.startswith("person_") and "name" in each]


def going(payload: bytes) -> list[str]:
    """Return the keys of what Home Assistant has to remove."""
    return [key for key, each in components(payload).items() if set(each) == {"p"}]


def retained(broker: Mosquitto) -> bytes:
    """Return the discovery that the broker keeps."""
    with closing(Subscriber(broker.settings(), DISCOVERY, client_id="late")) as late:
        assert eventually(lambda: bool(late.messages))
        return late.messages[0].payload


def test_discovery_follows_people_of_a_running_node(
    mosquitto: Callable[..., Mosquitto], album: Path, tmp_path: Path, media_dir: Path
) -> None:
    """Added: there, by name. Removed: told to go, and once more whole when Home Assistant starts; then forgotten."""
    broker = mosquitto()
    settings = settings_for(broker, album, tmp_path / "s") | {"camera.source": f"images:{album}", "camera.fps": 5}
    with closing(Subscriber(broker.settings(), "homeassistant/#")) as subscriber, running(settings) as process:

        def told() -> list[bytes]:
            return subscriber.on(DISCOVERY)

        assert eventually(lambda: bool(told()), PATIENCE_S)
        assert people(told()[-1]) == []
        added = facenode("people", "add", "ada", "--name", "Ada Byron", media_dir / "astronaut.jpg", settings=settings)
        assert added.code == 0, added.err
        assert eventually(lambda: people(told()[-1]) == ["Ada Byron"], PATIENCE_S)
        assert people(retained(broker)) == ["Ada Byron"]
        assert facenode("people", "remove", "ada", settings=settings).code == 0
        assert eventually(lambda: len(going(told()[-1])) == 2, PATIENCE_S)
        assert b"Ada" not in retained(broker)
        gone, before = going(told()[-1]), len(told())
        subscriber.publish(BIRTH, b"online")
        assert eventually(lambda: len(told()) >= before + 3, PATIENCE_S)
        whole, without, clean = told()[before : before + 3]
        assert all("unique_id" in components(whole)[key] for key in gone)
        assert going(without) == gone
        assert not set(gone) & set(components(clean))
        assert retained(broker) == clean
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert json.loads((tmp_path / "s" / FILE).read_text())["gone"] == []


def test_a_broker_that_is_away_while_somebody_is_removed_is_said(
    mosquitto: Callable[..., Mosquitto], album: Path, tmp_path: Path, media_dir: Path
) -> None:
    """The owner must know that the broker still has the name; the node's next start takes it away."""
    broker = mosquitto("allow_anonymous true", "persistence true", f"persistence_location {tmp_path}/mosquitto-0/")
    settings = settings_for(broker, album, tmp_path / "s") | {"camera.source": f"images:{album}", "camera.fps": 5}
    assert facenode("people", "add", "ada", media_dir / "astronaut.jpg", settings=settings).code == 0
    with closing(Subscriber(broker.settings(), DISCOVERY)) as subscriber, running(settings) as process:
        assert eventually(lambda: bool(subscriber.messages), PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    broker.end()
    removed = facenode("people", "remove", "ada", settings=settings)
    assert removed.code == 0
    assert "until the node starts, Home Assistant's discovery at the broker names ada" in removed.err
    broker.start()
    assert people(retained(broker)) == ["ada"]
    with running(settings):
        assert eventually(lambda: len(going(retained(broker))) == 2, PATIENCE_S)
