"""Groups of the inbox: faces of one person together, the most useful group first."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from makers import unit
from review_scene import SAME, THRESHOLD, ReviewScene
from samples import sample

from node.domain import Flaw
from node.people.likeness import UNCERTAIN, Comparison
from node.review.grouping import Use, linked

ADA, EVE, BOB = unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1)


@pytest.fixture
def scene(tmp_path: Path) -> ReviewScene:
    """Return an empty inbox of a node that knows Ada."""
    made = ReviewScene(tmp_path)
    made.gallery.add("ada", None, "s", [sample(1, 0, 0)])
    return made


def uses(scene: ReviewScene) -> list[tuple[Use, int]]:
    """Return the use and the size of each group."""
    return [(group.use, len(group.entries)) for group in scene.actions.groups(scene.compare)]


def at_cosine(cosine: float) -> np.ndarray:  # type: ignore[type-arg]
    """Return a face with this cosine to Ada's."""
    return unit(cosine, float(np.sqrt(1 - cosine**2)), 0)


def test_the_most_useful_groups_come_first(scene: ReviewScene) -> None:
    """Strangers seen several times, the most often seen first; uncertain names; the rest; what was unusable."""
    scene.visit(ADA, flaws=(Flaw.BLUR,), looks=6)
    scene.visit(ADA, "ada")
    scene.visit(at_cosine(THRESHOLD + UNCERTAIN / 2), "ada")
    for _ in range(2):
        scene.visit(EVE)
    for _ in range(3):
        scene.visit(unit(0, 0, -1))
    scene.visit(unit(0, -1, 0))
    assert uses(scene) == [
        (Use.STRANGER_AGAIN, 3),
        (Use.STRANGER_AGAIN, 2),
        (Use.UNCERTAIN, 2),
        (Use.OTHER, 1),
        (Use.UNUSABLE, 1),
    ]


@pytest.mark.parametrize(
    ("cosine", "person", "use"),
    [
        (THRESHOLD + UNCERTAIN / 2, "ada", Use.UNCERTAIN),
        (1.0, "ada", Use.OTHER),
        (THRESHOLD - UNCERTAIN / 2, None, Use.UNCERTAIN),
        (THRESHOLD - UNCERTAIN * 1.5, None, Use.OTHER),
        (1.0, "bob", Use.UNCERTAIN),
    ],
)
def test_a_close_call_is_uncertain(scene: ReviewScene, cosine: float, person: str | None, use: Use) -> None:
    """A name that was nearly not given, one that nearly was, and one that is nearer to somebody else now."""
    scene.visit(at_cosine(cosine), person)
    assert uses(scene) == [(use, 1)]


def test_one_face_under_two_names_is_uncertain(scene: ReviewScene) -> None:
    """One of the two is wrong."""
    scene.visit(BOB, "bob")
    scene.visit(BOB)
    assert uses(scene) == [(Use.UNCERTAIN, 2)]


def test_each_entry_says_who_is_nearest_and_by_how_much(scene: ReviewScene) -> None:
    """The score to within 1e-6, and the distance from a name; nobody without people."""
    scene.visit(at_cosine(0.5))
    ((compared,),) = (group.entries for group in scene.actions.groups(scene.compare))
    assert compared.nearest is not None
    assert compared.nearest.person == "ada"
    assert compared.nearest.score == pytest.approx(0.5, abs=1e-6)
    assert compared.nearest.margin == pytest.approx(0.5 - THRESHOLD, abs=1e-6)
    ((alone,),) = (group.entries for group in scene.actions.groups(lambda _: None))
    assert (alone.nearest, alone.uncertain) == (None, False)


def cosine(threshold: float) -> Comparison:
    """Return the comparison by the cosine."""
    return Comparison("s", 4, threshold)


def test_a_pair_that_is_alike_by_chance_joins_no_groups() -> None:
    """Two people with several faces each stay apart if only one pair of faces is alike."""
    a, b = [unit(1, 0, 0, 0), unit(0.95, 0.3, 0, 0)], [unit(0, 0, 1, 0), unit(0, 0.0, 0.95, 0.3)]
    bridge = unit(0.6, 0, 0.75, 0)
    groups = linked([*a, *b, bridge], cosine(0.6))
    assert sorted(map(sorted, groups)) == [[0, 1], [2, 3, 4]]


@given(st.integers(0, 10_000), st.integers(0, 30), st.floats(-1, 1))
def test_every_face_is_in_one_group(seed: int, count: int, least: float) -> None:
    """Whatever the faces are; identical faces are together, and at the least score 1 only those."""
    rows = np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)
    faces = [unit(*row) for row in rows]
    groups = linked(faces + faces, cosine(least))
    assert sorted(number for group in groups for number in group) == list(range(2 * count))
    if least < 0.999:
        assert all((number + count in group) for group in groups for number in group if number < count)


def test_the_threshold_is_that_of_one_person() -> None:
    """Above it two faces are one group, below it two."""
    pair = [unit(1, 0), unit(SAME + 0.01, float(np.sqrt(1 - (SAME + 0.01) ** 2)))]
    assert len(linked(pair, cosine(SAME))) == 1
    assert len(linked(pair, cosine(SAME + 0.02))) == 2
    assert linked([], cosine(SAME)) == []
