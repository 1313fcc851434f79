"""A fake broker link that a test answers for, and numbered messages."""

from collections.abc import Callable

from node.contract.message import Message
from node.contract.payloads import dump
from node.contract.topics import Kind, Topics
from node.mqtt.link import Acknowledged, Report, Subscribed

TOPICS = Topics("pi-1")


def event(number: int, name: str = "unknown", padding: int = 0) -> Message:
    """Return the message of an event that carries a number."""
    fields = {"v": 1, "id": f"event-{number}", "number": number, "padding": "x" * padding}
    return Message(TOPICS.message(Kind.EVENT, name), dump(fields))


def alert(number: int, rule: str = "night-stranger") -> Message:
    """Return the message of an alert that carries a number."""
    return Message(TOPICS.message(Kind.ALERT, rule), dump({"v": 1, "id": f"alert-{number}", "number": number}))


class FakeLink:
    """A link whose broker answers at once with the code that `answer` returns; None: it does not answer.

    Attributes:
        sent: what was published, in order.
        filters: the subscriptions.
        subscription_code: the code that answers a subscription.
        closed: whether it was closed.
    """

    protocol = "5"

    def __init__(
        self, report: Callable[[Report], None] = lambda _report: None, answer: Callable[[str], int | None] | None = None
    ) -> None:
        self.window = 8
        self.max_bytes: int | None = None
        self.sent: list[Message] = []
        self.filters: list[str] = []
        self._subscriptions = 0
        self.subscription_code = 1
        self.closed = False
        self.report = report
        self._answer = answer or (lambda _topic: 0)

    def publish(self, message: Message) -> int:
        """Keep the message and answer it."""
        self.sent.append(message)
        code = self._answer(message.topic)
        if code is not None:
            self.report(Acknowledged(len(self.sent), code))
        return len(self.sent)

    def subscribe(self, topic: str) -> int:
        """Record the filter and answer it."""
        self.filters.append(topic)
        self._subscriptions += 1
        self.report(Subscribed(self.subscription_code, self._subscriptions))
        return self._subscriptions

    def unsubscribe(self, topic: str) -> None:
        """Remove the filter."""
        if topic in self.filters:
            self.filters.remove(topic)

    def close(self) -> None:
        """Record the closing."""
        self.closed = True

    @property
    def topics(self) -> list[str]:
        """The topics of what was sent, in order."""
        return [message.topic for message in self.sent]
