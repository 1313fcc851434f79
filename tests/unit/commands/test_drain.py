"""What `facenode watch --drain` does with a session that a broker keeps."""

import queue

import pytest
from fake_link import FakeLink

from node.cli import main
from node.commands.drain import drain
from node.errors import BrokerError
from node.mqtt.link import Link, Lost, Received, Report

EVENT = Received("facenode/pi-1/event/unknown", b"{}", retained=False)


class Session:
    """A broker with a session, and what is done to it.

    Args:
        reports: what the broker sends at once.
    """

    def __init__(self, *reports: Report | None) -> None:
        self.inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self.link = FakeLink()
        self.link.filters = ["a", "b"]
        self.ended = False
        self.handled: list[Received] = []
        for report in reports:
            self.inbox.put(report)

    def drain(self) -> int | None:
        """Drain it."""
        return drain(lambda: self.link, self._end, self.inbox, ("a", "b", "c"), self.handled.append)

    def _end(self) -> Link:
        self.ended = True
        return FakeLink()


def test_what_waits_is_passed_on_and_the_session_ends() -> None:
    """Its subscriptions end first, so that nothing new comes in between."""
    session = Session(EVENT, EVENT)
    assert session.drain() == 2
    assert session.handled == [EVENT, EVENT]
    assert (session.link.filters, session.link.closed, session.ended) == ([], True, True)


@pytest.mark.parametrize("end", [None, Lost("gone")])
def test_a_session_that_is_not_drained_is_kept(end: Report | None) -> None:
    """After Ctrl-C, or when the connection is lost, the rest still waits at the broker."""
    session = Session(EVENT, end, EVENT)
    if end is None:
        assert session.drain() is None
    else:
        with pytest.raises(BrokerError, match="gone"):
            session.drain()
    assert (len(session.handled), session.link.closed, session.ended) == (1, True, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--drain",), "--durable"),
        (("--durable",), "set mqtt.username"),
        (("--durable", "--drain"), "set mqtt.username"),
    ],
)
def test_a_session_needs_a_name(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a login there is no account whose session it could be."""
    assert main(["watch", *arguments]) == 2
    assert words in capsys.readouterr().err
