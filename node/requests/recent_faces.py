"""The faces behind the latest events -> what can be enrolled or rejected by an event's id. In memory only."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from node.domain import Event, Look, Track

REMEMBERED = 100
"""How many faces are remembered."""


@dataclass(frozen=True, slots=True, eq=False)
class RecentFace:
    """The face behind an event.

    Attributes:
        look: the best look at it.
        person: whom the event named; None for a stranger.
    """

    look: Look
    person: str | None


class RecentFaces:
    """Remember the faces of the latest events, and nothing on disk.

    Args:
        limit: how many.
    """

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._faces: OrderedDict[str, RecentFace] = OrderedDict()

    def add(self, event_id: str, look: Look, person: str | None) -> None:
        """Remember the face of an event, and forget the oldest beyond the limit."""
        self._faces[event_id] = RecentFace(look, person)
        while len(self._faces) > self._limit:
            self._faces.popitem(last=False)

    def remember(self, events: Iterable[tuple[str, Event]], tracks: Iterable[Track]) -> None:
        """Remember the best look at each face behind some events.

        Args:
            events: each with its id.
            tracks: everybody in view, and whoever was until now; of two with one number the later counts.
        """
        best = {track.number: track.best for track in tracks}
        for event_id, event in events:
            look = best.get(event.track)
            if look is not None:
                self.add(event_id, look, event.person.person if event.person else None)

    def find(self, event_id: str) -> RecentFace | None:
        """Return the face of an event; None if it is not, or no longer, remembered."""
        return self._faces.get(event_id)

    def clear(self) -> None:
        """Forget all faces."""
        self._faces.clear()

    def merge(self, person: str, into: str) -> None:
        """Know the faces of a person by another id, so that they are forgotten with whoever has it."""
        self._faces |= {
            event_id: replace(face, person=into) for event_id, face in self._faces.items() if face.person == person
        }

    def forget(self, person: str) -> int:
        """Forget all faces of somebody, and all strangers, any of whom may be them; return how many."""
        gone = [event_id for event_id, face in self._faces.items() if face.person in (person, None)]
        for event_id in gone:
            del self._faces[event_id]
        return len(gone)
