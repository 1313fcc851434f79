"""Requests about people -> changes in the gallery, and answers; on the main loop's thread only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from node.domain import Instant, Look, Track
from node.errors import PeopleError
from node.people.gallery import Gallery, Sample
from node.people.person import checked_id
from node.requests.inbox import Request, Verb, failure, success
from node.requests.recent_faces import Recent

_DEFAULT_S = 3.0
_MOST_LOOKS = 5


class Answer(Protocol):
    """Sends the payload of an answer to whoever asked."""

    def __call__(self, request: Request, payload: bytes) -> None:
        """Send it."""
        ...


@dataclass(slots=True, eq=False)
class _Sitting:
    """Somebody in view who is being enrolled."""

    request: Request
    person: str
    until_s: float
    track: int
    looks: list[Look] = field(default_factory=list)

    def take(self, track: Track) -> None:
        """Take in the looks of a track that are new."""
        for look in (track.best, track.latest):
            if look is not None and not any(look is other for other in self.looks):
                self.looks.append(look)


class Clerk:
    """Does what is asked about people.

    Args:
        gallery: where people are kept.
        recent: the faces of the latest events.
        space: that of the network's embeddings.
        answer: sends an answer.
        keep_crops: whether aligned faces are kept.
        erased: called with the id of somebody who was removed, for whatever else there is of them.
    """

    def __init__(  # noqa: PLR0913 - the composition root names all it depends on
        self,
        gallery: Gallery,
        recent: Recent,
        space: str,
        answer: Answer,
        *,
        keep_crops: bool,
        erased: Callable[[str], None],
    ) -> None:
        self._gallery, self._recent, self._space, self._answer = gallery, recent, space, answer
        self._keep_crops, self._erased = keep_crops, erased
        self._sitting: _Sitting | None = None

    def apply(self, requests: Sequence[Request], at: Instant, tracks: Sequence[Track]) -> bool:
        """Do what was asked, go on with who is being enrolled; return whether the gallery has changed."""
        changed = False
        for request in requests:
            try:
                changed = self._do(request, at, tracks) or changed
            except PeopleError as error:
                self._answer(request, failure(request.transaction, str(error)))
        return self._sit(at, tracks) or changed

    def _do(self, request: Request, at: Instant, tracks: Sequence[Track]) -> bool:
        """Do one request; return whether the gallery has changed."""
        match request.verb:
            case Verb.PEOPLE_LIST:
                people = [
                    {"id": p.id, "name": p.name, "faces": len(p.anchors), "ignored": p.ignored}
                    for p in self._gallery.load()
                ]
                self._answer(request, success(request.transaction, people))
                return False
            case Verb.PEOPLE_ENROLL if request.event is None:
                self._begin(request, at, tracks)
                return False
            case Verb.PEOPLE_ENROLL:
                return self._add(request, [self._sample(request)])
            case Verb.PEOPLE_REJECT:
                self._gallery.reject(_person(request), self._space, self._sample(request))
            case Verb.PEOPLE_IGNORE:
                if request.event is not None:
                    self._gallery.add(_person(request), request.name, self._space, [self._sample(request)])
                self._gallery.ignore(_person(request), on=request.on is not False)
            case Verb.PEOPLE_REMOVE:
                self._cancel(_person(request))
                self._gallery.remove(_person(request))
                self._erased(_person(request))
            case _:
                return False
        self._answer(request, success(request.transaction))
        return True

    def _begin(self, request: Request, at: Instant, tracks: Sequence[Track]) -> None:
        """Begin to enrol the one person in view."""
        person = checked_id(_person(request))
        if self._sitting is not None:
            raise PeopleError(f"{self._sitting.person} is being enrolled: ask again in a moment")
        seen = [track for track in tracks if track.looks > 0 and track.seen == at]
        if not seen:
            raise PeopleError(
                "nobody with a usable face is in view: stand nearer, in the light, and look at the camera"
            )
        if len(seen) > 1:
            raise PeopleError(f"{len(seen)} people are in view: only the one to be enrolled may be")
        wait_s = _DEFAULT_S if request.for_s is None else request.for_s
        self._sitting = _Sitting(request, person, at.mono_s + wait_s, seen[0].number)

    def _sit(self, at: Instant, tracks: Sequence[Track]) -> bool:
        """Look at who is being enrolled, and enrol them when it is time; return whether the gallery has changed."""
        sitting = self._sitting
        if sitting is None:
            return False
        track = next((track for track in tracks if track.number == sitting.track), None)
        if track is not None:
            sitting.take(track)
            if at.mono_s < sitting.until_s:
                return False
        self._sitting = None
        looks = sorted(sitting.looks, key=lambda look: -look.weight)[:_MOST_LOOKS]
        try:
            return self._add(sitting.request, [self._from(look, "in view") for look in looks])
        except PeopleError as error:
            self._answer(sitting.request, failure(sitting.request.transaction, str(error)))
            return False

    def _cancel(self, person: str) -> None:
        """End the enrolment of somebody who is to be removed: it would bring them back."""
        sitting = self._sitting
        if sitting is not None and sitting.person == person:
            self._sitting = None
            sentence = f"{person} was removed meanwhile and is not enrolled: ask again if they are to be"
            self._answer(sitting.request, failure(sitting.request.transaction, sentence))

    def _add(self, request: Request, samples: Sequence[Sample]) -> bool:
        person = self._gallery.add(_person(request), request.name, self._space, samples)
        self._answer(request, success(request.transaction, {"id": person.id, "faces": len(person.anchors)}))
        return True

    def _sample(self, request: Request) -> Sample:
        """Return the face of the event that a request names.

        Raises:
            PeopleError: it is not remembered.
        """
        glimpse = self._recent.find(request.event or "")
        if glimpse is None:
            raise PeopleError(f"the face of event {request.event} is not remembered: only the last hundred are")
        return self._from(glimpse.look, f"event {request.event}")

    def _from(self, look: Look, source: str) -> Sample:
        if look.embedding is None:
            raise PeopleError(f"{source}: no usable face")
        return Sample(look.embedding, source, look.crop if self._keep_crops else None)


def _person(request: Request) -> str:
    if request.person is None:
        raise PeopleError('id: must be the id of a person, such as "ada"')
    return request.person
