"""A node's id -> the names of all its topics; no other module writes one."""

from dataclasses import dataclass
from enum import StrEnum

ROOT = "facenode"


class Kind(StrEnum):
    """The two kinds of message that pass the outbox."""

    EVENT = "event"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one node.

    Attributes:
        node: the node's id.
        prefix: first levels of Home Assistant's topics.
    """

    node: str
    prefix: str = "homeassistant"

    @property
    def client_id(self) -> str:
        """The node's MQTT client id."""
        return f"{ROOT}-{self.node}"

    @property
    def base(self) -> str:
        """What all the node's own topics begin with, without the last slash."""
        return f"{ROOT}/{self.node}"

    @property
    def status(self) -> str:
        """Birth, last will and clean stop."""
        return f"{self.base}/status"

    @property
    def state(self) -> str:
        """Who is in view."""
        return f"{self.base}/state"

    @property
    def health(self) -> str:
        """How the node is."""
        return f"{self.base}/health"

    @property
    def snapshots(self) -> str:
        """Filter of all pictures of the node."""
        return self.snapshot("+")

    @property
    def discovery(self) -> str:
        """What Home Assistant learns the device from."""
        return f"{self.prefix}/device/{ROOT}/{self.node}/config"

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.prefix}/status"

    @property
    def requests(self) -> str:
        """Filter of all requests to the node."""
        return f"{self.base}/request/#"

    def message(self, kind: Kind, name: str, *, late: bool = False) -> str:
        """Return the topic of an event (`name`: its type) or an alert (`name`: its rule)."""
        return f"{self.base}/{'late/' if late else ''}{kind}/{name}"

    def snapshot(self, event_id: str) -> str:
        """Return the topic of the picture of an event."""
        return f"{self.base}/snapshot/{event_id}"

    def request(self, verb: str) -> str:
        """Return the topic on which `verb` is asked for."""
        return f"{self.base}/request/{verb}"

    def response(self, verb: str) -> str:
        """Return the topic on which `verb` is answered."""
        return f"{self.base}/response/{verb}"

    def verb(self, topic: str) -> str | None:
        """Return the verb that a request's topic names, or None if it is no request to this node."""
        start = f"{self.base}/request/"
        verb = topic.removeprefix(start)
        return verb if topic.startswith(start) and verb and "/" not in verb else None
