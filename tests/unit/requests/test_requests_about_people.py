"""What is asked about people: who is enrolled, from an event or from whoever is in view; who is not; who goes."""

import json
from pathlib import Path
from typing import Any

import pytest
from makers import face, instant, look, unit

from node.domain import Look, Track
from node.people.gallery import Gallery, Sample
from node.requests.inbox import Request, Verb
from node.requests.people import Clerk
from node.requests.recent_faces import Recent

EVENT = "01936d4e-0000-7000-8000-000000000000"
ADA, BOB = unit(1, 0, 0), unit(0, 1, 0)


class Office:
    """A clerk, the gallery that it keeps, and what it answered."""

    def __init__(self, folder: Path) -> None:
        self.gallery = Gallery(folder)
        self.recent = Recent()
        self.erased: list[str] = []
        self.answers: list[dict[str, Any]] = []
        self.clerk = Clerk(self.gallery, self.recent, "s", self._answer, keep_crops=True, erased=self.erased.append)

    def _answer(self, request: Request, payload: bytes) -> None:
        del request
        self.answers.append(json.loads(payload))

    def ask(self, verb: Verb, *tracks: Track, at_s: float = 0, **fields: Any) -> bool:  # noqa: ANN401 - a request's
        """Apply one request; return whether the gallery has changed."""
        return self.clerk.apply([Request(verb, "t", **fields)], instant(at_s), tracks)

    def pass_time(self, at_s: float, *tracks: Track) -> bool:
        """Let a tick pass without a request."""
        return self.clerk.apply([], instant(at_s), tracks)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office with an empty gallery."""
    return Office(tmp_path / "people")


def track(*looks: Look, number: int = 1, at_s: float = 0) -> Track:
    """Return a track with these usable looks."""
    latest = looks[-1] if looks else None
    embedding = latest.embedding if latest else None
    return Track(number, face(), instant(0), instant(at_s), len(looks), embedding, best=latest, latest=latest)


def test_the_face_of_an_event_is_enrolled(office: Office) -> None:
    """The answer says how many faces are known; the gallery has changed."""
    office.recent.note(EVENT, look(ADA), None)
    assert office.ask(Verb.PEOPLE_ENROLL, person="ada", name="Ada", event=EVENT)
    assert office.answers == [{"transaction": "t", "status": "ok", "data": {"id": "ada", "faces": 1}}]
    (person,) = office.gallery.load()
    assert (person.id, person.name) == ("ada", "Ada")


def test_an_event_that_is_not_remembered_enrols_nobody(office: Office) -> None:
    """The answer says that only the last hundred are."""
    assert not office.ask(Verb.PEOPLE_ENROLL, person="ada", event=EVENT)
    assert "only the last hundred" in office.answers[0]["error"]
    assert office.gallery.load() == ()


def test_who_is_in_view_is_looked_at_for_a_while_and_then_enrolled(office: Office) -> None:
    """Each new look is one more face; the answer comes at the end."""
    looks = [look(unit(1, 0.1 * number, 0), weight=0.5) for number in range(4)]
    assert not office.ask(Verb.PEOPLE_ENROLL, track(looks[0]), person="ada", for_s=3.0)
    for second in (1, 2):
        assert not office.pass_time(second, track(*looks[: second + 1]))
    assert office.answers == []
    assert office.pass_time(3, track(*looks))
    assert office.answers[0]["data"] == {"id": "ada", "faces": 4}


def test_who_leaves_meanwhile_is_enrolled_from_what_was_seen(office: Office) -> None:
    """One good look is enough."""
    office.ask(Verb.PEOPLE_ENROLL, track(look(ADA)), person="ada", for_s=3.0)
    assert office.pass_time(1)
    assert office.answers[0]["data"] == {"id": "ada", "faces": 1}


@pytest.mark.parametrize(
    ("tracks", "message"),
    [
        ([], "nobody with a usable face is in view"),
        ([track()], "nobody with a usable face is in view"),
        ([track(look(ADA)), track(look(BOB), number=2)], "2 people are in view"),
    ],
)
def test_in_doubt_nobody_is_enrolled(office: Office, tracks: list[Track], message: str) -> None:
    """Whose face is meant must be plain."""
    assert not office.ask(Verb.PEOPLE_ENROLL, *tracks, person="ada")
    assert message in office.answers[0]["error"]


def test_only_one_person_is_enrolled_at_a_time(office: Office) -> None:
    """A second request waits for the first to end."""
    office.ask(Verb.PEOPLE_ENROLL, track(look(ADA)), person="ada", for_s=3.0)
    office.ask(Verb.PEOPLE_ENROLL, track(look(ADA)), person="bob", for_s=3.0)
    assert "ada is being enrolled" in office.answers[0]["error"]


def test_a_wrong_name_is_taken_back(office: Office) -> None:
    """The face of the event becomes one that is not hers."""
    office.gallery.add("ada", None, "s", [Sample(ADA, "photo", None)])
    office.recent.note(EVENT, look(BOB), "ada")
    assert office.ask(Verb.PEOPLE_REJECT, person="ada", event=EVENT)
    assert office.answers[0]["status"] == "ok"
    (person,) = office.gallery.load()
    assert len(person.negatives) == 1


def test_the_postman_is_ignored_and_no_longer(office: Office) -> None:
    """From an event, or somebody already known; `state` off takes it back."""
    office.recent.note(EVENT, look(BOB), None)
    assert office.ask(Verb.PEOPLE_IGNORE, person="postman", event=EVENT)
    assert office.gallery.load()[0].ignored
    assert office.ask(Verb.PEOPLE_IGNORE, person="postman", on=False)
    assert not office.gallery.load()[0].ignored


def test_who_is_removed_is_erased_elsewhere_too(office: Office) -> None:
    """The rest of the node is told the id."""
    office.gallery.add("ada", None, "s", [Sample(ADA, "photo", None)])
    assert office.ask(Verb.PEOPLE_REMOVE, person="ada")
    assert office.erased == ["ada"]
    assert office.gallery.load() == ()


def test_removing_nobody_is_an_error_and_erases_nothing(office: Office) -> None:
    """The answer says how to see who is known."""
    assert not office.ask(Verb.PEOPLE_REMOVE, person="ada")
    assert office.answers[0]["status"] == "error"
    assert office.erased == []


def test_the_list_says_who_without_any_face(office: Office) -> None:
    """No embedding and no crop ever travels."""
    office.gallery.add("ada", "Ada", "s", [Sample(ADA, "photo", None)])
    office.ask(Verb.PEOPLE_LIST)
    assert office.answers[0]["data"] == [{"id": "ada", "name": "Ada", "faces": 1, "ignored": False}]


def test_who_is_removed_while_being_enrolled_does_not_come_back(office: Office) -> None:
    """Both requests are answered, and the face that was looked at is forgotten."""
    office.gallery.add("ada", None, "s", [Sample(ADA, "photo", None)])
    office.ask(Verb.PEOPLE_ENROLL, track(look(ADA)), person="ada", for_s=3.0)
    assert office.ask(Verb.PEOPLE_REMOVE, track(look(ADA)), at_s=1, person="ada")
    assert [answer["status"] for answer in office.answers] == ["error", "ok"]
    assert "removed meanwhile" in office.answers[0]["error"]
    assert not office.pass_time(4, track(look(ADA), at_s=4))
    assert office.gallery.load() == ()


def test_removing_somebody_else_does_not_end_an_enrolment(office: Office) -> None:
    """Only the one who is removed is not enrolled."""
    office.gallery.add("bob", None, "s", [Sample(BOB, "photo", None)])
    office.ask(Verb.PEOPLE_ENROLL, track(look(ADA)), person="ada", for_s=3.0)
    office.ask(Verb.PEOPLE_REMOVE, track(look(ADA)), at_s=1, person="bob")
    assert office.pass_time(3, track(look(ADA)))
    assert [person.id for person in office.gallery.load()] == ["ada"]
