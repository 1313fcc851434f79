"""Who is in view, tick by tick -> when each person was last seen since the start of the node. Pure."""

from collections.abc import Iterator, Mapping

from node.domain import Instant


class LastSeen(Mapping[str, Instant]):
    """When each person was last seen, by id."""

    def __init__(self) -> None:
        self._seen: dict[str, Instant] = {}
        self._merged: dict[str, str] = {}

    def __getitem__(self, person: str) -> Instant:
        return self._seen[person]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def update(self, seen: Mapping[str, Instant]) -> None:
        """Take over who is in view. A track may still have the id of somebody who was merged into another."""
        for person, at in seen.items():
            self._keep(self._merged.get(person, person), at)

    def merge(self, person: str, into: str) -> None:
        """Know a person by another id, whoever of the two was seen later."""
        self._merged[person] = into
        if person in self._seen:
            self._keep(into, self._seen.pop(person))

    def enrolled(self, person: str) -> None:
        """Know a person by their own id, also if it was somebody's before who was merged into another."""
        self._merged.pop(person, None)

    def forget(self, person: str) -> None:
        """Forget a person."""
        self._seen.pop(person, None)
        self._merged = {id_: into for id_, into in self._merged.items() if person not in (id_, into)}

    def _keep(self, person: str, at: Instant) -> None:
        former = self._seen.get(person)
        if former is None or former.mono_s <= at.mono_s:
            self._seen[person] = at
