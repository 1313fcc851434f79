"""Status and health messages of all nodes -> the latest of each node."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from node.contract.topics import ROOT
from node.mqtt.link import Received

Fields = Mapping[str, Any]

FILTERS = (f"{ROOT}/+/status", f"{ROOT}/+/health")
"""The topic filters to subscribe to; an account that may read these two sees the whole fleet."""

_LEVELS = 3
_MAX_STATUS, _MAX_HEALTH = 64, 4096
"""Bytes of a status that are kept, and of a health that is read: five times what a node sends."""


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """The latest status and health of one node.

    Attributes:
        status: `online` or `offline`; None where the broker has no status.
        health: the fields of the latest health; None where there is none, or it is not a JSON object of at most 4 kB.
    """

    status: str | None = None
    health: Fields | None = None


class NodeTable:
    """Keep the latest status and health of each node."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeRecord] = {}

    @property
    def nodes(self) -> Mapping[str, NodeRecord]:
        """The known nodes, by id."""
        return self._nodes

    def update(self, message: Received) -> tuple[str, Fields] | None:
        """Store a message; return the node and its health if it was a valid health message."""
        levels = message.topic.split("/")
        if len(levels) != _LEVELS or levels[0] != ROOT:
            return None
        node, kind = levels[1:]
        record = self._nodes.get(node, NodeRecord())
        if kind == "status":
            if message.payload:
                self._nodes[node] = replace(record, status=message.payload[:_MAX_STATUS].decode(errors="replace"))
            return None
        if kind != "health" or not message.payload:
            return None
        health = _parse_fields(message.payload)
        self._nodes[node] = replace(record, health=health)
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
