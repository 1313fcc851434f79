"""The faces behind the latest events -> what may be enrolled or rejected by an event's id. In memory only."""

from collections import OrderedDict
from dataclasses import dataclass

from node.domain import Look


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """The face behind an event.

    Attributes:
        look: the best look at it.
        person: whom the event named, None for a stranger.
    """

    look: Look
    person: str | None


class Recent:
    """Remembers the faces of the latest events, and nothing on disk.

    Args:
        most: how many.
    """

    def __init__(self, most: int = 100) -> None:
        self._most = most
        self._glimpses: OrderedDict[str, Glimpse] = OrderedDict()

    def note(self, event_id: str, look: Look, person: str | None) -> None:
        """Remember the face of an event, and forget the oldest where there are too many."""
        self._glimpses[event_id] = Glimpse(look, person)
        while len(self._glimpses) > self._most:
            self._glimpses.popitem(last=False)

    def find(self, event_id: str) -> Glimpse | None:
        """Return the face of an event, None if it is not, or no longer, remembered."""
        return self._glimpses.get(event_id)

    def forget(self, person: str) -> int:
        """Forget all faces of somebody, and all strangers', any of whom they may have been; return how many."""
        gone = [event_id for event_id, glimpse in self._glimpses.items() if glimpse.person in (person, None)]
        for event_id in gone:
            del self._glimpses[event_id]
        return len(gone)
