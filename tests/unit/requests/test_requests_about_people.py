"""Requests about people: enroll from an event or from whoever is in view, reject, ignore, list, remove."""

import json
import weakref
from pathlib import Path
from typing import Any

import pytest
from makers import face, instant, look, unit

from node.domain import CameraState, Flaw, Look, Tick, Track
from node.errors import PeopleError
from node.people.enrolment import Enrollee, people_with
from node.people.erasure import Erasure
from node.people.gallery import Gallery, Sample
from node.people.matcher import GalleryMatcher
from node.people.store import Store
from node.requests.answer import Answer
from node.requests.people import PeopleRequests
from node.requests.recent_faces import RecentFaces
from node.requests.request import EnrollPerson, IgnorePerson, ListPeople, RejectFace, RemovePerson
from node.requests.view import View

EVENT = "01936d4e-0000-7000-8000-000000000000"
ADA, BOB = unit(1, 0, 0), unit(0, 1, 0)


class Fixture:
    """Requests about people, the gallery behind them, and the answers."""

    def __init__(self, folder: Path) -> None:
        self.gallery = Gallery(folder)
        self.recent = RecentFaces()
        self.erased: list[str] = []
        self.changes = 0
        self.answers: list[dict[str, Any]] = []
        self.people = PeopleRequests(
            self.gallery,
            self.recent,
            "s",
            enrollee=self._enrollee,
            keep_crops=True,
            changed=self._count_change,
            erase=Erasure(Store(folder, {}), forget=self.erased.append).erase,
        )

    def _enrollee(self, person: str, force: bool) -> Enrollee:  # noqa: FBT001 - as the node calls it
        people = people_with(self.gallery.load(), person)
        return Enrollee(person, GalleryMatcher(people, "s", 0.5), force=force)

    def _count_change(self) -> None:
        self.changes += 1

    def answer(self) -> Answer:
        """Return an answer that is kept."""
        return Answer("t", lambda payload: self.answers.append(json.loads(payload)))

    def enroll(self, person: str = "ada", at_s: float = 0, **fields: Any) -> None:  # noqa: ANN401 - a request's
        """Request that somebody be enrolled."""
        self.people.enroll(EnrollPerson(person, **fields), instant(at_s), self.answer())

    def tick(self, at_s: float, *tracks: Track, camera: CameraState = CameraState.OK) -> None:
        """Let a tick pass with these tracks."""
        self.people.update(View(Tick(instant(at_s), None), tracks, camera))


@pytest.fixture
def fixture(tmp_path: Path) -> Fixture:
    """Return requests over an empty gallery."""
    return Fixture(tmp_path / "people")


def track(*looks: Look, number: int = 1, at_s: float = 0) -> Track:
    """Return a track with these usable looks, whose face was last found at a moment."""
    latest = looks[-1] if looks else None
    embedding = latest.embedding if latest else None
    return Track(number, face(), instant(0), instant(at_s), len(looks), embedding, best=latest, latest=latest)


def test_the_face_of_an_event_is_enrolled(fixture: Fixture) -> None:
    """The answer says how many faces are known; the gallery has changed."""
    fixture.recent.add(EVENT, look(ADA), None)
    fixture.enroll(name="Ada", event=EVENT)
    assert fixture.answers == [{"transaction": "t", "status": "ok", "data": {"id": "ada", "faces": 1}}]
    (person,) = fixture.gallery.load()
    assert (person.id, person.name, fixture.changes) == ("ada", "Ada", 1)


def test_an_event_that_is_not_remembered_enrolls_nobody(fixture: Fixture) -> None:
    """The error says that only the latest hundred are."""
    with pytest.raises(PeopleError, match="only the latest 100 are"):
        fixture.enroll(event=EVENT)
    assert fixture.gallery.load() == ()


@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
def test_a_face_that_is_nearer_to_somebody_else_is_not_enrolled_unless_forced(fixture: Fixture, *, known: bool) -> None:
    """Whether it comes from an event or from the view, to be enrolled or ignored; the sentence names whose it is."""
    fixture.gallery.add("bob", None, "s", [Sample(BOB, "photo", None)])
    if known:
        fixture.gallery.add("ada", None, "s", [Sample(ADA, "photo", None)])
    fixture.recent.add(EVENT, look(unit(0.1, 1, 0)), "bob")
    before = [len(person.anchors) for person in fixture.gallery.load()]
    margins = r"margin \+0\.50, -0\.40 for ada" if known else r"margin \+0\.50"
    sentence = rf"the face is bob's \({margins}\): if it is ada, enroll a photo with `facenode people add ada --force`"
    with pytest.raises(PeopleError, match=f"event {EVENT}: {sentence}"):
        fixture.enroll(event=EVENT)
    with pytest.raises(PeopleError, match=sentence):
        fixture.people.ignore(IgnorePerson("ada", event=EVENT), instant(0), fixture.answer())
    fixture.enroll(for_s=1.0)
    fixture.tick(0, track(look(unit(0.1, 1, 0))))
    fixture.tick(2)
    assert "in view: the face is bob's" in fixture.answers[0]["error"]
    assert [len(person.anchors) for person in fixture.gallery.load()] == before
    fixture.enroll(event=EVENT, force=True)
    assert fixture.answers[1]["status"] == "ok"


