"""A node and who is known to it -> the discovery for Home Assistant, again whenever that changes."""

from collections.abc import Sequence

from node.contract.topics import Topics
from node.homeassistant.discovery import Device, discovery, parts
from node.homeassistant.entity_keys import Known, Residents
from node.mqtt.retained import Retained


class Introduction:
    """Keeps Home Assistant's picture of the node true.

    Args:
        topics: the node's.
        device: what is told of it.
        residents: the keys of its people.
        retained: the retained messages.
    """

    def __init__(self, topics: Topics, device: Device, residents: Residents, retained: Retained) -> None:
        self._topics, self._device, self._residents, self._retained = topics, device, residents, retained
        self._people: Sequence[Known] | None = None

    def show(self, people: Sequence[Known]) -> None:
        """Announce the node and its people, if that is new; cheap with the same people, so it may be called often."""
        if self._retained.removal_confirmed():
            # Home Assistant has started since they were removed, and was told: nothing of them is needed any more.
            self._residents.forget(self._residents.gone)
        elif people is self._people:
            return
        self._people = people
        self._residents.update(people, parts(self._device))
        here, gone = self._residents.here, self._residents.gone
        self._retained.set_discovery(
            discovery(self._topics, self._device, here, gone),
            discovery(self._topics, self._device, here, gone, whole=True) if gone else None,
        )


class Withdrawal:
    """Takes the node out of Home Assistant, once it is not to be there any more.

    Home Assistant that is away meanwhile is told when it has started: everything whole, and directly behind it that it
    is gone.

    Args:
        topics: the node's.
        device: what was told of it.
        residents: the keys of its people and parts.
        retained: the retained messages.
    """

    def __init__(self, topics: Topics, device: Device, residents: Residents, retained: Retained) -> None:
        self._topics, self._device, self._residents, self._retained = topics, device, residents, retained
        self._begun = False

    def show(self, people: Sequence[Known]) -> None:
        """Withdraw what was announced; cheap, so it may be called often."""
        del people
        if self._retained.removal_confirmed():
            self._residents.leave()
            self._retained.clear_discovery()
        elif not self._begun:
            self._begun = True
            keys = (*self._residents.known, *self._residents.gone)
            self._retained.set_discovery(b"", discovery(self._topics, self._device, (), keys, whole=True))
