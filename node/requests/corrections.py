"""Requests that correct people -> changes in the gallery, and answers; on the main loop's thread only."""

import base64
from collections.abc import Callable

from node.contract.payloads import Fields, timestamp
from node.domain import Instant
from node.errors import PeopleError, Reason
from node.people.corrections import Corrections
from node.people.photos import Photo
from node.people.reembedding import read_crop_file
from node.people.undo_record import Action
from node.people.undoable import UndoableAction, UndoableChanges
from node.requests.answer import Answer
from node.requests.local_request import (
    ListActions,
    MergePeople,
    MovePhoto,
    RemovePhoto,
    ShowPhoto,
    UndoAction,
)
from node.requests.request import RenamePerson


class CorrectionRequests:
    """Carry out requests that correct people.

    Args:
        corrections: of the gallery.
        changes: those that can be undone.
        changed: called when the gallery has changed.
        undone: called with an action that was undone.
    """

    def __init__(
        self,
        corrections: Corrections,
        changes: UndoableChanges,
        *,
        changed: Callable[[], None],
        undone: Callable[[Action], None] = lambda _: None,
    ) -> None:
        self._corrections, self._changes = corrections, changes
        self._changed, self._undone = changed, undone

    def rename(self, request: RenamePerson, at: Instant, answer: Answer) -> None:
        """Change the display name of somebody."""
        del at
        person = self._corrections.rename(request.person, request.name)
        self._changed()
        answer.ok({"id": person.id, "name": person.name})

    def merge(self, request: MergePeople, at: Instant, answer: Answer) -> None:
        """Merge a person into another."""
        del at
        person = self._corrections.merge(request.person, request.into)
        self._changed()
        answer.ok({"id": person.id, "faces": len(person.anchors)})

    def photo(self, request: ShowPhoto, at: Instant, answer: Answer) -> None:
        """Answer the aligned face of a photo, a PNG in base64."""
        del at
        photo = next((each for each in self._corrections.photos(request.person) if each.id == request.photo), None)
        if photo is None or photo.crop is None:
            raise PeopleError(
                f"{request.photo}: {request.person} has no such photo, or its face is not kept", Reason.NO_PHOTO
            )
        try:
            content = read_crop_file(photo.crop)
        except ValueError as error:
            raise PeopleError(f"{request.photo}: the file of the face cannot be read: {error}") from error
        answer.ok({"png": base64.b64encode(content).decode()})

    def remove_photo(self, request: RemovePhoto, at: Instant, answer: Answer) -> None:
        """Remove a photo of somebody."""
        del at
        person = self._corrections.remove_photo(request.person, request.photo)
        self._changed()
        answer.ok({"id": person.id, "faces": len(person.anchors)})

    def move_photo(self, request: MovePhoto, at: Instant, answer: Answer) -> None:
        """Move a photo from one person to another."""
        del at
        people = self._corrections.move_photo(request.person, request.photo, request.to)
        self._changed()
        answer.ok([{"id": person.id, "faces": len(person.anchors)} for person in people])

    def actions(self, request: ListActions, at: Instant, answer: Answer) -> None:
        """Answer what can be undone, latest first."""
        del request, at
        answer.ok([action_fields(each) for each in self._changes.actions()])

    def undo(self, request: UndoAction, at: Instant, answer: Answer) -> None:
        """Undo an action."""
        del at
        action = self._changes.undo(request.action)
        self._undone(action)
        self._changed()
        answer.ok({"action": action.id, **summary_fields(action)})


def photo_fields(photo: Photo) -> Fields:
    """Return what is printed or answered about a photo."""
    return {
        "photo": photo.id,
        "source": photo.source,
        "added": timestamp(photo.added) if photo.added else None,
        "agreement": None if photo.agreement is None else round(photo.agreement, 2),
        "rejected": photo.rejected,
        "face": photo.crop is not None,
    }


def action_fields(listed: UndoableAction) -> Fields:
    """Return what is printed or answered about an action."""
    action = listed.action
    return {
        "action": action.id,
        "age_s": round(listed.age_s),
        **summary_fields(action),
        "people": sorted(action.people),
        "obstacle": listed.obstacle,
    }


def summary_fields(action: Action) -> Fields:
    """Return what an action did: as a sentence, and for programs that put it into words of their own."""
    return {"what": str(action.summary), "deed": str(action.summary.deed), "values": dict(action.summary.values)}