def test_a_face_that_failed_a_gate_is_not_enrolled(fixture: Fixture) -> None:
    """The sentence names the gate."""
    fixture.recent.add(EVENT, look(ADA, flaws=(Flaw.BLUR,)), None)
    for request in (fixture.people.reject, fixture.people.ignore):
        kind = RejectFace if request == fixture.people.reject else IgnorePerson
        with pytest.raises(PeopleError, match=f"event {EVENT}: the face is unusable: blur"):
            request(kind("ada", event=EVENT), instant(0), fixture.answer())  # type: ignore[arg-type]
    with pytest.raises(PeopleError, match=f"event {EVENT}: the face is unusable: blur"):
        fixture.enroll(event=EVENT)
    assert fixture.gallery.load() == ()


def test_whoever_is_in_view_is_looked_at_for_a_while_and_then_enrolled(fixture: Fixture) -> None:
    """Each new look is one more face; the answer comes at the end."""
    looks = [look(unit(1, 0.1 * number, 0), weight=0.5) for number in range(4)]
    fixture.enroll(for_s=3.0)
    for second in range(3):
        fixture.tick(second, track(*looks[: second + 1], at_s=second))
    assert fixture.answers == []
    fixture.tick(3, track(*looks, at_s=3))
    assert fixture.answers[0]["data"] == {"id": "ada", "faces": 4}
    assert fixture.changes == 1


def test_of_many_looks_the_best_five_are_enrolled_and_no_other_is_kept(fixture: Fixture) -> None:
    """Ten looks a second for half a minute would fill the memory of a small board with crops."""
    fixture.enroll(for_s=30.0)
    seen = []
    for number in range(100):
        embedding = unit(1, 0.01 * number, 0)
        seen.append(weakref.ref(embedding))
        latest = look(embedding, weight=0.1 + (number * 7 % 100) / 1000)
        fixture.tick(number / 10, track(latest, at_s=number / 10))
    del embedding, latest
    assert sum(kept() is not None for kept in seen) == 5
    fixture.tick(40)
    assert fixture.answers[0]["data"] == {"id": "ada", "faces": 5}


def test_somebody_who_leaves_meanwhile_is_enrolled_from_what_was_seen(fixture: Fixture) -> None:
    """One good look is enough."""
    fixture.enroll(for_s=3.0)
    fixture.tick(0, track(look(ADA)))
    fixture.tick(1)
    assert fixture.answers[0]["data"] == {"id": "ada", "faces": 1}


@pytest.mark.parametrize("unsearched", [1, 2], ids=["one frame", "two frames"])
def test_a_frame_in_which_nobody_was_found_does_not_end_the_wait(fixture: Fixture, unsearched: int) -> None:
    """The throttle skips frames, a tick may have none, a detector may miss a face: the next frame counts."""
    fixture.enroll(for_s=3.0)
    for number in range(unsearched):
        fixture.tick(1 + number / 10, track(look(ADA), at_s=0.9))
    assert fixture.answers == []
    fixture.tick(2, track(look(ADA), at_s=2))
    fixture.tick(5, track(look(ADA), at_s=5))
    assert fixture.answers[0]["status"] == "ok"


@pytest.mark.parametrize("tracks", [(), (track(),)], ids=["nobody", "no usable look"])
def test_nobody_in_view_is_answered_when_the_wait_ends(fixture: Fixture, tracks: tuple[Track, ...]) -> None:
    """The node waits for as long as the request says, and enrolls nobody."""
    fixture.enroll(for_s=3.0)
    fixture.tick(0, *tracks)
    fixture.tick(2.9, *tracks)
    assert fixture.answers == []
    fixture.tick(3, *tracks)
    assert "nobody with a usable face is in view" in fixture.answers[0]["error"]
    assert (fixture.gallery.load(), fixture.changes) == ((), 0)


def test_of_two_people_in_view_nobody_is_enrolled(fixture: Fixture) -> None:
    """Whose face is meant must be plain."""
    fixture.enroll()
    fixture.tick(0, track(look(ADA)), track(look(BOB), number=2))
    assert fixture.answers[0]["error"] == "2 people are in view: only the person being enrolled may be"


