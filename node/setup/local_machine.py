"""This machine -> its time zone, and the id of a node that is given none."""

from pathlib import Path

from node.settings.node import default_node_id, zone_of

_NONE = frozenset({"", "UTC", "Etc/UTC", "Etc/UCT", "UCT", "Universal", "Zulu"})
"""What a machine has whose owner was never asked."""


class LocalMachine:
    """This machine.

    Args:
        root: folder of `/etc`.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def timezone(self) -> str | None:
        """Return the name of its time zone; None if it has none but UTC."""
        for name in (self._linked(), self._named()):
            if name not in _NONE:
                try:
                    zone_of(name)
                except ValueError:
                    continue
                return name
        return None

    def default_id(self) -> str:
        """Return the id of a node that is given none."""
        return default_node_id()

    def _linked(self) -> str:
        try:
            return str((self._root / "etc/localtime").readlink()).rpartition("zoneinfo/")[2]
        except OSError:
            return ""

    def _named(self) -> str:
        try:
            return (self._root / "etc/timezone").read_text(encoding="ascii", errors="replace").strip()[:64]
        except OSError:
            return ""
