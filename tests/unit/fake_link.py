"""Stand-ins on the broker's side: a clock that a test turns, drafts, and a link that a test answers for."""

from collections.abc import Callable
from datetime import timedelta

from makers import START

from node.contract.payloads import Draft
from node.contract.topics import Kind
from node.domain import Instant
from node.mqtt.link import Acknowledged, Report, Subscribed


class ManualClock:
    """A clock that stands still until it is turned."""

    def __init__(self, mono_s: float = 1000.0) -> None:
        self.mono_s = mono_s

    def now(self) -> Instant:
        """Return the present moment."""
        return Instant(START + timedelta(seconds=self.mono_s), self.mono_s, synced=True)


def event(number: int, name: str = "unknown", padding: int = 0) -> Draft:
    """Return the draft of an event that carries a number."""
    return Draft(Kind.EVENT, name, {"v": 1, "id": f"event-{number}", "number": number, "padding": "x" * padding})


def alert(number: int, rule: str = "night-stranger") -> Draft:
    """Return the draft of an alert that carries a number."""
    return Draft(Kind.ALERT, rule, {"v": 1, "id": f"alert-{number}", "number": number})


class FakeLink:
    """A link whose broker answers what `answer` says, at once; None: it keeps silent.

    Attributes:
        sent: topic, payload and retain flag of each publish, in order.
        filters: what was subscribed to.
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
        """Note the message and answer it."""
        self.sent.append((topic, payload, retain))
        code = self._answer(topic)
        if code is not None:
            self.report(Acknowledged(len(self.sent), code))
        return len(self.sent)

    def subscribe(self, topic: str) -> None:
        """Note the filter and grant it."""
        self.filters.append(topic)
        self.report(Subscribed(1))

    def close(self) -> None:
        """Note the end."""
        self.closed = True

    @property
    def topics(self) -> list[str]:
        """The topics of what was sent, in order."""
        return [topic for topic, _, _ in self.sent]
