"""What the subscriber inside the simulation counts."""

import json

from node.mqtt.link import Received
from node.simulation.subscriber import Arrivals


def message(topic: str, seq: int = 1, *, retained: bool = False) -> Received:
    """Return a message of a node."""
    return Received(topic, json.dumps({"seq": seq}).encode(), retained)


def test_repeated_events_are_counted_separately() -> None:
    """The first arrival counts for latency; an event that first arrives as late is late."""
    arrivals = Arrivals()
    arrivals.add(message("facenode/sim-00042/event/unknown", 7), 1.0)
    arrivals.add(message("facenode/sim-00042/event/unknown", 7), 2.0)
    arrivals.add(message("facenode/sim-00042/late/event/left", 8), 3.0)
    arrivals.add(message("facenode/sim-00043/event/left", 7), 4.0)
    assert arrivals.first_s == {(42, 7): 1.0, (42, 8): 3.0, (43, 7): 4.0}
    assert (arrivals.repeated, arrivals.late) == (1, 1)


def test_messages_of_real_nodes_do_not_count() -> None:
    """A simulation may share its broker with a fleet."""
    arrivals = Arrivals()
    arrivals.add(message("facenode/pi-0a1b2c/event/unknown"), 1.0)
    arrivals.add(Received("facenode/pi-0a1b2c/status", b"offline", retained=False), 1.0)
    assert arrivals == Arrivals()


def test_only_a_live_offline_counts_as_a_last_will() -> None:
    """A retained one is older than the subscription, and `online` is no last will."""
    arrivals = Arrivals()
    for payload, retained in ((b"offline", False), (b"offline", True), (b"online", False), (b"", False)):
        arrivals.add(Received("facenode/sim-00001/status", payload, retained), 1.0)
    assert arrivals.wills == 1


def test_the_peak_memory_of_the_broker_is_kept() -> None:
    """Mosquitto publishes bytes, as text; anything that is no number is ignored."""
    arrivals = Arrivals()
    for payload in (b"1000000", b"3500000", b"2000000", b"many"):
        arrivals.add(Received("$SYS/broker/heap/current", payload, retained=True), 1.0)
    assert arrivals.heap_mb == 3.5
