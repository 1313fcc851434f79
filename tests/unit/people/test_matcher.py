"""Matching: the nearest anchor decides, if it is near enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from makers import unit

from node.domain import Match, Vector
from node.people.matcher import GalleryMatcher, HeadMatcher
from node.people.person import Anchor, Person
from node.vision.sidecar import ClassificationHead

ADA = Person("ada", "Ada", (Anchor(unit(1, 0), "s", "a"), Anchor(unit(1, 1), "s", "b")))


def test_an_empty_gallery_knows_nobody() -> None:
    """After a fresh installation everybody is a stranger."""
    assert GalleryMatcher((), "s", 0.3).match(unit(1, 0), {}) == Match(None, 0.0)


def test_the_nearest_anchor_decides_not_the_mean() -> None:
    """One good photo is enough."""
    match = GalleryMatcher((ADA,), "s", 0.99).match(unit(1, 1), {})
    assert match.person == "ada"
    assert match.score == pytest.approx(1.0, abs=1e-6)


def test_a_score_below_the_threshold_is_a_stranger_and_keeps_its_score() -> None:
    """A score equal to the threshold names the person."""
    probe = unit(1, -1)
    assert GalleryMatcher((ADA,), "s", 0.71).match(probe, {}).person is None
    assert GalleryMatcher((ADA,), "s", 0.70).match(probe, {}).person == "ada"


def test_anchors_of_another_space_are_ignored() -> None:
    """Embeddings of two networks cannot be compared."""
    assert GalleryMatcher((ADA,), "t", -1.0).match(unit(1, 0), {}).person is None


def test_the_closed_set_rejects_below_its_score() -> None:
    """`head` names its best label only if the score reaches the reject score."""
    matcher = HeadMatcher(ClassificationHead(labels=("ada", "bob"), reject=0.6))
    assert matcher.match(unit(1), {"identity": np.array([0.3, 0.7], np.float32)}).person == "bob"
    assert matcher.match(unit(1), {"identity": np.array([0.5, 0.5], np.float32)}).person is None


def person(name: str, anchors: list[Vector], negatives: list[Vector], *, ignored: bool = False) -> Person:
    """Return a person with these faces."""
    known, against = (tuple(Anchor(vector, "s", "p") for vector in own) for own in (anchors, negatives))
    return Person(name, name, known, ignored, against)


def test_a_person_with_a_nearer_negative_anchor_is_not_a_candidate() -> None:
    """A rejected face no longer matches ada; her own face still does."""
    ada = person("ada", [unit(1, 0)], [unit(1, 1)])
    matcher = GalleryMatcher((ada,), "s", 0.3)
    assert matcher.match(unit(1, 0.9), {}) == Match(None, 0.0)
    assert matcher.match(unit(1, 0.1), {}).person == "ada"


def test_the_next_person_is_considered_and_must_reach_the_threshold_too() -> None:
    """Rejecting ada gives bob only if bob is near enough himself."""
    ada = person("ada", [unit(1, 0.8, 0)], [unit(1, 1, 0)])
    bob = person("bob", [unit(1, 0, 1)], [], ignored=True)
    probe = unit(1, 1, 0)
    for threshold, named in ((0.4, "bob"), (0.6, None)):
        match = GalleryMatcher((ada, bob), "s", threshold).match(probe, {})
        assert (match.person, match.ignored) == (named, named == "bob")
        assert match.score == pytest.approx(0.5, abs=1e-6)


def test_a_tie_between_an_anchor_and_a_negative_anchor_names_nobody() -> None:
    """An anchor must be nearer, not just as near."""
    ada = person("ada", [unit(1, 0)], [unit(1, 0)])
    assert GalleryMatcher((ada,), "s", 0.3).match(unit(1, 0), {}).person is None


def test_rejected_faces_of_another_network_are_ignored() -> None:
    """Their embeddings cannot be compared."""
    ada = Person("ada", "Ada", ADA.anchors, negatives=(Anchor(unit(1, 0), "t", "x"),))
    assert GalleryMatcher((ada,), "s", 0.3).match(unit(1, 0), {}).person == "ada"


VECTORS = (
    arrays(np.float32, 3, elements=st.floats(-1, 1, width=16))
    .filter(lambda v: np.linalg.norm(v) > 0.1)
    .map(lambda v: unit(*v))
)


@given(
    people=st.lists(st.tuples(st.lists(VECTORS, max_size=3), st.lists(VECTORS, max_size=2)), max_size=4),
    probe=VECTORS,
    threshold=st.floats(-1, 1),
)
def test_the_matcher_agrees_with_a_plain_implementation(
    people: list[tuple[list[Vector], list[Vector]]], probe: Vector, threshold: float
) -> None:
    """The rule again, in loops: candidates, nearest, threshold. Scores within 1e-5."""
    everybody = [person(f"p{number}", *own) for number, own in enumerate(people)]
    candidates = {}
    for each in everybody:
        near = max((float(a.embedding @ probe) for a in each.anchors), default=-9.0)
        against = max((float(a.embedding @ probe) for a in each.negatives), default=-8.0)
        if abs(near - against) < 1e-5:
            return  # rounding decides
        if near > against:
            candidates[each.id] = near
    match = GalleryMatcher(everybody, "s", threshold).match(probe, {})
    best = max(candidates.values(), default=0.0)
    assert match.score == pytest.approx(best, abs=1e-5)
    if abs(best - threshold) > 1e-5:
        assert (match.person is not None) == (bool(candidates) and best >= threshold)
    if match.person is not None:
        assert candidates[match.person] == pytest.approx(best, abs=1e-5)
