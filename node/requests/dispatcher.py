"""Requests on the queue -> the handler of each, by one table, on the main loop's thread."""

from collections.abc import Callable, Mapping
from typing import Any

from node.domain import Instant
from node.errors import PeopleError
from node.requests.answer import Answer
from node.requests.inbox import Inbox
from node.requests.people import PeopleRequests
from node.requests.request import (
    Check,
    EnrollPerson,
    IgnorePerson,
    ListPeople,
    RejectFace,
    RemovePerson,
    Request,
    Restart,
    SetPrivacy,
    SetRecognition,
    Snooze,
    TakeSnapshot,
)
from node.requests.snapshots import Snapshots
from node.requests.switches import SwitchRequests

Handler = Callable[[Any, Instant, Answer], None]
"""Carries out a request of its own type at a moment, and answers now or later."""

Handlers = Mapping[type[Request], Handler]


def handlers(check: Handler, switches: SwitchRequests, people: PeopleRequests, snapshots: Snapshots) -> Handlers:
    """Return the handler of each type of request."""
    return {
        Check: check,
        Restart: switches.restart,
        SetPrivacy: switches.set_privacy,
        SetRecognition: switches.set_recognition,
        Snooze: switches.snooze,
        TakeSnapshot: snapshots.request,
        ListPeople: people.list,
        EnrollPerson: people.enroll,
        IgnorePerson: people.ignore,
        RemovePerson: people.remove,
        RejectFace: people.reject,
    }


class Dispatcher:
    """Give each request to its handler.

    Args:
        inbox: the queue of requests.
        table: the handler of each type.
    """

    def __init__(self, inbox: Inbox, table: Handlers) -> None:
        self._inbox, self._table = inbox, table

    def dispatch(self, at: Instant) -> None:
        """Carry out what was requested since the last call; a request that fails is answered with the reason."""
        for request, answer in self._inbox.drain():
            try:
                self._table[type(request)](request, at, answer)
            except PeopleError as error:
                answer.error(str(error))
