"""A node's settings and people -> the retained messages of a node that does not run, made as the node makes them."""

from collections.abc import Sequence
from dataclasses import dataclass

from node import __version__
from node.contract import payloads
from node.contract.message import Message
from node.contract.topics import Topics
from node.domain import CameraState, Flaw, Health, Instant, RequestsState
from node.homeassistant.announcer import Announcer
from node.homeassistant.discovery import Device
from node.homeassistant.entity_keys import EntityKeys, Person
from node.mqtt.retained import Retained


@dataclass(frozen=True, slots=True)
class FirstMessages:
    """What a node publishes when it connects.

    Attributes:
        own: status, state and health. The status is `offline`.
        discovery: the discovery for Home Assistant; None if the node has none. Without people where they have no keys
            yet: the node would choose others, and Home Assistant would keep entities that nobody updates.
        discovery_bytes: the most that the whole discovery takes on the wire, with people.
    """

    own: tuple[Message, ...]
    discovery: Message | None
    discovery_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Announced:
    """What the discovery announces.

    Attributes:
        device: what it says about the node.
        keys: the keys of people and optional components, read-only.
        people: who is enrolled.
    """

    device: Device
    keys: EntityKeys
    people: Sequence[Person] = ()


def first_messages(topics: Topics, now: Instant, announced: Announced | None = None) -> FirstMessages:
    """Return what a node publishes when it connects.

    Args:
        topics: the node's topics.
        now: the current moment.
        announced: what the discovery announces; None if there is none.
    """
    health = Health(
        version=__version__,
        model=None,
        camera=CameraState.LOST,
        fps=None,
        p50_ms=None,
        p95_ms=None,
        cpu_c=None,
        throttled=None,
        rss_mb=None,
        outbox=0,
        dropped=0,
        rejected=0,
        unusable=0,
        flaws={str(flaw): 0 for flaw in Flaw},
        upside_down=None,
        people=None,
        cert_days_left=None,
        discovery=None,
        requests=RequestsState.ON,
        uptime_s=0,
    )
    state = payloads.state(now)
    retained = Retained(topics, state)
    retained.update(state, payloads.health(now, health))
    own = (payloads.last_will(topics), *retained.take_due())
    if announced is None:
        return FirstMessages(own, None)
    announcer = Announcer(topics, announced.device, announced.keys, retained)
    shown: list[Message] = []
    for people in ((), announced.people) if announced.people else ((),):
        announcer.update(people)
        shown += retained.take_due()
    return FirstMessages(own, shown[-1 if announced.keys.stored else 0], shown[-1].packet_bytes)
