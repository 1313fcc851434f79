"""A node that is disabled in Home Assistant -> the empty discovery that removes its device."""

from collections.abc import Sequence

from node.contract.topics import Topics
from node.homeassistant.discovery import Device, discovery
from node.homeassistant.entity_keys import EntityKeys, Person
from node.mqtt.retained import Retained


class DeviceRemover:
    """Remove the device of a node from Home Assistant.

    A Home Assistant that is down meanwhile gets, at its next start, the whole device and directly after it the empty
    discovery, because it removes only what it has discovered since it started.

    Args:
        topics: the node's topics.
        device: what discovery said about the node.
        keys: the keys of its people and optional components.
        retained: the retained messages.
    """

    def __init__(self, topics: Topics, device: Device, keys: EntityKeys, retained: Retained) -> None:
        self._topics, self._device, self._keys, self._retained = topics, device, keys, retained
        self._announced = False

    def update(self, people: Sequence[Person]) -> None:
        """Remove the device, whoever is enrolled. Cheap: call it on every tick."""
        del people
        if self._retained.removal_confirmed():
            self._keys.delete()
            self._retained.clear_discovery()
        elif not self._announced:
            self._announced = True
            keys = (*self._keys.shown, *self._keys.removed)
            self._retained.set_discovery(b"", discovery(self._topics, self._device, (), keys, with_placeholders=True))
