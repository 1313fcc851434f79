"""Messages of all nodes -> what is known of each: status, health, and whether that health is live."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from node.contract.topics import ROOT
from node.mqtt.link import Received

Fields = Mapping[str, Any]

FILTERS = (f"{ROOT}/+/status", f"{ROOT}/+/health")
"""What is asked of the broker; an account that may read these two sees the whole fleet."""

_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one node.

    Attributes:
        status: `online` or `offline`; None where the broker holds none.
        health: the latest; None where there is none, or it is not JSON.
    """

    status: str | None = None
    health: Fields | None = None


class Census:
    """Take in messages, remember the latest of each node."""

    def __init__(self) -> None:
        self._nodes: dict[str, Known] = {}

    @property
    def nodes(self) -> Mapping[str, Known]:
        """Who is known, by the node's id."""
        return self._nodes

    def take(self, message: Received) -> tuple[str, Fields] | None:
        """Remember a message; return the node and its health if that is what it was."""
        levels = message.topic.split("/")
        if len(levels) != _LEVELS or levels[0] != ROOT:
            return None
        node, kind = levels[1:]
        known = self._nodes.get(node, Known())
        if kind == "status":
            if message.payload:
                self._nodes[node] = replace(known, status=message.payload.decode(errors="replace"))
            return None
        if kind != "health" or not message.payload:
            return None
        health = _fields(message.payload)
        self._nodes[node] = replace(known, health=health)
        return None if health is None else (node, health)


def number(fields: Fields, name: str) -> float | None:
    """Return a field that is a finite number, else None: health comes from a machine that may be anything."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:  # JSON knows whole numbers of any length
        return None
    return found if math.isfinite(found) else None


def _fields(payload: bytes) -> Fields | None:
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
