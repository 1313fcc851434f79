"""Retained messages that make a broker look as if it served a fleet of nodes."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from mosquitto_broker import Mosquitto, eventually

from node.contract.message import Message
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Report

HEALTH = {
    "v": 1, "version": "0.1.0", "model": "3f9a1c02", "camera": "ok", "fps": 9.8, "p50_ms": 41.0, "p95_ms": 55.0,
    "cpu_c": 58.1, "throttled": False, "rss_mb": 96.0, "outbox": 0, "dropped": 0, "rejected": 0, "unusable": 3,
    "people": 4, "cert_days_left": 300, "discovery": "on", "clock": "synced", "uptime_s": 86400,
    "requests": "on",
    "flaws": {"size": 0, "edge": 0, "blur": 0, "light": 0, "keypoints": 0, "tilt": 0},
    "upside_down": False,
}  # fmt: skip


def health(**changed: object) -> bytes:
    """Return a health message with the current time."""
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return json.dumps(HEALTH | {"at": f"{now}Z"} | changed).encode()


def publish_all(broker: Mosquitto, messages: Iterable[tuple[str, bytes]], *, retain: bool = True) -> None:
    """Publish messages and wait until the broker has acknowledged all of them."""
    answered: list[Report] = []
    link = connect(broker.settings(), Client("tiny-fleet"), answered.append)
    sent = [link.publish(Message(topic, payload, retain=retain)) for topic, payload in messages]
    assert eventually(lambda: sum(isinstance(each, Acknowledged) for each in answered) == len(sent), 60)
    link.close()


def publish_fleet(broker: Mosquitto, count: int) -> None:
    """Publish retained status and health of this many healthy nodes."""
    nodes = [f"facenode/pi-{number:04}" for number in range(count)]
    publish_all(
        broker, [(f"{node}/status", b"online") for node in nodes] + [(f"{node}/health", health()) for node in nodes]
    )
