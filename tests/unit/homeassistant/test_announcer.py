"""What Home Assistant is told as people come and go."""

import json
from pathlib import Path
from typing import Any

from makers import Somebody, instant

from node.contract import payloads
from node.contract.topics import Topics
from node.homeassistant.announcer import Introduction, Withdrawal
from node.homeassistant.discovery import Device
from node.homeassistant.entity_keys import FILE, Residents
from node.mqtt.retained import Retained

TOPICS = Topics("pi-1")
ADA, BOB = Somebody("ada", "Ada"), Somebody("bob", "Bob")


class Hall:
    """An announcer, and the discoveries that it sends."""

    def __init__(self, folder: Path) -> None:
        self.retained = Retained(TOPICS, payloads.state(instant(0)))
        self.introduction = Introduction(TOPICS, Device("Hall", "", "1"), Residents(folder), self.retained)

    def sent(self) -> list[tuple[dict[str, Any], bool]]:
        """Return the components and retain flag of each discovery that is sent, and let the broker take them."""
        messages = [each for each in self.retained.take_due() if each.topic == TOPICS.discovery]
        for message in messages:
            if message.retain:
                self.retained.confirm(message)
        return [(json.loads(message.payload)["cmps"], message.retain) for message in messages]


def people(components: dict[str, Any]) -> list[str]:
    """Return the names of the people among components, whole ones only."""
    return [each["name"] for key, each in components.items() if key.startswith("person_") and "name" in each]


def test_a_change_of_people_is_announced_and_nothing_else(tmp_path: Path) -> None:
    """Asked each tick, it must not send each tick."""
    hall, known = Hall(tmp_path), (ADA,)
    hall.introduction.show(known)
    ((components, retain),) = hall.sent()
    assert retain
    assert people(components) == ["Ada"]
    hall.introduction.show(known)
    assert hall.sent() == []
    hall.introduction.show((ADA, BOB))
    assert people(hall.sent()[0][0]) == ["Ada", "Bob"]


def test_somebody_removed_is_told_until_home_assistant_has_started_and_then_forgotten(tmp_path: Path) -> None:
    """It may have been down at that moment; afterwards nothing is left of them."""
    hall, one = Hall(tmp_path), (BOB,)
    hall.introduction.show((ADA, BOB))
    hall.sent()
    hall.introduction.show(one)
    ((components, _),) = hall.sent()
    assert people(components) == ["Bob"]
    gone = [key for key, each in components.items() if set(each) == {"p"}]
    assert len(gone) == 2
    hall.introduction.show(one)
    assert hall.sent() == []
    hall.retained.home_assistant_started()
    (ghosts, retained), (removed, kept) = hall.sent()
    assert (retained, kept) == (False, True)
    assert people(ghosts) == ["Removed", "Bob"] or people(ghosts) == ["Bob", "Removed"]
    assert all(set(removed[key]) == {"p"} for key in gone)
    hall.introduction.show(one)
    ((clean, _),) = hall.sent()
    assert not set(gone) & set(clean)
    hall.retained.home_assistant_started()
    assert len(hall.sent()) == 1


def test_what_a_new_start_no_longer_offers_is_told_to_go(tmp_path: Path) -> None:
    """Pictures that were turned off leave no dead entity behind; turned on again, it is whole again."""
    for snapshots, wanted in ((True, None), (False, {"p": "image"}), (False, {"p": "image"}), (True, None)):
        retained = Retained(TOPICS, payloads.state(instant(0)))
        device = Device("Hall", "", "1", snapshots=snapshots)
        Introduction(TOPICS, device, Residents(tmp_path), retained).show(())
        retained.resend()
        told = json.loads(retained.take_due()[0].payload)["cmps"]["snapshot"]
        assert told == wanted or (wanted is None and "image_topic" in told)


def test_a_node_that_is_taken_out_leaves_nothing(tmp_path: Path) -> None:
    """Emptied once for a broker, whole and emptied for a Home Assistant that was away, and then forgotten."""
    Hall(tmp_path).introduction.show((ADA,))
    assert (tmp_path / FILE).exists()
    retained = Retained(TOPICS, payloads.state(instant(0)))
    withdrawal = Withdrawal(TOPICS, Device("Hall", "", "1"), Residents(tmp_path), retained)

    def sent() -> list[tuple[bytes, bool]]:
        withdrawal.show(())
        messages = [each for each in retained.take_due() if each.topic == TOPICS.discovery]
        for message in messages:
            if message.retain:
                retained.confirm(message)
        return [(message.payload, message.retain) for message in messages]

    assert sent() == [(b"", True)]
    retained.resend()
    assert sent() == []
    retained.home_assistant_started()
    (whole, kept), emptied = sent()
    assert not kept
    assert b"Ada" not in whole
    assert {"binary_sensor", "sensor", "event"} <= {each["p"] for each in json.loads(whole)["cmps"].values()}
    assert emptied == (b"", True)
    withdrawal.show(())
    assert not (tmp_path / FILE).exists()
    retained.home_assistant_started()
    assert sent() == []
    assert not retained.has_discovery
