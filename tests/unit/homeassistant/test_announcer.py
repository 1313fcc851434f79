"""The discovery that Home Assistant gets as people and settings change."""

import json
from pathlib import Path
from typing import Any

from makers import PersonStub, instant

from node.contract import payloads
from node.contract.topics import Topics
from node.homeassistant.announcer import Announcer
from node.homeassistant.discovery import Device
from node.homeassistant.entity_keys import EntityKeys
from node.mqtt.retained import Retained

TOPICS = Topics("pi-1")
ADA, BOB = PersonStub("ada", "Ada"), PersonStub("bob", "Bob")


class Announced:
    """An announcer, and the discoveries that it sends."""

    def __init__(self, folder: Path) -> None:
        self.retained = Retained(TOPICS, payloads.state(instant(0)))
        self.announcer = Announcer(TOPICS, Device("Hall", "", "1"), EntityKeys(folder), self.retained)

    def sent(self) -> list[tuple[dict[str, Any], bool]]:
        """Return the components and retain flag of each discovery that is sent, and confirm the retained ones."""
        messages = [message for message in self.retained.take_due() if message.topic == TOPICS.discovery]
        for message in messages:
            if message.retain:
                self.retained.confirm(message)
        return [(json.loads(message.payload)["cmps"], message.retain) for message in messages]


def people(components: dict[str, Any]) -> list[str]:
    """Return the names of the people among components, without those that are to be removed."""
    return [each["name"] for key, each in components.items() if key.startswith("person_") and "name" in each]


def test_discovery_is_sent_when_people_change_and_only_then(tmp_path: Path) -> None:
    """The announcer is called on every tick and must not send on every tick."""
    node, known = Announced(tmp_path), (ADA,)
    node.announcer.update(known)
    ((components, retain),) = node.sent()
    assert retain
    assert people(components) == ["Ada"]
    node.announcer.update(known)
    assert node.sent() == []
    node.announcer.update((ADA, BOB))
    assert people(node.sent()[0][0]) == ["Ada", "Bob"]


def test_a_removed_person_is_announced_as_removed_until_home_assistant_has_started(tmp_path: Path) -> None:
    """Home Assistant may have been down at the removal. After its start nothing is kept of the person."""
    node, remaining = Announced(tmp_path), (BOB,)
    node.announcer.update((ADA, BOB))
    node.sent()
    node.announcer.update(remaining)
    ((components, _),) = node.sent()
    assert people(components) == ["Bob"]
    removed_keys = [key for key, each in components.items() if set(each) == {"p"}]
    assert len(removed_keys) == 2
    node.announcer.update(remaining)
    assert node.sent() == []
    node.retained.home_assistant_started()
    (placeholders, placeholders_retain), (removals, removals_retain) = node.sent()
    assert (placeholders_retain, removals_retain) == (False, True)
    assert sorted(people(placeholders)) == ["Bob", "Removed"]
    assert all(set(removals[key]) == {"p"} for key in removed_keys)
    node.announcer.update(remaining)
    ((final, _),) = node.sent()
    assert not set(removed_keys) & set(final)
    node.retained.home_assistant_started()
    assert len(node.sent()) == 1


def test_a_component_turned_off_by_a_setting_is_removed_at_the_next_start(tmp_path: Path) -> None:
    """Turning snapshots off leaves no dead entity behind. Turning them on again announces the whole entity."""
    for snapshots, expected in ((True, None), (False, {"p": "image"}), (False, {"p": "image"}), (True, None)):
        retained = Retained(TOPICS, payloads.state(instant(0)))
        device = Device("Hall", "", "1", snapshots=snapshots)
        Announcer(TOPICS, device, EntityKeys(tmp_path), retained).update(())
        retained.resend()
        component = json.loads(retained.take_due()[0].payload)["cmps"]["snapshot"]
        assert component == expected or (expected is None and "image_topic" in component)
