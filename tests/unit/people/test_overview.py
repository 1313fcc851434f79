"""The overview of everybody: how they are recognized, and which photos are weak or look like somebody else's."""

from pathlib import Path

from samples import sample

from node.people.gallery import Gallery
from node.people.likeness import Nearest
from node.people.overview import overview

LEAST = 0.8


def test_each_photo_is_compared_with_its_own_and_with_everybody_else(tmp_path: Path) -> None:
    """Ada's third photo is like none of hers (weak), and Bob's only photo is like it. Tolerance: 1e-6."""
    gallery = Gallery(tmp_path)
    ada = gallery.add("ada", None, "s", [sample(1, 0, 0), sample(0.99, 0.1, 0), sample(0, 0, 1)])
    bob = gallery.add("bob", None, "s", [sample(0, 0.05, 1)])
    first, second = overview(gallery.load(), "s", LEAST)
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
    """They say nothing about anybody; one person alone looks like nobody else."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0), sample(0.9, 0.1)])
    gallery.add("ada", None, "old", [sample(1, 0, 0, 0)])
    (ada,) = overview(gallery.load(), "s", LEAST)
    assert (len(ada.photos), ada.incomparable, ada.recognized, ada.other) == (2, 1, 2, None)
    own = next(iter(ada.photos.values())).own
    assert own is not None
    assert own == Nearest("ada", own.score, own.score - LEAST)
    assert overview((), "s", LEAST) == ()
