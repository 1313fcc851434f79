"""Random faults, seeded: killed brokers and nodes, cut connections and delayed bytes. No event is lost.

FACENODE_FAULT_SEEDS sets the number of seeds (default 3; a release runs 20).
"""

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from delivery_count import DeliveryCount, EventRecorder, count_deliveries
from mosquitto_broker import Mosquitto, eventually
from publisher_process import PublisherProcess
from tcp_proxy import TcpProxy

pytestmark = pytest.mark.broker

SEEDS = int(os.environ.get("FACENODE_FAULT_SEEDS", "3"))
EVENTS, RATE, FAULTS, LIVE_S = 600, 200, 5, 0.6
MOST_REPEATED, MOST_REPEATED_OF_FEW = 0.01, 0.03
ENOUGH_SEEDS = 10
"""Each fault may repeat a whole window of messages, so a rate over fewer runs says little."""


@pytest.fixture(scope="module")
def counts() -> list[DeliveryCount]:
    """Collect the delivery figures of all runs of this module."""
    return []


class Scene:
    """A node that can be killed, a proxy, a broker and a recorder."""

    def __init__(self, folder: Path, broker: Mosquitto, exit_stack: ExitStack) -> None:
        self.folder, self.broker = folder, broker
        self.recorder = exit_stack.enter_context(closing(EventRecorder(broker)))
        self.proxy = exit_stack.enter_context(TcpProxy(broker.port))
        assert self.recorder.wait_subscribed()
        self._node = self._start_node()
        exit_stack.callback(self.kill_node)

    def _start_node(self) -> PublisherProcess:
        options = ("--count", str(EVENTS), "--rate", str(RATE), "--live-s", str(LIVE_S))
        return PublisherProcess(self.folder, "127.0.0.1", self.proxy.port, *options)

    def kill_node(self) -> None:
        """Kill the node as a power cut would, except for what the kernel has not yet written."""
        self._node.kill()

    def restart_node(self, away_s: float) -> None:
        """Kill the node and start it again."""
        self.kill_node()
        pause(away_s)
        self._node = self._start_node()

    def restart_broker(self, away_s: float, *, kill: bool) -> None:
        """Restart the broker; let the node through only once the recorder has reconnected."""
        self.proxy.refuse()
        assert self.recorder.catch_up()
        self.recorder.expect_disconnect()
        if kill:
            self.broker.kill()
        else:
            self.broker.end()
        pause(away_s)
        self.broker.start()
        assert self.recorder.wait_subscribed()
        self.proxy.allow()

    def hold(self, away_s: float, direction: str, *, cut: bool) -> None:
        """Hold back bytes for a while, then forward them or cut the connection."""
        self.proxy.hold(direction)
        pause(away_s)
        if cut:
            self.proxy.cut()
        self.proxy.resume()

    def node_log(self) -> str:
        """Return the node's log over all starts."""
        return self._node.log()

    def done(self) -> bool:
        """Return whether the node has exited by itself."""
        return self._node.ended


def pause(seconds: float) -> None:
    """Let time pass."""
    threading.Event().wait(seconds)


@pytest.fixture
def exit_stack() -> Iterator[ExitStack]:
    """Return a stack that closes everything, latest first."""
    with ExitStack() as made:
        yield made


@pytest.fixture
def scene(mosquitto: Callable[..., Mosquitto], exit_stack: ExitStack, tmp_path: Path) -> Scene:
    """Return a scene whose broker accepts any number of messages in flight."""
    return Scene(tmp_path, mosquitto("allow_anonymous true", "max_inflight_messages 0"), exit_stack)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_event_is_lost_and_the_order_holds(
    scene: Scene, seed: int, counts: list[DeliveryCount], print_line: Callable[[str], None]
) -> None:
    """Every event that was put arrives, in order within live and within late, and no other event arrives."""
    chance = random.Random(seed)
    faults: list[Callable[[float], None]] = [
        lambda away_s: scene.restart_broker(away_s, kill=True),
        lambda away_s: scene.restart_broker(away_s, kill=False),
        scene.restart_node,
        lambda _away_s: scene.proxy.cut(),
        lambda away_s: scene.hold(away_s, "up", cut=chance.random() < 0.5),
        lambda away_s: scene.hold(away_s, "down", cut=chance.random() < 0.5),
    ]
    for fault in chance.choices(faults, k=FAULTS):
        pause(chance.uniform(0.1, 0.6))
        fault(chance.uniform(0.05, 1.2))
    assert eventually(scene.done, 60), scene.node_log()
    delivered = count_deliveries(scene.folder / "journal", scene.recorder.events)
    print_line(f"seed {seed}: {delivered}")
    counts.append(delivered)
    assert delivered.sent + delivered.uncertain == EVENTS
    assert delivered.lost == 0
    assert delivered.unexpected == 0
    assert delivered.ordered
    assert delivered.gaps == 0


def test_few_events_are_repeated(counts: list[DeliveryCount], print_line: Callable[[str], None]) -> None:
    """At most 1 % of all events over all seeds is repeated, or 3 % with few seeds."""
    bound = MOST_REPEATED if len(counts) >= ENOUGH_SEEDS else MOST_REPEATED_OF_FEW
    repeated, received = (
        sum(delivered.repeated for delivered in counts),
        sum(delivered.received for delivered in counts),
    )
    print_line(f"{len(counts)} runs: {received} received, {repeated} repeated")
    assert repeated <= bound * received
