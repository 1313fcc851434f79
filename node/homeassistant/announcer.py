"""A node and its people -> the discovery for Home Assistant, again whenever it changes."""

from collections.abc import Sequence

from node.contract.topics import Topics
from node.homeassistant.discovery import Device, discovery, optional_components
from node.homeassistant.entity_keys import EntityKeys, Person
from node.mqtt.retained import Retained


class Announcer:
    """Keep the discovery of a node up to date.

    Args:
        topics: the node's topics.
        device: what discovery says about the node.
        keys: the keys of its people and optional components.
        retained: the retained messages.
    """

    def __init__(self, topics: Topics, device: Device, keys: EntityKeys, retained: Retained) -> None:
        self._topics, self._device, self._keys, self._retained = topics, device, keys, retained
        self._people: Sequence[Person] | None = None

    def update(self, people: Sequence[Person]) -> None:
        """Announce the node and its people if they have changed. Cheap for the same people: call it on every tick."""
        if self._retained.removal_confirmed():
            # Home Assistant has started and removed their entities: their keys are no longer needed.
            self._keys.forget_removed()
        elif people is self._people:
            return
        self._people = people
        self._keys.update(people, optional_components(self._device), self._device.rules)
        shown, removed = self._keys.people, self._keys.removed
        self._retained.set_discovery(
            discovery(self._topics, self._device, shown, removed),
            discovery(self._topics, self._device, shown, removed, with_placeholders=True) if removed else None,
        )
