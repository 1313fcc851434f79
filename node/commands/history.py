"""Messages received so far -> whether one is new, and a sentence about missing ones."""

from collections import OrderedDict

from node.commands.output import Fields
from node.domain import counted

_REMEMBERED_IDS, _MAX_ID = 10_000, 64
_REMEMBERED_NODES, _MAX_NODE = 10_000, 64
_REMEMBERED_GAPS = 100_000
"""Missing events remembered, of all nodes together: as many as the outbox of one keeps by default."""


class History:
    """Remembers received messages, to drop repeated ones and to notice missing ones.

    `seq` counts the events of a node by one, over its restarts. Late events come after live ones, so that a gap may
    still be filled. Whoever may publish can invent nodes, ids and numbers, so all that is remembered has a bound.

    Args:
        gaps: report missing events; only where events of every type come, which `seq` counts together.
    """

    def __init__(self, *, gaps: bool = True) -> None:
        self._gaps = gaps
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._greatest: OrderedDict[str, int] = OrderedDict()
        self._missing: dict[str, set[int]] = {}
        self._missing_count = 0

    def is_new(self, payload: Fields) -> bool:
        """Remember a message's id; return whether it is new, as a message without an id of a node always is."""
        message_id = payload.get("id")
        if not isinstance(message_id, str) or len(message_id) > _MAX_ID:
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
        if not self._gaps or not isinstance(seq, int) or len(node) > _MAX_NODE:
            return None
        greatest, missing = self._of_node(node, seq)
        if max(abs(seq - greatest), seq - greatest + self._missing_count) > _REMEMBERED_GAPS:
            # The outbox was created anew, or the message is not from a node: no set of numbers could hold the gap.
            self._greatest[node] = seq
            self._missing_count -= len(missing)
            missing.clear()
            return f"{node}: the event number jumps from {greatest} to {seq}: counting missing events from there"
        before = len(missing)
        missing.discard(seq)
        missing.update(range(greatest + 1, seq))
        self._missing_count += len(missing) - before
        self._greatest[node] = max(greatest, seq)
        if len(missing) > before:
            return f"{node}: {counted(seq - greatest - 1, 'event')} missing before number {seq}, so far"
        if before and not missing:
            return f"{node}: no event is missing any longer"
        return None

    def _of_node(self, node: str, seq: int) -> tuple[int, set[int]]:
        """Return the greatest number of a node and the missing ones; forget the node that was first of too many."""
        if node not in self._greatest:
            self._greatest[node], self._missing[node] = seq, set()
            if len(self._greatest) > _REMEMBERED_NODES:
                forgotten, _ = self._greatest.popitem(last=False)
                self._missing_count -= len(self._missing.pop(forgotten))
        return self._greatest[node], self._missing[node]
