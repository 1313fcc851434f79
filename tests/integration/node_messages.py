"""Messages of a node -> their decoded events, checked against the contract's schemas."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import jsonschema

from node.contract import schema
from node.mqtt.link import Received
from node.settings import Settings
from node.settings.loader import load


class BrokerAddress(Protocol):
    """Where a broker listens."""

    host: str
    port: int


def settings_for(broker: BrokerAddress, clip: Path, storage: Path) -> dict[str, object]:
    """Return the settings of a node that plays a clip to a broker."""
    return {
        "node.id": "hall",
        "camera.source": f"video:{clip}",
        "mqtt.host": broker.host,
        "mqtt.port": broker.port,
        "storage.dir": storage,
    }


def load_settings(given: Mapping[str, object]) -> Settings:
    """Return settings such as `mqtt.port` as the node loads them."""
    sections: dict[str, dict[str, object]] = {}
    for key, value in given.items():
        section, _, field = key.partition(".")
        sections.setdefault(section, {})[field] = value
    return load(None, sections, {}, Path("/nonexistent"))


def events(messages: list[Received]) -> list[dict[str, Any]]:
    """Return the payloads of all events, live and late."""
    return [json.loads(m.payload) for m in messages if "/event/" in m.topic]


def comparable(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event without the fields that differ between runs: ids, wall times, boot and sequence numbers."""
    return {key: value for key, value in event.items() if key not in {"id", "at", "boot", "seq"}}


def assert_valid(messages: list[Received]) -> None:
    """Assert that every message of the node matches the contract."""
    kinds = {
        "event": "event",
        "alert": "alert",
        "state": "state",
        "health": "health",
        "response": "response",
    }
    for message in messages:
        levels = message.topic.split("/")[2:]
        level = levels[1] if levels[0] == "late" else levels[0]
        if level == "status":
            assert message.payload in {b"online", b"offline"}
        elif level == "snapshot":
            assert message.payload.startswith(b"\xff\xd8\xff")
            assert not message.retained
        elif message.topic.startswith("facenode/"):
            jsonschema.validate(json.loads(message.payload), schema(kinds[level]))
        if levels[0] == "event":
            assert len(message.payload) <= 384
            assert not message.retained
