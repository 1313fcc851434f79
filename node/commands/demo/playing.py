"""A node that watches the demo's scene on a broker of its own -> the events that a subscriber received."""

from collections.abc import Callable

from node.assembly import build_node
from node.clock import SystemClock
from node.commands.demo.scene import DemoCamera
from node.commands.demo.subscriber import ReceivedEvent, Subscriber
from node.settings import Settings


def play(settings: Settings, on_event: Callable[[ReceivedEvent], None] = lambda _event: None) -> list[ReceivedEvent]:
    """Run the node until the scene ends, and return the events.

    Args:
        settings: of the demo, with its broker.
        on_event: called with each event as it comes.
    """
    events: list[ReceivedEvent] = []

    def received(event: ReceivedEvent) -> None:
        events.append(event)
        on_event(event)

    with Subscriber(settings.mqtt, settings.node.id, received):
        clock = SystemClock()
        build_node(settings, DemoCamera(clock), clock).run()
    return events
