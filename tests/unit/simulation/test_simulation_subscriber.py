"""What a message tells the subscriber inside the simulation."""

import json

from node.mqtt.link import Received
from node.simulation.subscriber import Heard


def message(topic: str, seq: int = 1, *, retained: bool = False) -> Received:
    """Return a message of a node."""
    return Received(topic, json.dumps({"seq": seq}).encode(), retained)


def test_an_event_counts_once_and_its_repetitions_apart() -> None:
    """The first arrival is the one whose delay counts; what came first as late is late."""
    heard = Heard()
    heard.take(message("facenode/sim-00042/event/unknown", 7), 1.0)
    heard.take(message("facenode/sim-00042/event/unknown", 7), 2.0)
    heard.take(message("facenode/sim-00042/late/event/left", 8), 3.0)
    heard.take(message("facenode/sim-00043/event/left", 7), 4.0)
    assert heard.first_s == {(42, 7): 1.0, (42, 8): 3.0, (43, 7): 4.0}
    assert (heard.repeated, heard.late) == (1, 1)


def test_real_nodes_do_not_count() -> None:
    """A simulation may share its broker with a fleet."""
    heard = Heard()
    heard.take(message("facenode/pi-0a1b2c/event/unknown"), 1.0)
    heard.take(Received("facenode/pi-0a1b2c/status", b"offline", retained=False), 1.0)
    assert heard == Heard()


def test_only_a_will_that_comes_now_is_one() -> None:
    """What is retained was said before; `online` is none."""
    heard = Heard()
    for payload, retained in ((b"offline", False), (b"offline", True), (b"online", False), (b"", False)):
        heard.take(Received("facenode/sim-00001/status", payload, retained), 1.0)
    assert heard.wills == 1


def test_the_greatest_memory_that_the_broker_tells_is_kept() -> None:
    """Mosquitto tells bytes, as text; what is no number is ignored."""
    heard = Heard()
    for payload in (b"1000000", b"3500000", b"2000000", b"many"):
        heard.take(Received("$SYS/broker/heap/current", payload, retained=True), 1.0)
    assert heard.heap_mb == 3.5
