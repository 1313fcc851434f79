"""Requests about people -> changes in the gallery, and answers; on the main loop's thread only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from node.domain import Instant, Look, Track
from node.errors import PeopleError
from node.people.enrolment import Enrollee
from node.people.gallery import Gallery, Sample
from node.people.person import checked_id
from node.requests.answer import Answer
from node.requests.recent_faces import REMEMBERED, RecentFaces
from node.requests.request import EnrollPerson, IgnorePerson, ListPeople, RejectFace, RemovePerson
from node.requests.view import View

_MAX_LOOKS = 5


@dataclass(slots=True, eq=False)
class _Enrollment:
    """Somebody in view who is being enrolled.

    Attributes:
        request: what was requested.
        answer: what it gets in the end.
        until_s: when the node stops waiting for somebody in view, then when it stops looking at them.
        track: the number of their track; None until somebody is in view.
        looks: the best of what was seen of them, best first.
    """

    request: EnrollPerson
    answer: Answer
    until_s: float
    track: int | None = None
    looks: list[Look] = field(default_factory=list)

    def add_looks(self, track: Track) -> None:
        """Keep the looks of a track that are new, as many as are enrolled: the best."""
        for look in (track.best, track.latest):
            if look is not None and not any(look is other for other in self.looks):
                self.looks.append(look)
        self.looks = sorted(self.looks, key=lambda look: -look.weight)[:_MAX_LOOKS]


class PeopleRequests:
    """Carry out requests about people.

    Args:
        gallery: where people are kept.
        recent: the faces of the latest events.
        space: the space of the network's embeddings.
        enrollee: returns a person to be enrolled among everybody known; the second argument is whether a face is
            accepted that is nearer to somebody else.
        keep_crops: whether aligned faces are kept.
        changed: called when the gallery has changed.
        erase: erases the person with an id, and whatever there is of them; raises PeopleError if there is nobody or if
            something could not be erased.
    """

    def __init__(  # noqa: PLR0913 - the composition root names all it depends on
        self,
        gallery: Gallery,
        recent: RecentFaces,
        space: str,
        *,
        enrollee: Callable[[str, bool], Enrollee],
        keep_crops: bool,
        changed: Callable[[], None],
        erase: Callable[[str], None],
    ) -> None:
        self._gallery, self._recent, self._space = gallery, recent, space
        self._enrollee, self._keep_crops = enrollee, keep_crops
        self._changed, self._erase = changed, erase
        self._enrollment: _Enrollment | None = None

    @property
    def enrolling(self) -> str | None:
        """The id under which whoever is in view is being enrolled; None while nobody is."""
        return self._enrollment.request.person if self._enrollment else None

    def list(self, request: ListPeople, at: Instant, answer: Answer) -> None:
        """Answer who is enrolled, without any face."""
        del request, at
        people = self._gallery.load()
        answer.ok([{"id": p.id, "name": p.name, "faces": len(p.anchors), "ignored": p.ignored} for p in people])

    def enroll(self, request: EnrollPerson, at: Instant, answer: Answer) -> None:
        """Enroll the face of an event, or begin to enroll whoever is in view."""
        if request.event is not None:
            self._add(request, [self._look(request.event)], f"event {request.event}", answer)
            return
        checked_id(request.person)
        if self._enrollment is not None:
            raise PeopleError(f"{self._enrollment.request.person} is being enrolled: try again in a moment")
        self._enrollment = _Enrollment(request, answer, at.mono_s + request.for_s)

    def ignore(self, request: IgnorePerson, at: Instant, answer: Answer) -> None:
        """Publish no events about somebody, or publish them again."""
        del at
        if request.event is not None:
            source = f"event {request.event}"
            samples = self._accepted(request, [self._look(request.event)], source)
            self._gallery.add(request.person, request.name, self._space, samples, ignored=request.on)
        else:
            self._gallery.ignore(request.person, on=request.on)
        self._changed()
        answer.ok()

    def reject(self, request: RejectFace, at: Instant, answer: Answer) -> None:
        """Keep the face of an event from being taken for somebody again."""
        del at
        sample = self._sample(self._look(request.event), f"event {request.event}")
        self._gallery.reject(request.person, self._space, sample)
        self._changed()
        answer.ok()

    def remove(self, request: RemovePerson, at: Instant, answer: Answer) -> None:
        """Erase somebody; an enrollment of them that is under way ends, since it would bring them back."""
        del at
        self.forget(request.person)
        self._erase(request.person)
        self._changed()
        answer.ok()

    def forget(self, person: str) -> None:
        """End an enrollment that is under way of a person who is erased."""
        enrollment = self._enrollment
        if enrollment is not None and enrollment.request.person == person:
            self._enrollment = None
            enrollment.answer.error(f"{person} was removed meanwhile and is not enrolled: ask again if wanted")

    def update(self, view: View) -> None:
        """Go on with the enrollment of whoever is in view: wait for them, look at them, enroll them."""
        enrollment = self._enrollment
        if enrollment is None:
            return
        try:
            if enrollment.track is None:
                enrollment.track = self._choose(enrollment, view)
                if enrollment.track is None:
                    return
                enrollment.until_s = view.at.mono_s + enrollment.request.for_s
            track = next((track for track in view.tracks if track.number == enrollment.track), None)
            if track is not None:
                enrollment.add_looks(track)
                if view.at.mono_s < enrollment.until_s:
                    return
            self._enrollment = None
            self._add(enrollment.request, enrollment.looks, "in view", enrollment.answer)
        except PeopleError as error:
            self._enrollment = None
            enrollment.answer.error(str(error), error.reason, error.about)

    def _choose(self, enrollment: _Enrollment, view: View) -> int | None:
        """Return the track of the one person in view; None while nobody is and there is time left.

        A frame that was not searched, or in which the detector missed the face, does not mean that nobody is there.

        Raises:
            PeopleError: several people are in view, nobody came in time, or the camera shows nothing.
        """
        usable = [track.number for track in view.visible if track.looks > 0]
        if len(usable) > 1:
            raise PeopleError(f"{len(usable)} people are in view: only the person being enrolled may be")
        if usable:
            return usable[0]
        if view.problem is not None:
            raise PeopleError(view.problem)
        if view.at.mono_s < enrollment.until_s:
            return None
        raise PeopleError("nobody with a usable face is in view: stand nearer, in the light, and look at the camera")

    def _add(self, request: EnrollPerson, looks: Sequence[Look], source: str, answer: Answer) -> None:
        samples = self._accepted(request, looks, source)
        person = self._gallery.add(request.person, request.name, self._space, samples)
        self._changed()
        answer.ok({"id": person.id, "faces": len(person.anchors)})

    def _accepted(self, request: EnrollPerson | IgnorePerson, looks: Sequence[Look], source: str) -> Sequence[Sample]:
        """Return the faces to be enrolled.

        Raises:
            PeopleError: one of them is unusable, or nearer to somebody else.
        """
        enrollee = self._enrollee(checked_id(request.person), request.force)
        for look in looks:
            if (objection := enrollee.objection(look)) is not None:
                raise PeopleError(
                    f"{source}: {objection}: if it is {request.person}, enroll a photo with "
                    f"`facenode people add {request.person} --force`"
                )
        return [self._sample(look, source) for look in looks]

    def _look(self, event: str) -> Look:
        """Return the best look at the face of an event.

        Raises:
            PeopleError: it is not remembered.
        """
        face = self._recent.find(event)
        if face is None:
            raise PeopleError(f"the face of event {event} is not remembered: only the latest {REMEMBERED} are")
        return face.look

    def _sample(self, look: Look, source: str) -> Sample:
        if look.flaws or look.embedding is None:
            raise PeopleError(f"{source}: the face is unusable: {', '.join(look.flaws) or 'it was not embedded'}")
        return Sample(look.embedding, source, look.crop if self._keep_crops else None)
