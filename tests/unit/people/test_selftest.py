"""The self-test: whether the network tells these people apart, and what would help."""

import pytest
from makers import unit

from node.domain import Vector
from node.people.person import Anchor, Person
from node.people.selftest import AnchorResult, Stranger, advise, examine


def person(name: str, *vectors: Vector, negatives: tuple[Vector, ...] = (), space: str = "s") -> Person:
    """Return a person with faces from 0.jpg, 1.jpg and so on."""
    faces = tuple(Anchor(vector, space, f"{number}.jpg") for number, vector in enumerate(vectors))
    return Person(name, name, faces, negatives=tuple(Anchor(vector, "s", "x") for vector in negatives))


ADA = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 0.1))
BOB = person("bob", unit(0, 1, 0), unit(0, 1, 0.1), unit(0, 1, 0.2))


def test_people_who_are_distinguished_need_no_advice() -> None:
    """Every face is recognized by the others of its person, and the similarity of the two is below the threshold."""
    report = examine([ADA, BOB], "s", 0.5)
    assert [(row.person, row.recognized, len(row.anchors)) for row in report.people] == [("ada", 3, 3), ("bob", 3, 3)]
    assert report.people[0].lowest_score == pytest.approx(float(unit(1, 0, 0) @ unit(1, 0.1, 0)), abs=1e-6)
    like = report.most_similar("ada")
    assert like is not None
    assert like[0] == "bob"
    assert like[1] == pytest.approx(float(unit(1, 0.1, 0) @ unit(0, 1, 0)), abs=1e-6)
    assert advise(report) == ()


def test_a_face_is_not_matched_against_itself() -> None:
    """Otherwise every face would match itself, and the test could not fail."""
    report = examine([person("ada", unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1))], "s", 0.5)
    assert report.people[0].anchors[0] == AnchorResult("0.jpg", None, 0.0)
    assert report.people[0].recognized == 0


def test_too_few_faces_give_advice_with_the_number_to_add() -> None:
    """A single face cannot be recognized by others, which gives no further advice."""
    (line,) = advise(examine([person("ada", unit(1, 0, 0))], "s", 0.5))
    assert line.startswith("ada: 1 face known: add 2 or more")
    (line,) = advise(examine([person("ada", unit(1, 0, 0), unit(1, 0.1, 0))], "s", 0.5))
    assert line.startswith("ada: 2 faces known: add 1 or more")


def test_a_face_that_the_others_do_not_recognize_is_named() -> None:
    """With its photo and its score."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 3))
    (line,) = advise(examine([ada, BOB], "s", 0.5))
    assert line.startswith("ada: 2.jpg is not recognized by the other photos (0.32)")


def test_a_face_taken_for_somebody_else_is_named_and_so_are_both_people() -> None:
    """A photo of bob among those of ada is the worst error in a gallery."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 0.1), unit(0.1, 1, 0))
    lines = advise(examine([ada, BOB], "s", 0.5))
    assert any(line.startswith("ada: 3.jpg is taken for bob") for line in lines)
    assert any(line.startswith("ada and bob look alike to the network") and "3.jpg and 0.jpg" in line for line in lines)


def test_two_people_above_the_threshold_are_named_even_if_every_face_is_recognized() -> None:
    """A face between the two could get either name."""
    carl = person("carl", unit(1, 0, 0.6), unit(1, 0, 0.7), unit(1, 0, 0.8))
    report = examine([ADA, BOB, carl], "s", 0.8)
    assert all(row.recognized == 3 for row in report.people)
    (line,) = advise(report)
    assert line.startswith("ada and carl look alike")


def test_rejected_faces_count_as_they_do_in_the_node() -> None:
    """A face nearer to a rejected face than to the others of ada is not recognized."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 1), negatives=(unit(1, 0, 1.1),))
    report = examine([ada], "s", 0.5)
    assert report.people[0].anchors[2] == AnchorResult("2.jpg", None, None)
    (line,) = advise(report)
    assert line.startswith("ada: 2.jpg is not recognized by the other photos:")


def test_faces_of_another_network_are_counted_separately() -> None:
    """They are not compared, and that needs attention."""
    report = examine([ADA, person("bob", unit(1, 0), space="old")], "s", 0.5)
    assert [(len(row.anchors), row.incomparable) for row in report.people] == [(3, 0), (0, 1)]
    assert report.similarities == ()
    assert any("bob: 1 face enrolled with another network" in line for line in advise(report))


def test_only_a_stranger_who_is_named_needs_attention() -> None:
    """The line has the photo and the name."""
    report = examine([ADA, BOB], "s", 0.5)
    strangers = (Stranger("a.jpg", "ada", 0.61, named=True), Stranger("b.jpg", "bob", 0.41, named=False))
    (line,) = advise(report, strangers)
    assert line.startswith("a.jpg: a stranger is called ada (0.61)")
