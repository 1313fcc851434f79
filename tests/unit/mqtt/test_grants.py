"""Subscriptions that a broker refuses: for a moment, or for good."""

import pytest
from fake_link import FakeLink

from node.mqtt.grants import MAX_TRIES, Grants
from node.mqtt.link import Report, Subscribed

NO_REASON, DENIED, GRANTED = 0x80, 0x87, 1
FILTERS = ("facenode/+/status", "facenode/+/health")


class Broker:
    """A broker that answers each subscription to a filter with the next of these codes, and then grants it."""

    def __init__(self, **codes: list[int]) -> None:
        self._codes = codes
        self.reports: list[Report] = []
        self.link = FakeLink(self._note, lambda _topic: 0)

    def grants(self) -> tuple[Grants, list[int]]:
        """Subscribe to the filters; return the grants, and the answers that are for good."""
        grants, final = Grants(self.link, FILTERS), []
        while self.reports:
            report = self.reports.pop(0)
            assert isinstance(report, Subscribed)
            if grants.settle(report):
                final.append(report.code)
            else:
                assert not grants.settled
                grants.ask_again()
        return grants, final

    def _note(self, report: Report) -> None:
        if isinstance(report, Subscribed):
            name = self.link.filters[-1].rpartition("/")[2]
            left = self._codes.get(name, [])
            self.reports.append(Subscribed(left.pop(0) if left else GRANTED, report.mid))


def test_granted_subscriptions_are_settled_at_once() -> None:
    """Each filter is subscribed to once."""
    broker = Broker()
    grants, final = broker.grants()
    assert (grants.settled, final, broker.link.filters) == (True, [GRANTED, GRANTED], list(FILTERS))


def test_a_refusal_without_a_reason_is_tried_again() -> None:
    """Only the refused filter is, and only its last answer counts."""
    broker = Broker(health=[NO_REASON, NO_REASON])
    grants, final = broker.grants()
    assert (grants.settled, final) == (True, [GRANTED, GRANTED])
    assert broker.link.filters == [*FILTERS, FILTERS[1], FILTERS[1]]


@pytest.mark.parametrize(("code", "tries"), [(NO_REASON, MAX_TRIES), (DENIED, 1)])
def test_a_refusal_that_stands_is_for_good(code: int, tries: int) -> None:
    """It is so after a bounded number of tries, or at once if the broker says why."""
    broker = Broker(status=[code] * 10)
    grants, final = broker.grants()
    assert (grants.settled, final) == (True, [GRANTED, code]) if tries > 1 else (True, [code, GRANTED])
    assert broker.link.filters.count(FILTERS[0]) == tries


def test_nothing_is_settled_before_the_answer() -> None:
    """Whoever waits for retained messages must not take a slow answer for an empty broker."""
    broker = Broker()
    grants = Grants(broker.link, FILTERS)
    assert not grants.settled
    for report in broker.reports:
        assert isinstance(report, Subscribed)
        grants.settle(report)
    assert grants.settled
