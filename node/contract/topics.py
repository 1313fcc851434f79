"""A node's id -> the names of all its topics. No other module spells out a topic."""

from dataclasses import dataclass
from enum import StrEnum

ROOT = "facenode"
_DEFAULT_PREFIX = "homeassistant"


class Kind(StrEnum):
    """The two kinds of message that go through the outbox."""

    EVENT = "event"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one node.

    Attributes:
        node: the node's id.
        prefix: the first levels of Home Assistant's topics.
    """

    node: str
    prefix: str = _DEFAULT_PREFIX

    @property
    def client_id(self) -> str:
        """The node's MQTT client id."""
        return f"{ROOT}-{self.node}"

    @property
    def base(self) -> str:
        """The start of all the node's own topics, without the last slash."""
        return f"{ROOT}/{self.node}"

    @property
    def status(self) -> str:
        """`online` or `offline`: birth, last will and clean stop."""
        return f"{self.base}/status"

    @property
    def state(self) -> str:
        """Who is in view."""
        return f"{self.base}/state"

    @property
    def health(self) -> str:
        """The node's health."""
        return f"{self.base}/health"

    @property
    def snapshots(self) -> str:
        """The filter that matches all snapshots of the node."""
        return self.snapshot("+")

    @property
    def discovery(self) -> str:
        """Home Assistant's device discovery."""
        return f"{self.prefix}/device/{ROOT}/{self.node}/config"

    @property
    def births(self) -> tuple[str, ...]:
        """The topics of Home Assistant's own birth message: it has started.

        Home Assistant has two settings, one for the prefix of discovery and one for this topic, and the second keeps
        its default when only the first is changed.
        """
        return tuple(dict.fromkeys((f"{self.prefix}/status", f"{_DEFAULT_PREFIX}/status")))

    @property
    def requests(self) -> str:
        """The filter that matches all requests to the node."""
        return f"{self.base}/request/#"

    def message(self, kind: Kind, name: str, *, late: bool = False) -> str:
        """Return the topic of an event (`name`: its type) or an alert (`name`: its rule)."""
        topic = f"{self.base}/{kind}/{name}"
        return late_topic(topic) if late else topic

    def snapshot(self, event_id: str) -> str:
        """Return the topic of the snapshot of an event."""
        return f"{self.base}/snapshot/{event_id}"

    def request(self, verb: str) -> str:
        """Return the topic of requests of a verb."""
        return f"{self.base}/request/{verb}"

    def response(self, verb: str) -> str:
        """Return the topic of the responses to a verb."""
        return f"{self.base}/response/{verb}"

    def verb(self, topic: str) -> str | None:
        """Return the verb in the topic of a request, None if the topic is not a request to this node."""
        start = f"{self.base}/request/"
        verb = topic.removeprefix(start)
        return verb if topic.startswith(start) and verb and "/" not in verb else None


def late_topic(topic: str) -> str:
    """Return the `late/...` topic that belongs to the topic of an event or an alert."""
    base, kind, name = topic.rsplit("/", 2)
    return f"{base}/late/{kind}/{name}"


def kind_and_name(topic: str) -> tuple[Kind, str]:
    """Return what `Topics.message` made a topic from, late or not: the kind, and the event's type or alert's rule."""
    _, kind, name = topic.rsplit("/", 2)
    return Kind(kind), name
