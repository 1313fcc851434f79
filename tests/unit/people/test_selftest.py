"""The self-test: does it tell these people apart, and what would help."""

import pytest
from makers import unit

from node.domain import Vector
from node.people.person import Anchor, Person
from node.people.selftest import AnchorResult, Stranger, advise, examine


def person(name: str, *vectors: Vector, negatives: tuple[Vector, ...] = (), space: str = "s") -> Person:
    """Return somebody with faces from 0.jpg, 1.jpg and so on."""
    faces = tuple(Anchor(vector, space, f"{number}.jpg") for number, vector in enumerate(vectors))
    return Person(name, name, faces, negatives=tuple(Anchor(vector, "s", "x") for vector in negatives))


ADA = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 0.1))
BOB = person("bob", unit(0, 1, 0), unit(0, 1, 0.1), unit(0, 1, 0.2))


def test_people_who_are_told_apart_need_nothing() -> None:
    """Every face is recognised by the others of its person, and the likeness of the two is below the threshold."""
    report = examine([ADA, BOB], "s", 0.5)
    assert [(row.person, row.recognized, len(row.anchors)) for row in report.people] == [("ada", 3, 3), ("bob", 3, 3)]
    assert report.people[0].lowest_score == pytest.approx(float(unit(1, 0, 0) @ unit(1, 0.1, 0)), abs=1e-6)
    like = report.most_similar("ada")
    assert like is not None
    assert like[0] == "bob"
    assert like[1] == pytest.approx(float(unit(1, 0.1, 0) @ unit(0, 1, 0)), abs=1e-6)
    assert advise(report) == ()


def test_a_face_is_left_out_when_it_is_looked_for() -> None:
    """Else every face would recognise itself, and the test could not fail."""
    report = examine([person("ada", unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1))], "s", 0.5)
    assert report.people[0].anchors[0] == AnchorResult("0.jpg", None, 0.0)
    assert report.people[0].recognized == 0


def test_too_few_faces_are_said_with_how_many_more() -> None:
    """One face alone can recognise nothing, which is not said besides."""
    (line,) = advise(examine([person("ada", unit(1, 0, 0))], "s", 0.5))
    assert line.startswith("ada: 1 face known: add 2 or more")
    (line,) = advise(examine([person("ada", unit(1, 0, 0), unit(1, 0.1, 0))], "s", 0.5))
    assert line.startswith("ada: 2 faces known: add 1 or more")


def test_a_face_that_the_others_do_not_recognise_is_named() -> None:
    """With the photo it came from and its score."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 3))
    (line,) = advise(examine([ada, BOB], "s", 0.5))
    assert line.startswith("ada: 2.jpg is not recognized by the other photos (0.32)")


def test_a_face_that_is_taken_for_somebody_else_is_named_and_so_are_the_two() -> None:
    """A photo of bob among ada's is the worst that can happen to a gallery."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 0.1), unit(0.1, 1, 0))
    lines = advise(examine([ada, BOB], "s", 0.5))
    assert any(line.startswith("ada: 3.jpg is taken for bob") for line in lines)
    assert any(line.startswith("ada and bob look alike to the network") and "3.jpg and 0.jpg" in line for line in lines)


def test_two_people_nearer_than_the_threshold_are_named_even_if_every_face_finds_its_own() -> None:
    """A look between the two would be called by either name."""
    carl = person("carl", unit(1, 0, 0.6), unit(1, 0, 0.7), unit(1, 0, 0.8))
    report = examine([ADA, BOB, carl], "s", 0.8)
    assert all(row.recognized == 3 for row in report.people)
    (line,) = advise(report)
    assert line.startswith("ada and carl look alike")


def test_rejected_faces_count_as_they_do_in_the_node() -> None:
    """A face nearer to a rejected one than to her others is not recognised."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 1), negatives=(unit(1, 0, 1.1),))
    report = examine([ada], "s", 0.5)
    assert report.people[0].anchors[2] == AnchorResult("2.jpg", None, None)
    (line,) = advise(report)
    assert line.startswith("ada: 2.jpg is not recognized by the other photos:")


def test_faces_of_another_network_are_counted_apart() -> None:
    """They are not compared, and that needs attention."""
    report = examine([ADA, person("bob", unit(1, 0), space="old")], "s", 0.5)
    assert [(len(row.anchors), row.incomparable) for row in report.people] == [(3, 0), (0, 1)]
    assert report.similarities == ()
    assert any("bob: 1 face enrolled with another network" in line for line in advise(report))


def test_only_a_stranger_who_is_named_needs_attention() -> None:
    """The line says which photo, and who is taken for whom."""
    report = examine([ADA, BOB], "s", 0.5)
    strangers = (Stranger("a.jpg", "ada", 0.61, named=True), Stranger("b.jpg", "bob", 0.41, named=False))
    (line,) = advise(report, strangers)
    assert line.startswith("a.jpg: a stranger is called ada (0.61)")
