"""A recorded source that has ended while the broker is away: the node waits for the broker and logs it."""

import logging
from dataclasses import replace
from pathlib import Path

from mosquitto_broker import free_port
from node_messages import load_settings

from node.app import Node
from node.assembly import build_node
from node.clock import SystemClock
from node.domain import Instant

_HASTE = 40.0


class FastClock:
    """A clock by which half a minute takes less than a second."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self._began_s = self._real.now().mono_s

    def now(self) -> Instant:
        """Return the current time."""
        now = self._real.now()
        return replace(now, mono_s=self._began_s + (now.mono_s - self._began_s) * _HASTE)


class StopOnWaitLine(logging.Handler):
    """A log handler that stops the node once the log says that it waits for the broker."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.node: Node | None = None
        self.read: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Check a log record."""
        line = record.getMessage()
        if "waiting for the broker" in line and self.node is not None:
            self.read.append(line)
            self.node.stop()


def test_a_node_whose_clip_has_ended_waits_for_the_broker(media_dir: Path, tmp_path: Path) -> None:
    """Every half minute the log says how many messages wait; stopping loses none, since they are on disk."""
    photo = media_dir / "astronaut.jpg"
    settings = load_settings(
        {"node.id": "hall", "camera.source": f"images:{photo}", "mqtt.host": "127.0.0.1", "mqtt.port": free_port()}
        | {"storage.dir": tmp_path / "storage", "events.unknown_votes": 1}
    )
    node, reader = build_node(settings, clock=FastClock()), StopOnWaitLine()
    reader.node = node
    log = logging.getLogger("node.app")
    level = log.level
    log.addHandler(reader)
    log.setLevel(logging.INFO)
    try:
        node.run()
    finally:
        log.removeHandler(reader)
        log.setLevel(level)
    assert reader.read[0].startswith("the source has ended; 2 messages waiting for the broker"), reader.read
    assert list((tmp_path / "storage").rglob("*outbox*")), "the messages are not on disk for the next start"
