"""The self-test: whether the network tells these people apart."""

import pytest
from cohorts import cohort
from makers import unit
from photographed import ADA, BOB, person

from node.people.matcher import Score
from node.people.selftest import Stranger, examine


def test_people_who_are_distinguished_are_recognized_by_their_other_photos() -> None:
    """Every face is recognized by the others of its person, and the similarity of the two is below the threshold."""
    report = examine([ADA, BOB], "s", 0.5)
    assert [(row.person, row.recognized, len(row.anchors)) for row in report.people] == [("ada", 3, 3), ("bob", 3, 3)]
    lowest = report.people[0].lowest_score
    assert lowest is not None
    cosine = float(unit(1, 0, 0) @ unit(1, 0.1, 0))
    assert (lowest.cosine, lowest.margin) == pytest.approx((cosine, cosine - 0.5), abs=1e-6)
    like = report.most_similar("ada")
    assert like is not None
    cosine = float(unit(1, 0.1, 0) @ unit(0, 1, 0))
    assert like[0] == "bob"
    assert (like[1].cosine, like[1].margin) == pytest.approx((cosine, cosine - 0.5), abs=1e-6)


def test_a_face_is_not_matched_against_itself() -> None:
    """Otherwise every face would match itself, and the test could not fail."""
    report = examine([person("ada", unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1))], "s", 0.5)
    anchor = report.people[0].anchors[0]
    assert (anchor.source, anchor.identified_as, anchor.score) == ("0.jpg", None, Score(0.0, -0.5))
    assert report.people[0].recognized == 0


def test_rejected_faces_count_as_they_do_in_the_node() -> None:
    """A face nearer to a rejected face than to the others of ada is not recognized, and has no score."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 1), negatives=(unit(1, 0, 1.1),))
    anchor = examine([ada], "s", 0.5).people[0].anchors[2]
    assert (anchor.identified_as, anchor.score) == (None, None)


def test_faces_of_another_network_are_counted_separately() -> None:
    """They are not compared."""
    report = examine([ADA, person("bob", unit(1, 0), space="old")], "s", 0.5)
    assert [(len(row.anchors), row.incomparable) for row in report.people] == [(3, 0), (0, 1)]
    assert report.similarities == ()


def test_with_a_cohort_its_score_decides_here_too() -> None:
    """Two children pass for one another by the cosine alone, and are told apart by the score."""
    mia = person("mia", unit(1, 0, 0), unit(1, 0.05, 0))
    leo = person("leo", unit(1, 0, 0.5), unit(1, 0.05, 0.5))
    children = cohort(unit(1, 0, 0.25))
    assert examine([mia, leo], "s", 0.5).similarities[0].score.margin > 0
    report = examine([mia, leo], "s", 0.01, children)
    assert report.similarities[0].score.margin < 0
    assert report.similarities[0].score.cosine > 0.85
    assert [row.recognized for row in report.people] == [2, 2]


def test_the_faces_with_the_highest_score_are_named_not_those_with_the_highest_cosine() -> None:
    """The second faces are nearer to each other, but they are of a kind that is always near."""
    ada, bob = person("ada", unit(1, 0.6, 0), unit(0.2, 0, 1)), person("bob", unit(1, -0.6, 0), unit(0.2, 0.5, 1))
    assert examine([ada, bob], "s", 0.5).similarities[0].sources == ("1.jpg", "1.jpg")
    assert examine([ada, bob], "s", 0.5, cohort(unit(0.2, 0.2, 1))).similarities[0].sources == ("0.jpg", "0.jpg")


@pytest.mark.parametrize(("margin", "named"), [(0.1, True), (0.0, True), (-0.1, False), (None, False)])
def test_a_stranger_is_named_from_the_threshold_on(margin: float | None, *, named: bool) -> None:
    """As the node decides; without candidates never."""
    score = None if margin is None else Score(0.6, margin)
    assert Stranger("a.jpg", "ada", score).named is named
