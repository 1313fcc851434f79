"""What a node offers, as its settings say."""

from pathlib import Path

import pytest
from makers import instant

from node.assembly import build_announcer, describe_device
from node.contract import payloads
from node.contract.topics import Topics
from node.homeassistant.announcer import Announcer
from node.homeassistant.device_remover import DeviceRemover
from node.homeassistant.entity_keys import FILE
from node.mqtt.retained import Retained
from node.settings import Settings
from node.settings.loader import load


def settings(section: str, **given: object) -> Settings:
    """Return the defaults with these settings of a section."""
    return load(None, {section: given}, {}, Path("/nonexistent"))


def test_pictures_and_enrolment_are_offered_only_where_they_can_be() -> None:
    """No picture leaves a node unasked, and whoever the network itself knows cannot be enrolled."""
    plain = describe_device(settings("node", id="hall"))
    assert not plain.snapshots
    assert "people_enroll" in plain.verbs
    assert describe_device(settings("publish", snapshots="face")).snapshots
    head = describe_device(settings("people", source="head"))
    assert set(plain.verbs) - set(head.verbs) == {"people_enroll"}


@pytest.mark.parametrize(
    ("enabled", "announced_before", "kind"),
    [(True, False, Announcer), (True, True, Announcer), (False, True, DeviceRemover), (False, False, type(None))],
)
def test_home_assistant_gets_discovery_or_removal_or_nothing(
    tmp_path: Path, *, enabled: bool, announced_before: bool, kind: type
) -> None:
    """A node that never spoke to it publishes nothing of its."""
    if announced_before:
        (tmp_path / FILE).write_text('{"secret":"00112233445566778899aabbccddeeff","known":[],"gone":[]}')
    given = load(None, {"homeassistant": {"enabled": enabled}, "storage": {"dir": tmp_path}}, {}, Path("/nonexistent"))
    topics = Topics("hall")
    assert type(build_announcer(given, topics, Retained(topics, payloads.state(instant(0))))) is kind
