"""Status and health messages of all nodes -> the latest of each node."""

import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from node.contract.topics import ROOT
from node.errors import BrokerError
from node.mqtt.link import Received

Fields = Mapping[str, Any]

FILTERS = (f"{ROOT}/+/status", f"{ROOT}/+/health")
"""The topic filters to subscribe to; an account that may read these two sees the whole fleet."""

_LEVELS = 3
_MAX_STATUS, _MAX_HEALTH = 64, 2048
"""Bytes of a status that are kept, and of a health that is read: three times what a node sends."""
_MAX_ID, _MAX_NODES = 64, 10_000
"""The longest id of a node, and how many nodes there may be where none are named: any client may invent nodes."""


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """The latest status and health of one node.

    Attributes:
        status: `online` or `offline`; None where the broker has no status.
        health: the fields of the latest health; None where there is none, or it is not a JSON object of at most 2 kB.
    """

    status: str | None = None
    health: Fields | None = None


@dataclass(frozen=True, slots=True)
class _Payloads:
    """What a node published: a health takes up to fifty times its bytes once it is parsed."""

    status: str | None = None
    health: bytes = b""


class NodeTable(Mapping[str, NodeRecord]):
    """Keep the latest status and health of each node, by id and in that order. A record is made when it is asked for.

    Args:
        only: the ids of the nodes to keep, which are there from the beginning; empty: keep all that come.
    """

    def __init__(self, only: Collection[str] = ()) -> None:
        self._closed = bool(only)
        self._nodes = dict.fromkeys(only, _Payloads())

    def __getitem__(self, node: str) -> NodeRecord:
        """Return the record of a node."""
        found = self._nodes[node]
        return NodeRecord(found.status, _parse_fields(found.health))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids."""
        return iter(sorted(self._nodes))

    def __len__(self) -> int:
        """Return how many nodes are known."""
        return len(self._nodes)

    def update(self, message: Received) -> tuple[str, Fields] | None:
        """Store a message; return the node and its health if it was a valid health message.

        Raises:
            BrokerError: there are too many nodes.
        """
        levels = message.topic.split("/")
        if len(levels) != _LEVELS or levels[0] != ROOT or not message.payload:
            return None
        node, kind = levels[1:]
        if len(node) > _MAX_ID or (self._closed and node not in self._nodes):
            return None
        known = self._nodes.get(node, _Payloads())
        health = None
        if kind == "status":
            known = replace(known, status=message.payload[:_MAX_STATUS].decode(errors="replace"))
        elif kind == "health":
            health = _parse_fields(message.payload)
            known = replace(known, health=b"" if health is None else message.payload)
        else:
            return None
        self._nodes[node] = known
        if len(self._nodes) > _MAX_NODES:
            raise BrokerError(
                f"more than {_MAX_NODES:,} nodes have a status or health at the broker, so somebody may invent them:"
                " name yours with --nodes"
            )
        return None if health is None else (node, health)


def number(fields: Fields, name: str) -> float | None:
    """Return a field that is a finite number, else None: any client may publish any health."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:  # JSON allows integers of any length
        return None
    return result if math.isfinite(result) else None


def _parse_fields(payload: bytes) -> Fields | None:
    if len(payload) > _MAX_HEALTH:
        return None
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
