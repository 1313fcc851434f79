"""A simulated node takes its turn among the others."""

from manual_clock import ManualClock

from node.settings import MqttSettings
from node.simulation.plan import Plan
from node.simulation.simulated_node import SimulatedNode
from node.simulation.worker_context import WorkerContext


def test_nodes_disconnect_as_fast_as_they_connected() -> None:
    """All at once, they would overload a broker that has carried them: node 100 waits ten seconds at ten a second."""
    clock = ManualClock()
    context = WorkerContext(Plan(nodes=200, connects_per_s=10), (), "3.1.1", "homeassistant", MqttSettings(), clock)
    node = SimulatedNode(100, context, first_attempt_s=float("inf"))
    node.stop(clock.mono_s)
    clock.advance(9)
    node.process_timers()
    assert not node.stopped
    assert node.next_s == clock.mono_s + 1
    clock.advance(1)
    node.process_timers()
    assert node.stopped
