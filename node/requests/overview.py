"""Requests about who is known -> everybody, their photos, and what there is of somebody; on the main loop's thread."""

from collections.abc import Callable, Mapping, Sequence

from node.contract.payloads import Fields, timestamp
from node.domain import Instant
from node.people.advice import Need, need
from node.people.corrections import Corrections
from node.people.gallery import nobody
from node.people.likeness import Comparison, Nearest
from node.people.overview import Assessment, PersonOverview, overview
from node.people.person import Person
from node.people.trace import Trace
from node.requests.answer import Answer
from node.requests.corrections import photo_fields
from node.requests.local_request import ListPhotos, ListTraces, ShowOverview


class OverviewRequests:
    """Carry out requests about who is known.

    Args:
        people: returns everybody enrolled.
        corrections: lists the photos of somebody.
        naming: returns how faces that get a name are compared among a number of people; None where the network's
            closed set decides.
        last_seen: when each person was last seen, by id.
        traces: returns what there is of somebody.
    """

    def __init__(
        self,
        people: Callable[[], Sequence[Person]],
        corrections: Corrections,
        naming: Callable[[int], Comparison] | None,
        *,
        last_seen: Mapping[str, Instant],
        traces: Callable[[str], Sequence[Trace]],
    ) -> None:
        self._people, self._corrections, self._naming = people, corrections, naming
        self._last_seen, self._traces = last_seen, traces

    def people(self, request: ShowOverview, at: Instant, answer: Answer) -> None:
        """Answer everybody, how surely they are recognized, and when they were last seen."""
        del request, at
        people = self._people()
        assessed, needs = self._assess(people), self._needs(people)
        answer.ok([self._person_fields(each, assessed.get(each.id), needs.get(each.id)) for each in people])

    def photos(self, request: ListPhotos, at: Instant, answer: Answer) -> None:
        """Answer which photos somebody has, without the faces, and what the others say about each."""
        del at
        photos = self._corrections.photos(request.person)
        assessed = self._assess(self._people()).get(request.person)
        about = assessed.photos if assessed else {}
        answer.ok([{**photo_fields(photo), **_assessment_fields(about.get(photo.id))} for photo in photos])

    def traces(self, request: ListTraces, at: Instant, answer: Answer) -> None:
        """Answer what there is of somebody anywhere, as `people_remove` would erase it."""
        del at
        found = self._traces(request.person)
        if not found:
            raise nobody(request.person)
        answer.ok([trace_fields(trace) for trace in found])

    def _assess(self, people: Sequence[Person]) -> Mapping[str, PersonOverview]:
        """Return how everybody is recognized, by id; nobody where the network's closed set decides."""
        if self._naming is None:
            return {}
        return {each.person: each for each in overview(people, self._naming(len(people)))}

    def _needs(self, people: Sequence[Person]) -> Mapping[str, Need]:
        """Return what would help everybody to be recognized, by id; nobody where the network's closed set decides."""
        if self._naming is None:
            return {}
        naming = self._naming(len(people))
        return {each.id: need(each, naming.space, naming.threshold, naming.cohort) for each in people}

    def _person_fields(self, person: Person, assessed: PersonOverview | None, needed: Need | None) -> Fields:
        seen = self._last_seen.get(person.id)
        return {
            "id": person.id,
            "name": person.name,
            "faces": len(person.anchors),
            "rejected": len(person.negatives),
            "ignored": person.ignored,
            "last_seen": timestamp(seen.wall) if seen else None,
            "photo": next((anchor.photo for anchor in person.anchors if anchor.crop), None),
            "recognized": assessed.recognized if assessed else None,
            "comparable": len(assessed.photos) if assessed else None,
            "other": _nearest_fields(assessed.other) if assessed else None,
            "more": needed.more if needed else None,
            "childlike": needed.childlike if needed else False,
        }


def _assessment_fields(assessment: Assessment | None) -> Fields:
    return {
        "weak": assessment.weak if assessment else False,
        "alike": assessment.alike if assessment else False,
        "own": _nearest_fields(assessment.own) if assessment else None,
        "other": _nearest_fields(assessment.other) if assessment else None,
    }


def _nearest_fields(nearest: Nearest | None) -> Fields | None:
    if nearest is None:
        return None
    return {"id": nearest.person, "score": round(nearest.score, 2), "margin": round(nearest.margin, 2)}


def trace_fields(trace: Trace) -> Fields:
    """Return what is answered about a trace."""
    return {
        "kind": str(trace.kind),
        "path": None if trace.path is None else str(trace.path),
        "numbers": dict(trace.numbers),
        "what": str(trace),
    }
