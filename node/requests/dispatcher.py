"""Requests on the queue -> the handler of each, by one table, on the main loop's thread."""

from collections.abc import Callable, Mapping
from typing import Any

from node.domain import Instant
from node.errors import PeopleError
from node.requests.answer import Answer
from node.requests.corrections import CorrectionRequests
from node.requests.hello import hello
from node.requests.inbox import Inbox
from node.requests.inbox_request import AssignEntries, ClearInbox, ListInbox, ShowEntry
from node.requests.local_request import (
    Hello,
    ListActions,
    ListPhotos,
    ListTraces,
    MergePeople,
    MovePhoto,
    RemovePhoto,
    ShowOverview,
    ShowPhoto,
    TakeStill,
    UndoAction,
)
from node.requests.overview import OverviewRequests
from node.requests.people import PeopleRequests
from node.requests.request import (
    Check,
    EnrollPerson,
    IgnorePerson,
    ListPeople,
    RejectFace,
    RemovePerson,
    RenamePerson,
    Request,
    Restart,
    SetPrivacy,
    SetRecognition,
    Snooze,
    TakeSnapshot,
)
from node.requests.review import ReviewRequests
from node.requests.snapshots import Snapshots
from node.requests.stills import Stills
from node.requests.switches import SwitchRequests

Handler = Callable[[Any, Instant, Answer], None]
"""Carries out a request of its own type at a moment, and answers now or later."""

Handlers = Mapping[type[Request], Handler]


def handlers(  # noqa: PLR0913 - one argument for each part that handles requests
    check: Handler,
    *,
    switches: SwitchRequests,
    people: PeopleRequests,
    corrections: CorrectionRequests,
    overview: OverviewRequests,
    review: ReviewRequests,
    snapshots: Snapshots,
    stills: Stills,
) -> Handlers:
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
        RenamePerson: corrections.rename,
        Hello: hello,
        ListPhotos: overview.photos,
        ShowOverview: overview.people,
        ListTraces: overview.traces,
        ShowPhoto: corrections.photo,
        RemovePhoto: corrections.remove_photo,
        MovePhoto: corrections.move_photo,
        MergePeople: corrections.merge,
        ListActions: corrections.actions,
        UndoAction: corrections.undo,
        ListInbox: review.list,
        ShowEntry: review.show,
        AssignEntries: review.assign,
        ClearInbox: review.clear,
        TakeStill: stills.request,
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
                answer.error(str(error), error.reason, error.about)
