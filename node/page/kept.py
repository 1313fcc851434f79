"""What the page keeps in memory for a moment, for the browser that is about to ask for it: bounded, never on disk."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[Item]):
    owner: str
    item: Item
    until_s: float


class Kept(Generic[Item]):
    """Keep a few things, each for one session and for some seconds.

    Args:
        most: things at once; beyond that the oldest goes.
        lasts_s: seconds after which a thing goes.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(self, most: int, lasts_s: float, mono_s: Callable[[], float] = time.monotonic) -> None:
        self._most, self._lasts_s, self._mono_s = most, lasts_s, mono_s
        self._items: OrderedDict[str, _Kept[Item]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, owner: str, item: Item) -> str:
        """Keep a thing for a session. Return its id, 32 hex digits that nobody can guess."""
        id_ = secrets.token_hex(16)
        with self._lock:
            self._expire()
            self._items[id_] = _Kept(owner, item, self._mono_s() + self._lasts_s)
            while len(self._items) > self._most:
                self._items.popitem(last=False)
        return id_

    def find(self, owner: str, id_: str) -> Item | None:
        """Return a thing of a session; None if it is not, or no longer, kept."""
        with self._lock:
            self._expire()
            found = self._items.get(id_)
        return found.item if found is not None and found.owner == owner else None

    def drop(self, id_: str) -> None:
        """Forget a thing."""
        with self._lock:
            self._items.pop(id_, None)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._items.clear()

    def _expire(self) -> None:
        now_s = self._mono_s()
        for id_ in [id_ for id_, kept in self._items.items() if now_s >= kept.until_s]:
            del self._items[id_]
