"""Removing entities and nodes from a real Home Assistant leaves nothing behind, whoever removes them."""

from contextlib import closing
from pathlib import Path

import pytest
from home_assistant import HomeAssistant
from home_assistant_node import TIMEOUT_S, enroll, entities, node_process
from home_assistant_root import OLDER
from mosquitto_broker import Mosquitto, Subscriber, eventually

pytestmark = pytest.mark.timeout(1200)


def retained_discovery(broker: Mosquitto, name: str) -> list[bytes]:
    """Return the discovery of a node that the broker retains."""
    topic = f"homeassistant/device/facenode/{name}/config"
    with closing(Subscriber(broker.settings(), topic, "marker/#", client_id="late")) as late:
        late.publish("marker/now", b"1")
        assert eventually(lambda: bool(late.on("marker/now")))
        return late.on(topic)


def test_turning_a_setting_off_removes_its_entity(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """Without snapshots there is no image, with `people.source = head` no enrollment text, also after a restart."""
    if OLDER:  # it loads what an image needs while the image is being removed
        home.ignore_log_line("Unable to remove unknown dispatcher <bound method MqttAvailabilityMixin")
    with node_process("loft", broker, tmp_path, media_dir, publish__snapshots="face"):
        wanted = entities("loft", picture=True, noisy=True)
        assert eventually(lambda: home.registered("facenode_loft").keys() == wanted.keys(), TIMEOUT_S)
    with node_process("loft", broker, tmp_path, media_dir):
        wanted = entities("loft", noisy=True)
        assert eventually(lambda: home.registered("facenode_loft").keys() == wanted.keys(), TIMEOUT_S)
        home.end()
    with node_process("loft", broker, tmp_path, media_dir, people__source="head"):
        assert eventually(lambda: b'"enroll":{"p":"text"}' in b"".join(retained_discovery(broker, "loft")), TIMEOUT_S)
        home.start()
        wanted.pop("text.loft_enroll")
        assert eventually(lambda: home.registered("facenode_loft").keys() == wanted.keys(), TIMEOUT_S)
        # Once Home Assistant has removed it, the discovery no longer contains it.
        assert eventually(lambda: b"enroll" not in b"".join(retained_discovery(broker, "loft")), TIMEOUT_S)
        assert home.registered("facenode_loft").keys() == wanted.keys()


@pytest.mark.parametrize("down", [False, True], ids=["up", "down"])
def test_disabling_home_assistant_removes_the_device(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path, *, down: bool
) -> None:
    """No device, entity or retained discovery is left, even if Home Assistant was down at the time."""
    name = f"cellar{down:d}"
    if OLDER:  # it removes disabled entities with the device, and empties the discovery once more for each
        home.ignore_log_line(f"No device components to cleanup for {name},")
    with node_process(name, broker, tmp_path, media_dir, publish__snapshots="face"):
        enroll(home, name)
        assert name.title() in home.devices()
    if down:
        home.end()
    with node_process(name, broker, tmp_path, media_dir, homeassistant__enabled=False):
        assert eventually(lambda: retained_discovery(broker, name) == [], TIMEOUT_S)
        if down:
            home.start()
        assert eventually(lambda: name.title() not in home.devices(), TIMEOUT_S)
        assert home.registered(f"facenode_{name}") == {}
        assert eventually(lambda: not (tmp_path / "s/homeassistant.json").exists() or not down, TIMEOUT_S)
    assert [each for each in home.command("config/entity_registry/list") if name in each["entity_id"]] == []
    assert retained_discovery(broker, name) == []


def test_a_device_deleted_in_home_assistant_leaves_nothing(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """For a node that is off for good, Home Assistant itself empties the discovery."""
    with node_process("ruin", broker, tmp_path, media_dir):
        assert eventually(lambda: home.state("sensor.ruin_count") == "1", TIMEOUT_S)
    # Home Assistant empties the discovery itself, once for each entity.
    home.ignore_log_line("No device components to cleanup for ruin,")
    home.remove("facenode_ruin")
    assert eventually(lambda: retained_discovery(broker, "ruin") == [], TIMEOUT_S)
    assert "Ruin" not in home.devices()
    assert home.registered("facenode_ruin") == {}
    assert [each for each in home.command("config/entity_registry/list") if "ruin_" in each["entity_id"]] == []
