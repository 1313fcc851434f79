"""What would help: how many more photos of somebody, in plain words."""

from collections.abc import Sequence

import numpy as np
import pytest
from cohorts import cohort, random_units
from hypothesis import example, given
from hypothesis import strategies as st
from makers import unit
from photographed import ADA, BOB, person

from node.domain import Vector
from node.people import advice
from node.people.advice import CHILDLIKE_USUAL, Need, advise, need, sentence
from node.people.matcher import Score
from node.people.person import Person
from node.people.selftest import Stranger, examine


def lines(people: Sequence[Person], threshold: float, strangers: Sequence[Stranger] = ()) -> tuple[str, ...]:
    """Return the advice for these people by the cosine alone."""
    needs = [need(each, "s", threshold) for each in people]
    return advise(examine(people, "s", threshold), needs, strangers)


def spread(name: str, count: int, cosine: float, seed: int = 0) -> Person:
    """Return a person with photos of which every two have the same cosine."""
    middle, *rest = np.linalg.qr(np.random.default_rng(seed).standard_normal((count + 1, count + 1)))[0]
    faces = [np.sqrt(cosine) * middle + np.sqrt(1 - cosine) * other for other in rest]
    return person(name, *(face.astype(np.float32) for face in faces))


def test_people_with_enough_photos_that_recognize_each_other_need_nothing() -> None:
    """Three different photos are enough where each recognizes the others."""
    people = [spread("ada", 3, 0.7), spread("bob", 3, 0.7, seed=1)]
    assert [(each.views, each.more) for each in (need(one, "s", 0.5) for one in people)] == [(3, 0), (3, 0)]
    assert lines(people[:1], 0.5) == ()


def test_too_few_photos_are_counted() -> None:
    """The sentence says how many are there and how many would help."""
    for count, words in ((1, "ada: 1 face known: add 2 or more"), (2, "ada: 2 faces known: add 1 or more")):
        (line,) = lines([spread("ada", count, 0.7)], 0.5)
        assert line == f"{words} in another light and pose"


def test_photos_that_are_too_alike_count_as_one() -> None:
    """Four pictures of one moment recognize each other, and nothing else."""
    found = need(person("ada", *(unit(1, 0.01 * number, 0) for number in range(4))), "s", 0.5)
    assert (found.faces, found.views, found.more) == (4, 1, 2)
    assert sentence(found) == (
        "ada: 4 faces known, so alike that they count as 1: add 2 or more in another light and pose"
    )


