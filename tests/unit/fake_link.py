"""A fake broker link that a test answers for, and numbered messages."""

from collections.abc import Callable

from node.contract.payloads import Draft
from node.contract.topics import Kind
from node.mqtt.link import Acknowledged, Report, Subscribed


def event(number: int, name: str = "unknown", padding: int = 0) -> Draft:
    """Return an event message with a number."""
    return Draft(Kind.EVENT, name, {"v": 1, "id": f"event-{number}", "number": number, "padding": "x" * padding})


def alert(number: int, rule: str = "night-stranger") -> Draft:
    """Return an alert message with a number."""
    return Draft(Kind.ALERT, rule, {"v": 1, "id": f"alert-{number}", "number": number})


class FakeLink:
    """A link whose broker answers at once with the reason code that `answer` returns; None: no answer.

    Attributes:
        sent: topic, payload and retain flag of each publish, in order.
        filters: the subscribed filters.
        closed: whether it was closed.
    """

    protocol = "5"

    def __init__(
        self, report: Callable[[Report], None] = lambda _report: None, answer: Callable[[str], int | None] | None = None
    ) -> None:
        self.window = 8
        self.max_bytes: int | None = None
        self.sent: list[tuple[str, bytes, bool]] = []
        self.filters: list[str] = []
        self.closed = False
        self.report = report
        self._answer = answer or (lambda _topic: 0)

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Record the message and answer it."""
        self.sent.append((topic, payload, retain))
        code = self._answer(topic)
        if code is not None:
            self.report(Acknowledged(len(self.sent), code))
        return len(self.sent)

    def subscribe(self, topic: str) -> None:
        """Record the filter and grant it."""
        self.filters.append(topic)
        self.report(Subscribed(1))

    def close(self) -> None:
        """Record the closing."""
        self.closed = True

    @property
    def topics(self) -> list[str]:
        """The topics of the sent messages, in order."""
        return [topic for topic, _, _ in self.sent]
