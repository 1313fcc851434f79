"""Requests about the inbox -> its groups, its pictures, and decisions; on the main loop's thread only."""

import base64
from collections.abc import Callable

from node.contract.payloads import Fields, timestamp
from node.domain import Instant
from node.people import crop as crops
from node.requests.answer import Answer
from node.requests.inbox_request import AssignEntries, ClearInbox, ListInbox, ShowEntry
from node.review.actions import ReviewActions
from node.review.entry import ReviewEntry
from node.review.grouping import Compare, Compared, Group


class ReviewRequests:
    """Carry out requests about the inbox.

    Args:
        actions: of the inbox.
        compare: returns what returns who is nearest to a face, among the people known now.
        changed: called when the gallery may have changed.
    """

    def __init__(self, actions: ReviewActions, compare: Callable[[], Compare], *, changed: Callable[[], None]) -> None:
        self._actions, self._compare, self._changed = actions, compare, changed

    def list(self, request: ListInbox, at: Instant, answer: Answer) -> None:
        """Answer the entries in groups, without faces, and how long they are kept."""
        del request, at
        keeping = self._actions.keeping
        answer.ok(
            {
                "groups": [group_fields(group) for group in self._actions.groups(self._compare())],
                "keep_days": keeping.days,
                "most": keeping.most,
            }
        )

    def show(self, request: ShowEntry, at: Instant, answer: Answer) -> None:
        """Answer the aligned face, a PNG, and the picture, a JPEG, both in base64 and null where there is none."""
        del at
        answer.ok(picture_fields(self._actions.find(request.entry)))

    def assign(self, request: AssignEntries, at: Instant, answer: Answer) -> None:
        """Carry out what the owner decided about entries."""
        del at
        done = self._actions.assign(request.entries, request.assignment, self._compare())
        self._changed()
        answer.ok({"what": done.words, "id": done.person})

    def clear(self, request: ClearInbox, at: Instant, answer: Answer) -> None:
        """Drop every entry."""
        del request, at
        self._actions.clear()
        answer.ok()


def group_fields(group: Group) -> Fields:
    """Return what is printed or answered about a group."""
    return {"use": group.use.name.lower(), "entries": [entry_fields(each) for each in group.entries]}


def entry_fields(compared: Compared) -> Fields:
    """Return what is printed or answered about an entry."""
    entry, nearest = compared.entry, compared.nearest
    return {
        "entry": entry.id,
        "began": timestamp(entry.began.wall),
        "seen": timestamp(entry.seen.wall),
        "person": entry.person,
        "nearest": nearest.person if nearest else None,
        "score": round(nearest.score, 2) if nearest else None,
        "margin": round(nearest.margin, 2) if nearest else None,
        "looks": entry.looks,
        "flaws": {str(flaw): count for flaw, count in sorted(entry.flaws.items())},
        "events": list(entry.events),
        "picture": entry.picture is not None,
    }


def picture_fields(entry: ReviewEntry) -> Fields:
    """Return the face and the picture of an entry."""
    crop = entry.best.crop if entry.best else entry.failed
    png = None if crop is None else base64.b64encode(crops.encode(crop)[1]).decode()
    jpeg = None if entry.picture is None else base64.b64encode(entry.picture).decode()
    return {"png": png, "jpeg": jpeg}