def test_photos_that_seldom_recognize_each_other_ask_for_more() -> None:
    """Where one in three pairs does, five views are wanted: 1 - (1 - q)^5 is above 95 % for the q of this person."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.9, 0), unit(0, 0, 1))
    found = need(ada, "s", 0.5)
    q = (1 + 2 * np.interp(0.5, advice._COSINES, advice._SHARES)) / (3 + 2)  # noqa: SLF001 - the table is the rule
    assert found.recognized == pytest.approx(1 - (1 - q) ** 3)
    assert found.views + found.more == int(np.ceil(np.log(0.05) / np.log(1 - q)))
    assert "recognize about 9 of 10 looks: add 1 or more" in str(sentence(found))


def test_at_most_five_more_are_asked_for_at_once() -> None:
    """Somebody whose photos never recognize each other is asked again when there are more."""
    assert need(person("ada", *random_units(5, 64)), "s", 0.9).more == 5


def test_a_child_gets_the_advice_in_plain_words() -> None:
    """The words say why, what to do, and that a child changes; nothing else is said about the person."""
    mia = spread("mia", 3, 0.8)
    children = cohort(*(anchor.embedding for anchor in mia.anchors), nearest=3)
    found = need(mia, "s", 0.1, children)
    assert found.childlike
    line = str(sentence(found))
    assert line.startswith("mia: 3 faces known; to the network this face is like many others, as children's faces are")
    assert f"add {found.more} or more from other days, and for a child new ones every year" in line
    assert "facenode people add mia --event EVENT_ID" in line


@pytest.mark.parametrize(("usual", "childlike"), [(CHILDLIKE_USUAL - 0.01, False), (CHILDLIKE_USUAL + 0.01, True)])
def test_only_a_face_that_is_much_like_others_is_called_so(usual: float, *, childlike: bool) -> None:
    """By what is usual for it; without a cohort nobody is."""
    face = unit(1, 0)
    other = np.array([usual, np.sqrt(1 - usual**2)], np.float32)
    assert need(person("mia", face), "s", 0.1, cohort(other)).childlike is childlike
    assert not need(person("mia", face), "s", 0.1).childlike


def test_somebody_without_a_comparable_photo_needs_the_first_ones() -> None:
    """Their photos are of another network."""
    found = need(person("ada", unit(1, 0), space="old"), "s", 0.5)
    assert found == Need("ada", 0, 0, 3, 0.0, childlike=False)
    assert sentence(found) == "ada: 0 faces known: add 3 or more in another light and pose"


VECTORS = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6)


@example(seeds=[0], threshold=0.9999999999999999, alike=False)
@given(seeds=VECTORS, threshold=st.floats(-1, 1), alike=st.booleans())
def test_every_need_is_within_its_bounds(seeds: list[int], threshold: float, *, alike: bool) -> None:
    """For all photos and thresholds: no more views than faces, and a share of looks from 0 to 1."""
    faces: list[Vector] = [random_units(1, 5, seed)[0] for seed in seeds]
    some = cohort(*random_units(4, 5, 1), nearest=2) if alike else None
    found = need(person("ada", *faces), "s", threshold, some)
    assert 1 <= found.views <= found.faces == len(seeds)
    assert 0 <= found.more <= 5
    assert 0 <= found.recognized <= 1
    assert found.views + found.more >= min(3, found.views + 5)
    assert (sentence(found) is None) is (found.more == 0)


def test_a_face_that_the_others_do_not_recognize_is_named() -> None:
    """With its photo and its margin."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.6, 0), unit(1, -0.6, 0), unit(1, 0, 3))
    assert any(
        line.startswith("ada: 3.jpg is not recognized by the other photos (-0.18)") for line in lines([ada], 0.5)
    )


def test_a_face_taken_for_somebody_else_is_named_and_so_are_both_people() -> None:
    """A photo of bob among those of ada is the worst error in a gallery."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 0.1), unit(0.1, 1, 0))
    said = lines([ada, BOB], 0.5)
    assert any(line.startswith("ada: 3.jpg is taken for bob") for line in said)
    assert any(
        line.startswith("ada and bob look alike to the network (+0.") and "3.jpg and 0.jpg" in line for line in said
    )


def test_two_people_above_the_threshold_are_named_even_if_every_face_is_recognized() -> None:
    """A face between the two could get either name."""
    carl = person("carl", unit(1, 0, 0.6), unit(1, 0, 0.7), unit(1, 0, 0.8))
    report = examine([ADA, BOB, carl], "s", 0.8)
    assert all(row.recognized == 3 for row in report.people)
    assert sum(line.startswith("ada and carl look alike") for line in lines([ADA, BOB, carl], 0.8)) == 1


def test_a_face_without_a_score_is_named_without_one() -> None:
    """It is nearer to a rejected face than to ada's own."""
    ada = person("ada", unit(1, 0, 0), unit(1, 0.1, 0), unit(1, 0, 1), negatives=(unit(1, 0, 1.1),))
    assert any(line.startswith("ada: 2.jpg is not recognized by the other photos:") for line in lines([ada], 0.5))


def test_faces_of_another_network_need_attention() -> None:
    """They must be added again."""
    said = lines([ADA, person("bob", unit(1, 0), space="old")], 0.5)
    assert any("bob: 1 face enrolled with another network" in line for line in said)


def test_only_a_stranger_who_is_named_needs_attention() -> None:
    """The line has the photo, the name and the margin."""
    people = [spread("ada", 3, 0.7)]
    strangers = (Stranger("a.jpg", "ada", Score(0.61, 0.11)), Stranger("b.jpg", "bob", Score(0.41, -0.09)))
    (line,) = lines(people, 0.5, strangers)
    assert line.startswith("a.jpg: a stranger is called ada (+0.11)")
