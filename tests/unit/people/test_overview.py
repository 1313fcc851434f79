"""The overview of everybody: how they are recognized, and which photos are weak or look like somebody else's."""

from pathlib import Path

import pytest
from cohorts import cohort
from makers import unit
from samples import sample

from node.people.gallery import Gallery
from node.people.likeness import Comparison
from node.people.overview import overview

LEAST = 0.8
NAMING = Comparison("s", 3, LEAST)


def test_each_photo_is_compared_with_its_own_and_with_everybody_else(tmp_path: Path) -> None:
    """Ada's third photo is like none of hers (weak), and Bob's only photo is like it. Tolerance: 1e-6."""
    gallery = Gallery(tmp_path)
    ada = gallery.add("ada", None, "s", [sample(1, 0, 0), sample(0.99, 0.1, 0), sample(0, 0, 1)])
    bob = gallery.add("bob", None, "s", [sample(0, 0.05, 1)])
    first, second = overview(gallery.load(), NAMING)
    flags = [(each.weak, each.alike) for each in first.photos.values()]
    assert [anchor.photo for anchor in ada.anchors] == list(first.photos)
    assert flags == [(False, False), (False, False), (True, True)]
    assert (first.recognized, first.incomparable) == (2, 0)
    assert first.other is not None
    assert (first.other.person, round(first.other.score, 2)) == ("bob", 1.0)
    (only,) = second.photos.values()
    assert list(second.photos) == [bob.anchors[0].photo]
    assert (only.own, only.weak, only.alike, second.recognized) == (None, False, True, 0)


def test_photos_of_another_network_are_counted_and_not_compared(tmp_path: Path) -> None:
    """They say nothing about anybody; one person alone looks like nobody else. Tolerance: 1e-6."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0, 0), sample(0.9, 0.1, 0)])
    gallery.add("ada", None, "old", [sample(1, 0, 0, 0)])
    (ada,) = overview(gallery.load(), NAMING)
    assert (len(ada.photos), ada.incomparable, ada.recognized, ada.other) == (2, 1, 2, None)
    own = next(iter(ada.photos.values())).own
    assert own is not None
    assert own.person == "ada"
    assert own.margin == pytest.approx(own.score - LEAST, abs=1e-6)
    assert overview((), NAMING) == ()


def test_photos_are_compared_by_the_score_that_decides(tmp_path: Path) -> None:
    """Two children at a cosine of 0.83 are not alike where a cohort says that children are: within 1e-6."""
    gallery = Gallery(tmp_path)
    gallery.add("kim", None, "s", [sample(1, 0.3, 0)])
    gallery.add("lou", None, "s", [sample(1, -0.3, 0)])
    cosine = overview(gallery.load(), NAMING)[0]
    normalized = overview(gallery.load(), Comparison("s", 3, LEAST, cohort(unit(1, 0, 0))))[0]
    assert cosine.other is not None
    assert normalized.other is not None
    assert [each.alike for each in cosine.photos.values()] == [True]
    assert [each.alike for each in normalized.photos.values()] == [False]
    assert normalized.other.score == pytest.approx(cosine.other.score, abs=1e-6)
    usual = float(unit(1, 0.3, 0)[0])
    assert normalized.other.margin == pytest.approx(normalized.other.score - usual - LEAST, abs=1e-6)
