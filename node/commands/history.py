"""Messages received so far -> whether one is new, and a sentence about missing ones."""

from collections import OrderedDict

from node.commands.output import Fields
from node.domain import counted

_REMEMBERED_IDS = 10_000
_REMEMBERED_GAPS = 100_000
"""Missing events remembered for each node: as many as an outbox keeps by default."""


class History:
    """Remembers received messages, to drop repeated ones and to notice missing ones.

    `seq` counts the events of a node by one, over its restarts. Late events come after live ones, so that a gap may
    still be filled.

    Args:
        gaps: report missing events; only where events of every type come, which `seq` counts together.
    """

    def __init__(self, *, gaps: bool = True) -> None:
        self._gaps = gaps
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._greatest: dict[str, int] = {}
        self._missing: dict[str, set[int]] = {}

    def is_new(self, payload: Fields) -> bool:
        """Remember a message's id; return whether it is new, as a message without an id always is."""
        message_id = payload.get("id")
        if not isinstance(message_id, str):
            return True
        if message_id in self._ids:
            return False
        self._ids[message_id] = None
        if len(self._ids) > _REMEMBERED_IDS:
            self._ids.popitem(last=False)
        return True

    def gap_note(self, node: str, payload: Fields) -> str | None:
        """Remember an event's number; return a sentence if it opens a gap or fills the last one, else None."""
        seq = payload.get("seq")
        if not self._gaps or not isinstance(seq, int):
            return None
        greatest = self._greatest.setdefault(node, seq)
        missing = self._missing.setdefault(node, set())
        if abs(seq - greatest) + len(missing) > _REMEMBERED_GAPS:
            # The outbox was created anew, or the message is not from a node: no set of numbers could hold the gap.
            self._greatest[node] = seq
            missing.clear()
            return f"{node}: the event number jumps from {greatest} to {seq}: counting missing events from there"
        before = len(missing)
        missing.discard(seq)
        missing.update(range(greatest + 1, seq))
        self._greatest[node] = max(greatest, seq)
        if len(missing) > before:
            return f"{node}: {counted(seq - greatest - 1, 'event')} missing before number {seq}, so far"
        if before and not missing:
            return f"{node}: no event is missing any longer"
        return None
