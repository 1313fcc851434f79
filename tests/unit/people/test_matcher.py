"""Matching: the nearest anchor names, and only if it is near enough."""

import numpy as np
import pytest
from makers import unit

from node.domain import Match
from node.people.matcher import GalleryMatcher, HeadMatcher
from node.people.person import Anchor, Person
from node.vision.sidecar import Classes

ADA = Person("ada", "Ada", (Anchor(unit(1, 0), "s", "a"), Anchor(unit(1, 1), "s", "b")))


def test_an_empty_gallery_knows_nobody() -> None:
    """A fresh install calls everybody a stranger."""
    assert GalleryMatcher((), "s", 0.3).match(unit(1, 0), {}) == Match(None, 0.0)


def test_the_nearest_anchor_decides_not_the_mean() -> None:
    """One good photo is enough."""
    match = GalleryMatcher((ADA,), "s", 0.99).match(unit(1, 1), {})
    assert match.person == "ada"
    assert match.score == pytest.approx(1.0, abs=1e-6)


def test_a_score_below_the_threshold_is_a_stranger_and_keeps_its_score() -> None:
    """The threshold itself still names."""
    probe = unit(1, -1)
    assert GalleryMatcher((ADA,), "s", 0.71).match(probe, {}).person is None
    assert GalleryMatcher((ADA,), "s", 0.70).match(probe, {}).person == "ada"


def test_anchors_of_another_space_are_left_out() -> None:
    """Embeddings of two networks cannot be compared."""
    assert GalleryMatcher((ADA,), "t", -1.0).match(unit(1, 0), {}).person is None


def test_the_closed_set_rejects_below_its_score() -> None:
    """`head` names its best label only from the reject score on."""
    matcher = HeadMatcher(Classes(labels=("ada", "bob"), reject=0.6))
    assert matcher.match(unit(1), {"identity": np.array([0.3, 0.7], np.float32)}).person == "bob"
    assert matcher.match(unit(1), {"identity": np.array([0.5, 0.5], np.float32)}).person is None
