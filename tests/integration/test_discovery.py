"""Home Assistant's discovery at a real broker follows the enrolled people."""

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
from running_node import TIMEOUT_S, running_facenode

from node.homeassistant.entity_keys import FILE

pytestmark = pytest.mark.broker
DISCOVERY, BIRTH = "homeassistant/device/facenode/hall/config", "homeassistant/status"


def components(payload: bytes) -> dict[str, Any]:
    """Return the components of a discovery message."""
    found: dict[str, Any] = json.loads(payload)["cmps"]
    return found


def people(payload: bytes) -> list[str]:
    """Return the names of the people in a discovery message."""
    return [each["name"] for key, each in components(payload).items() if key.startswith("person_") and "name" in each]


def removed_components(payload: bytes) -> list[str]:
    """Return the keys of the components that Home Assistant has to remove."""
    return [key for key, each in components(payload).items() if set(each) == {"p"}]


def retained(broker: Mosquitto) -> bytes:
    """Return the discovery message that the broker retains."""
    with closing(Subscriber(broker.settings(), DISCOVERY, client_id="late")) as late:
        assert eventually(lambda: bool(late.messages))
        return late.messages[0].payload


def test_discovery_follows_people_of_a_running_node(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path, media_dir: Path
) -> None:
    """An added person appears; a removed one is removed, also at Home Assistant's next start, and is then forgotten."""
    broker = mosquitto()
    settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
    }
    with closing(Subscriber(broker.settings(), "homeassistant/#")) as subscriber, running_facenode(settings) as process:

        def published() -> list[bytes]:
            return subscriber.on(DISCOVERY)

        assert eventually(lambda: bool(published()), TIMEOUT_S)
        assert people(published()[-1]) == []
        added = facenode("people", "add", "ada", "--name", "Ada Byron", media_dir / "astronaut.jpg", settings=settings)
        assert added.code == 0, added.err
        assert eventually(lambda: people(published()[-1]) == ["Ada Byron"], TIMEOUT_S)
        assert people(retained(broker)) == ["Ada Byron"]
        assert facenode("people", "remove", "ada", settings=settings).code == 0
        assert eventually(lambda: len(removed_components(published()[-1])) == 2, TIMEOUT_S)
        assert b"Ada" not in retained(broker)
        gone, before = removed_components(published()[-1]), len(published())
        subscriber.publish(BIRTH, b"online")
        assert eventually(lambda: len(published()) >= before + 3, TIMEOUT_S)
        whole, without, clean = published()[before : before + 3]
        assert all("unique_id" in components(whole)[key] for key in gone)
        assert removed_components(without) == gone
        assert not set(gone) & set(components(clean))
        assert retained(broker) == clean
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    assert json.loads((tmp_path / "s" / FILE).read_text())["gone"] == []


def test_removing_a_person_without_a_broker_warns_and_is_completed_at_the_next_start(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path, media_dir: Path
) -> None:
    """The owner is warned that the broker still names the person; the node's next start removes the name."""
    broker = mosquitto("allow_anonymous true", "persistence true", f"persistence_location {tmp_path}/mosquitto-0/")
    settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
    }
    assert facenode("people", "add", "ada", media_dir / "astronaut.jpg", settings=settings).code == 0
    with closing(Subscriber(broker.settings(), DISCOVERY)) as subscriber, running_facenode(settings) as process:
        assert eventually(lambda: bool(subscriber.messages), TIMEOUT_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    broker.end()
    removed = facenode("people", "remove", "ada", settings=settings)
    assert removed.code == 0
    assert "Home Assistant's discovery at the broker names ada until the node starts" in removed.err
    broker.start()
    assert people(retained(broker)) == ["ada"]
    with running_facenode(settings):
        assert eventually(lambda: len(removed_components(retained(broker))) == 2, TIMEOUT_S)
