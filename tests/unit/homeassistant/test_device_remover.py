"""The removal of a node's device from Home Assistant."""

import json
from pathlib import Path

from makers import PersonStub, instant

from node.contract import payloads
from node.contract.topics import Topics
from node.homeassistant.device_remover import DeviceRemover
from node.homeassistant.discovery import Device
from node.homeassistant.entity_keys import FILE, EntityKeys
from node.mqtt.retained import Retained

TOPICS = Topics("pi-1")


def test_a_removed_device_leaves_nothing(tmp_path: Path) -> None:
    """The broker gets one empty discovery; a Home Assistant that was down, the whole device and the empty discovery."""
    EntityKeys(tmp_path).update([PersonStub("ada", "Ada")])
    assert (tmp_path / FILE).exists()
    retained = Retained(TOPICS, payloads.state(instant(0)))
    remover = DeviceRemover(TOPICS, Device("Hall", "", "1"), EntityKeys(tmp_path), retained)

    def sent() -> list[tuple[bytes, bool]]:
        remover.update(())
        messages = [each for each in retained.take_due() if each.topic == TOPICS.discovery]
        for message in messages:
            if message.retain:
                retained.confirm(message)
        return [(message.payload, message.retain) for message in messages]

    assert sent() == [(b"", True)]
    retained.resend()
    assert sent() == []
    retained.home_assistant_started()
    (whole, retain), empty = sent()
    assert not retain
    assert b"Ada" not in whole
    assert {"binary_sensor", "sensor", "event"} <= {each["p"] for each in json.loads(whole)["cmps"].values()}
    assert empty == (b"", True)
    remover.update(())
    assert not (tmp_path / FILE).exists()
    retained.home_assistant_started()
    assert sent() == []
    assert not retained.has_discovery
