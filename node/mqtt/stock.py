"""What a session delivers, whoever keeps it: rows that are taken, then settled, released or rejected."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from node.mqtt.store import Row


@dataclass(frozen=True, slots=True)
class Parcel:
    """A row on its way to the broker, and whether it has waited too long to count as live."""

    row: Row
    late: bool


class Stock(Protocol):
    """Keeps messages until the broker has them."""

    def take(self, limit: int) -> list[Parcel]:
        """Return at most `limit` messages that are not on their way yet, and count them as on their way."""
        ...

    def settle(self, ids: Collection[int]) -> None:
        """Delete messages that the broker has."""
        ...

    def release(self, ids: Collection[int] | None = None) -> None:
        """Let messages wait again, all that are on their way unless named: the broker does not have them."""
        ...

    def reject(self, number: int, code: int, sentence: str) -> None:
        """Set a message aside that the broker refuses for good, with the answer's reason code and its words."""
        ...
