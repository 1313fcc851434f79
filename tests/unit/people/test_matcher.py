"""Matching: the nearest anchor decides, if it is near enough."""

import numpy as np
import pytest
from cohorts import cohort, random_units
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from makers import unit

from node.domain import Match, Vector
from node.people.matcher import GalleryMatcher, HeadMatcher, Probe
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


def test_a_margin_is_the_score_less_the_threshold() -> None:
    """Without a cohort the score is the cosine. A stranger's is negative, and the closed set has none."""
    probe = unit(1, -1)
    named, stranger = (GalleryMatcher((ADA,), "s", threshold).match(probe, {}) for threshold in (0.5, 0.8))
    assert named.margin == pytest.approx(np.sqrt(0.5) - 0.5, abs=1e-6)
    assert stranger.margin == pytest.approx(np.sqrt(0.5) - 0.8, abs=1e-6)
    head = HeadMatcher(ClassificationHead(labels=("ada", "bob"), reject=0.6))
    assert head.match(unit(1), {"identity": np.array([0.3, 0.7], np.float32)}).margin is None


def test_what_is_usual_for_both_faces_is_subtracted() -> None:
    """Ada's face is usual to 0.8, the probe to 0.6, each counts half; the score reported stays the cosine."""
    matcher = GalleryMatcher((person("ada", [unit(1, 0)], []),), "s", 0.0, cohort(unit(0.8, 0.6), weight=0.5))
    match = matcher.match(unit(0, 1), {})
    assert match.score == pytest.approx(0.0, abs=1e-6)
    assert match.margin == pytest.approx(0.0 - 0.5 * (0.8 + 0.6) / 2, abs=1e-6)


def test_the_higher_score_decides_not_the_higher_cosine() -> None:
    """Carl is nearer, but his kind of face is near to everybody of that kind."""
    ada, carl = person("ada", [unit(1, 0, 0.6)], []), person("carl", [unit(1, 0.5, 0)], [])
    probe, children = unit(1, 0.1, 0.1), cohort(unit(0.3, 1, 0))
    assert GalleryMatcher((ada, carl), "s", 0.0).match(probe, {}).person == "carl"
    match = GalleryMatcher((ada, carl), "s", 0.0, children).match(probe, {})
    assert match.person == "ada"
    assert match.score == pytest.approx(float(probe @ unit(1, 0, 0.6)), abs=1e-6)


def test_a_rejected_face_is_compared_by_its_score_too() -> None:
    """It is nearer than ada's own face, but only as near as faces of that kind are."""
    ada = person("ada", [unit(1, 0, 0.6)], [unit(1, 0.5, 0)])
    probe, children = unit(1, 0.1, 0.1), cohort(unit(0.3, 1, 0))
    assert GalleryMatcher((ada,), "s", 0.0).match(probe, {}).person is None
    assert GalleryMatcher((ada,), "s", 0.0, children).match(probe, {}).person == "ada"


def test_two_probes_are_scored_as_a_face_and_an_anchor_are() -> None:
    """The same formula tells whether two strangers are one."""
    a, b = random_units(2, 6)
    some = cohort(*random_units(9, 6, 1), nearest=3, weight=0.7)
    margin = GalleryMatcher((person("ada", [a], []),), "s", 0.0, some).match(b, {}).margin
    assert Probe.of(a, some).score(Probe.of(b, some)) == pytest.approx(margin, abs=1e-6)
    assert Probe.of(a, None).score(Probe.of(b, None)) == pytest.approx(float(a @ b), abs=1e-6)


def test_what_an_anchor_has_computed_is_not_computed_again() -> None:
    """It comes from a file; here it is another number, so that one sees which counts."""
    ada = Person("ada", "Ada", (Anchor(unit(1, 0), "s", "a", usual=0.25),))
    match = GalleryMatcher((ada,), "s", 0.0, cohort(unit(0, 1))).match(unit(1, 0), {})
    assert match.margin == pytest.approx(1 - 0.25 / 2, abs=1e-6)


VECTORS = (
    arrays(np.float32, 3, elements=st.floats(-1, 1, width=16))
    .filter(lambda v: np.linalg.norm(v) > 0.1)
    .map(lambda v: unit(*v))
)


@given(
    people=st.lists(st.tuples(st.lists(VECTORS, max_size=3), st.lists(VECTORS, max_size=2)), max_size=4),
    probe=VECTORS,
    threshold=st.floats(-1, 1),
    others=st.lists(VECTORS, max_size=3),
)
def test_the_matcher_agrees_with_a_plain_implementation(
    people: list[tuple[list[Vector], list[Vector]]], probe: Vector, threshold: float, others: list[Vector]
) -> None:
    """The rule again, in loops: candidates, nearest, threshold; with and without a cohort. Scores within 1e-5."""

    def usual(vector: Vector) -> float:
        return max((float(vector @ other) for other in others), default=0.0)

    def score(anchor: Anchor) -> float:
        return float(anchor.embedding @ probe) - (usual(anchor.embedding) + usual(probe)) / 2

    everybody = [person(f"p{number}", *own) for number, own in enumerate(people)]
    candidates = {}
    for each in everybody:
        near = max(map(score, each.anchors), default=-9.0)
        against = max(map(score, each.negatives), default=-8.0)
        if abs(near - against) < 1e-5:
            return  # rounding decides
        if near > against:
            candidates[each.id] = near
    match = GalleryMatcher(everybody, "s", threshold, cohort(*others) if others else None).match(probe, {})
    if not candidates:
        assert match == Match(None, 0.0)
        return
    best = max(candidates.values())
    assert match.margin == pytest.approx(best - threshold, abs=1e-5)
    if abs(best - threshold) > 1e-5:
        assert (match.person is not None) == (best >= threshold)
    if match.person is not None:
        assert candidates[match.person] == pytest.approx(best, abs=1e-5)
        own = next(each for each in everybody if each.id == match.person)
        nearest = max(float(anchor.embedding @ probe) for anchor in own.anchors)
        assert match.score == pytest.approx(nearest, abs=1e-5)
