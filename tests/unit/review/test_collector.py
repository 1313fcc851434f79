"""Which visits become entries of the inbox, and what an entry holds."""

from pathlib import Path

import pytest
from makers import unit
from review_scene import ReviewScene

from node.domain import Flaw

ADA, EVE = unit(1, 0, 0), unit(0, 1, 0)


@pytest.fixture
def scene(tmp_path: Path) -> ReviewScene:
    """Return a camera and an empty inbox."""
    return ReviewScene(tmp_path, pictures=True)


def test_a_visit_becomes_one_entry_with_its_best_face_and_its_events(scene: ReviewScene) -> None:
    """The name, the looks, the picture, when it was, and the ids by which a subscriber knows it."""
    scene.visit(ADA, "ada", looks=4)
    (entry,) = scene.collector.entries()
    assert (entry.person, entry.looks, dict(entry.flaws)) == ("ada", 4, {})
    assert entry.best is not None
    assert entry.best.weight == pytest.approx(0.51)  # a better one must be a tenth better
    assert entry.picture == b"\xff\xd8picture"
    assert (entry.seen.wall - entry.began.wall).total_seconds() == pytest.approx(2.0)
    assert entry.events == ("event-1", "left-1")


def test_without_a_page_no_picture_is_kept(tmp_path: Path) -> None:
    """The aligned face is enough to enroll somebody."""
    scene = ReviewScene(tmp_path)
    scene.visit(ADA)
    (entry,) = scene.collector.entries()
    assert entry.picture is None
    assert entry.best is not None


def test_several_tracks_of_one_visit_are_one_entry(scene: ReviewScene) -> None:
    """A face that is lost and found again; the numbers add up."""
    scene.visit(ADA, "ada", key="ada")
    (first,) = scene.collector.entries()
    scene.visit(ADA, "ada", key="ada", looks=2)
    (entry,) = scene.collector.entries()
    assert (entry.id, entry.looks, entry.began) == (first.id, 5, first.began)


def test_a_visit_that_goes_on_is_listed_and_keeps_its_id(scene: ReviewScene) -> None:
    """Whoever stands there now can be named now."""
    number = scene.visit(ADA, stays=True)
    (listed,) = scene.collector.entries()
    scene.tick(number, None, 3, None, gone=True)
    assert [entry.id for entry in scene.collector.entries()] == [listed.id]


def test_of_somebody_who_is_ignored_nothing_is_kept(scene: ReviewScene) -> None:
    """The postman is recognized and counted, and nothing else."""
    scene.visit(ADA, "postman", ignored=True)
    assert scene.collector.entries() == ()


@pytest.mark.parametrize(("looks", "kept"), [(4, 0), (5, 1)])
def test_a_face_that_was_never_usable_is_kept_if_it_was_there_for_a_while(
    scene: ReviewScene, looks: int, kept: int
) -> None:
    """It says which gates failed, and has no face to enroll."""
    scene.visit(ADA, flaws=(Flaw.BLUR, Flaw.SIZE), looks=looks)
    entries = scene.collector.entries()
    assert [dict(entry.flaws) for entry in entries] == [{Flaw.BLUR: looks, Flaw.SIZE: looks}] * kept
    assert all(entry.best is None and entry.embedding is None and entry.picture for entry in entries)


def test_a_visit_whose_decision_changes_is_one_entry_of_the_person(scene: ReviewScene) -> None:
    """A stranger who turns out to be Ada leaves no entry of a stranger; whoever lists it meanwhile can still decide."""
    number = scene.visit(ADA, stays=True, looks=2)
    (listed,) = scene.collector.entries()
    look = scene.look(ADA, number)
    scene.tick(number, look, 3, scene.decision("ada", key="ada"))
    scene.tick(number, None, 3, None, gone=True)
    (entry,) = scene.collector.entries()
    assert (entry.id, entry.person, entry.looks) == (listed.id, "ada", 3)


def test_what_others_of_the_former_visit_have_keeps_its_id(scene: ReviewScene) -> None:
    """One of two who were taken for the same visitor turns out to be Ada: the other stays where they were."""
    scene.visit(EVE, key="both", looks=2)
    (listed,) = scene.collector.entries()
    number = scene.visit(ADA, key="both", stays=True, looks=2)
    scene.tick(number, scene.look(ADA, number), 3, scene.decision("ada", key="ada"))
    scene.tick(number, None, 3, None, gone=True)
    by_person = {entry.person: entry.id for entry in scene.collector.entries()}
    assert by_person[None] == listed.id
    assert by_person["ada"] != listed.id


def test_at_the_end_of_the_process_visits_that_go_on_are_kept(tmp_path: Path) -> None:
    """As are those that have ended; nothing is kept without `review.keep_days`."""
    scene = ReviewScene(tmp_path, days=1)
    scene.visit(ADA, stays=True)
    scene.visit(EVE)
    scene.collector.close()
    scene.start()
    assert len(scene.collector.entries()) == 2


def test_whoever_is_erased_is_forgotten_while_in_view(scene: ReviewScene) -> None:
    """Their face is not put into the inbox when they leave, unless they are looked at again as a stranger."""
    number = scene.visit(ADA, "ada", stays=True)
    scene.collector.forget("ada")
    assert scene.collector.entries() == ()
    scene.tick(number, None, 3, None, gone=True)
    assert scene.collector.entries() == ()