@pytest.mark.parametrize(
    ("camera", "sentence"), [(CameraState.PRIVATE, "privacy mode is on"), (CameraState.LOST, "the camera is lost")]
)
def test_a_camera_that_shows_nothing_ends_the_wait_at_once(
    fixture: Fixture, camera: CameraState, sentence: str
) -> None:
    """Nobody can come into view."""
    fixture.enroll()
    fixture.tick(0, camera=camera)
    assert fixture.answers[0]["error"] == sentence


def test_only_one_person_is_enrolled_at_a_time(fixture: Fixture) -> None:
    """A second request is refused until the first has ended."""
    fixture.enroll()
    with pytest.raises(PeopleError, match="ada is being enrolled"):
        fixture.enroll("bob")


def test_a_wrong_name_is_taken_back(fixture: Fixture) -> None:
    """The face of the event becomes one that is not hers."""
    fixture.gallery.add("ada", None, "s", [Sample(ADA, "photo", None)])
    fixture.recent.add(EVENT, look(BOB), "ada")
    fixture.people.reject(RejectFace("ada", EVENT), instant(0), fixture.answer())
    assert fixture.answers[0]["status"] == "ok"
    (person,) = fixture.gallery.load()
    assert len(person.negatives) == 1


def test_the_postman_is_ignored_and_no_longer(fixture: Fixture) -> None:
    """From an event, or somebody already enrolled; `state` off takes it back."""
    fixture.recent.add(EVENT, look(BOB), None)
    fixture.people.ignore(IgnorePerson("postman", event=EVENT), instant(0), fixture.answer())
    assert fixture.gallery.load()[0].ignored
    fixture.people.ignore(IgnorePerson("postman", on=False), instant(0), fixture.answer())
    assert not fixture.gallery.load()[0].ignored
    assert fixture.changes == 2


def test_somebody_who_is_removed_is_erased_elsewhere_too(fixture: Fixture) -> None:
    """The rest of the node gets the id."""
    fixture.gallery.add("ada", None, "s", [Sample(ADA, "photo", None)])
    fixture.people.remove(RemovePerson("ada"), instant(0), fixture.answer())
    assert (fixture.erased, fixture.changes) == (["ada"], 1)
    assert fixture.gallery.load() == ()


def test_removing_nobody_is_an_error_and_erases_nothing(fixture: Fixture) -> None:
    """The error says how to see who is enrolled."""
    with pytest.raises(PeopleError, match="nobody is enrolled under this id"):
        fixture.people.remove(RemovePerson("ada"), instant(0), fixture.answer())
    assert (fixture.erased, fixture.changes) == ([], 0)


def test_the_list_says_who_without_any_face(fixture: Fixture) -> None:
    """No embedding and no crop ever travels."""
    fixture.gallery.add("ada", "Ada", "s", [Sample(ADA, "photo", None)])
    fixture.people.list(ListPeople(), instant(0), fixture.answer())
    assert fixture.answers[0]["data"] == [{"id": "ada", "name": "Ada", "faces": 1, "ignored": False}]


def test_somebody_who_is_removed_while_being_enrolled_does_not_come_back(fixture: Fixture) -> None:
    """Both requests are answered, and the face that was looked at is forgotten."""
    fixture.gallery.add("ada", None, "s", [Sample(ADA, "photo", None)])
    fixture.enroll()
    fixture.tick(0, track(look(ADA)))
    fixture.people.remove(RemovePerson("ada"), instant(1), fixture.answer())
    assert [answer["status"] for answer in fixture.answers] == ["error", "ok"]
    assert "removed meanwhile" in fixture.answers[0]["error"]
    fixture.tick(4, track(look(ADA), at_s=4))
    assert fixture.gallery.load() == ()


def test_removing_somebody_else_does_not_end_an_enrollment(fixture: Fixture) -> None:
    """Only the one who is removed is not enrolled."""
    fixture.gallery.add("bob", None, "s", [Sample(BOB, "photo", None)])
    fixture.enroll()
    fixture.tick(0, track(look(ADA)))
    fixture.people.remove(RemovePerson("bob"), instant(1), fixture.answer())
    fixture.tick(3, track(look(ADA)))
    assert [person.id for person in fixture.gallery.load()] == ["ada"]


def test_an_enrollment_of_somebody_who_is_erased_by_another_process_ends(fixture: Fixture) -> None:
    """Otherwise it would bring them back a moment later."""
    fixture.enroll()
    fixture.tick(0, track(look(ADA)))
    fixture.people.forget("bob")
    fixture.people.forget("ada")
    fixture.tick(4, track(look(ADA), at_s=4))
    assert fixture.gallery.load() == ()
    assert [answer["status"] for answer in fixture.answers] == ["error"]
