"""The bridge_lines configuration in docs/scale.md connects a site's broker with a central broker."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from delivery_count import count_deliveries
from mosquitto_broker import Mosquitto, eventually
from publisher_process import PublisherProcess

from node.mqtt.connect import connect
from node.mqtt.link import Client, Received, Report, Subscribed

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

EVENTS = 600
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "scale.md"


class CentralSubscriber:
    """A subscriber at the central broker whose session survives the broker's restart."""

    def __init__(self, broker: Mosquitto) -> None:
        self.events: list[Received] = []
        self.statuses: list[Received] = []
        self._granted = False
        self._link = connect(broker.settings(), Client("centre", keep_s=600), self._take)
        self._link.subscribe("site-a/#")
        assert eventually(lambda: self._granted)

    def _take(self, report: Report) -> None:
        if isinstance(report, Received):
            (self.events if "/event/" in report.topic else self.statuses).append(report)
        self._granted = self._granted or isinstance(report, Subscribed)

    def close(self) -> None:
        """Disconnect and keep the session."""
        self._link.close()


def bridge_lines(port: int) -> list[str]:
    """Return the bridge_lines configuration of the document, with the central broker on loopback."""
    (block,) = re.findall(r"```conf\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    lines: list[str] = block.splitlines()
    return [re.sub(r"^address .*", f"address 127.0.0.1:{port}", line) for line in lines]


def test_site_events_reach_the_central_broker_after_an_outage(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path
) -> None:
    """Each event arrives at least once under the site's name, status arrives too, and nothing comes back."""
    for name in ("site", "centre"):
        (tmp_path / name).mkdir()
    kept = ("allow_anonymous true", "max_queued_messages 0", "persistence true")
    centre = mosquitto(*kept, f"persistence_location {tmp_path}/centre/")
    site = mosquitto(*kept, f"persistence_location {tmp_path}/site/", *bridge_lines(centre.port))
    first = CentralSubscriber(centre)
    node = PublisherProcess(tmp_path, site.host, site.port, "--count", str(EVENTS), "--rate", "100", "--live-s", "60")
    try:
        assert eventually(lambda: len(first.events) >= EVENTS // 4, 30), node.log()
        centre.end()
        first.close()
        assert eventually(lambda: node.drained, 60), node.log()
        centre.start()
        with closing(CentralSubscriber(centre)) as second:

            def lost() -> int:
                return count_deliveries(tmp_path / "journal", [*first.events, *second.events]).lost

            assert eventually(lambda: lost() == 0, 60), lost()
            assert {message.topic for message in second.events} == {"site-a/facenode/pi-1/event/unknown"}
            assert eventually(lambda: node.ended, 20), node.log()
            assert eventually(lambda: b"offline" in [message.payload for message in second.statuses])
    finally:
        node.kill()
