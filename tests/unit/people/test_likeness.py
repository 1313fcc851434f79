"""How alike faces are, wherever that is asked: by the score that decides about names, with a cohort and without."""

from pathlib import Path

import numpy as np
import pytest
from cohorts import cohort, random_units
from makers import unit
from samples import sample

from node.people.corrections import Corrections
from node.people.gallery import Gallery
from node.people.likeness import Comparison, nearest, same_person
from node.people.matcher import GalleryMatcher
from node.people.person import Anchor, Person
from node.people.scoring import Scoring
from node.review.grouping import linked
from node.vision.cohort import Cohort
from node.vision.sidecar import EmbeddingHead, Threshold, Thresholds

HEAD = EmbeddingHead(length=16, space="s")
COHORT = cohort(*random_units(9, 16), nearest=3)

CHILDREN = cohort(unit(1, 0, 0))
"""A cohort of faces of one kind: whoever is like them is like many."""
CHILD, OTHER_CHILD, ADULT = unit(1, 0.3, 0), unit(1, -0.3, 0), unit(0, 0.1, 1)


def table(cosine: float) -> Thresholds:
    """Return thresholds for a share of strangers of 1 %."""
    return Thresholds(anchors_per_person=5, rows=(Threshold(fpir=0.01, gallery=1, cosine=cosine),))


@pytest.mark.parametrize("others", [None, COHORT], ids=["cosine", "cohort"])
def test_a_comparison_and_the_matcher_give_the_same_margin(others: Cohort | None) -> None:
    """Within 2e-6: a face gets a name exactly where the comparison of the two faces says so."""
    faces, probes = random_units(5, 16, 1), random_units(4, 16, 2)
    people = [Person(f"p{n}", f"P{n}", (Anchor(row, "s", "a"),)) for n, row in enumerate(faces)]
    comparison = Comparison.of(Scoring(HEAD, table(0.2), others), 0.01, 1)
    margins = comparison.margins(comparison.faces(list(probes)), comparison.faces(list(faces)))
    matcher = GalleryMatcher(people, "s", 0.2, others)
    for row, probe in zip(margins, probes, strict=True):
        assert row.tolist() == pytest.approx([each.margin for each in matcher.scores(probe).values()], abs=2e-6)


def test_the_nearest_is_nearest_by_the_score_that_decides_and_its_score_is_the_cosine() -> None:
    """A child is less like another child, at a cosine of 0.83, than like an adult's photo of their own, at 0.4."""
    people = [
        Person("kim", "Kim", (Anchor(OTHER_CHILD, "s", "a"),)),
        Person("ada", "Ada", (Anchor(unit(0.4, 0, 1), "s", "a"),)),
    ]
    probe = CHILD
    plain = nearest(GalleryMatcher(people, "s", 0.2), probe)
    assert plain is not None
    assert plain.person == "kim"
    assert plain.margin == pytest.approx(plain.score - 0.2, abs=1e-6)
    found = nearest(GalleryMatcher(people, "s", 0.2, cohort(unit(1, 0, 0), weight=2.0)), probe)
    assert found is not None
    assert found.person == "ada"
    assert found.score == pytest.approx(float(probe @ unit(0.4, 0, 1)), abs=1e-6)
    expected = found.score - probe[0] - unit(0.4, 0, 1)[0] - 0.2
    assert found.margin == pytest.approx(float(expected), abs=1e-6)


def test_one_person_is_decided_by_the_thresholds_that_belong_to_the_score() -> None:
    """Those of the cohort where there is one: `Scoring` has them."""
    scoring = Scoring(HEAD, table(-0.07), COHORT)
    same = same_person(scoring)
    assert (same.space, same.length, same.threshold, same.cohort) == ("s", 16, -0.07, COHORT)


def test_faces_of_one_kind_are_not_one_group() -> None:
    """Two children at a cosine of 0.83 are two people, and two looks at one adult are one, by one threshold."""
    looks = [CHILD, OTHER_CHILD, ADULT, unit(0.1, 0, 1)]
    assert len(linked(looks, Comparison("s", 3, 0.3))) == 2
    assert sorted(map(sorted, linked(looks, Comparison("s", 3, 0.3, CHILDREN)))) == [[0], [1], [2, 3]]


def test_photos_agree_by_the_score_that_decides(tmp_path: Path) -> None:
    """From 0 on, the other photo alone would name the face; within 1e-6."""
    gallery = Gallery(tmp_path / "people")
    gallery.add("kim", None, "s", [sample(1, 0.3, 0), sample(1, -0.3, 0)])
    first, second = Corrections(gallery, lambda _: Comparison("s", 3, 0.1, CHILDREN)).photos("kim")
    expected = float(CHILD @ OTHER_CHILD - CHILD[0] / 2 - OTHER_CHILD[0] / 2) - 0.1
    assert first.agreement == second.agreement == pytest.approx(expected, abs=1e-6)
    assert expected < 0


def test_what_cannot_be_compared_is_left_out() -> None:
    """A face of another network, and one of another length, which only a damaged file has."""
    comparison = Comparison("s", 3, 0.3, CHILDREN)
    anchors = [Anchor(CHILD, "old", "a"), Anchor(unit(1, 0), "s", "b"), Anchor(ADULT, "s", "c")]
    found = comparison.anchors(anchors)
    assert found is not None
    assert np.array_equal(found.rows, [ADULT])
    assert comparison.anchors(anchors[:2]) is None
