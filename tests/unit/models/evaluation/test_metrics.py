"""The figures of an evaluation, against cases worked by hand."""

import numpy as np
import pytest

from models.evaluation.metrics import recalls, tar_at_far, threshold_at, tpir_at_fpir, verification, wilson


def test_wilson_interval_of_a_half() -> None:
    """The interval is the one of Wilson's formula: 5 of 10 gives .237 to .763 (tolerance .0005)."""
    share = wilson(5, 10)
    assert share.value == 0.5
    assert share.low == pytest.approx(0.2366, abs=5e-4)
    assert share.high == pytest.approx(0.7634, abs=5e-4)


def test_wilson_interval_stays_inside_at_the_ends() -> None:
    """83 of 83 is not certainty: the lower end is n / (n + z^2) = .9558 (tolerance .0005), the upper end exactly 1."""
    share = wilson(83, 83)
    assert share.high == 1.0
    assert share.low == pytest.approx(83 / (83 + 1.96**2), abs=5e-4)
    assert wilson(0, 83).low == 0.0


def test_a_share_of_nothing_is_refused() -> None:
    """A figure needs at least one case."""
    with pytest.raises(ValueError, match="at least one"):
        wilson(0, 0)


def test_verification_of_separable_pairs_is_perfect() -> None:
    """If each same pair scores above each other pair, the threshold of each fold separates them."""
    scores = np.array([0.9, 0.8, 0.7, 0.95] * 5 + [0.1, 0.2, 0.3, 0.0] * 10)
    same = np.array([True] * 20 + [False] * 40)
    assert verification(scores, same) == 1.0


def test_verification_is_balanced() -> None:
    """With equal scores, one kind is all right and the other all wrong: one half, whatever the numbers."""
    assert verification(np.full(60, 0.5), np.array([True] * 20 + [False] * 40)) == 0.5


def test_verification_chooses_its_threshold_on_the_other_folds() -> None:
    """The pairs held out do not move the threshold: the outlier of one of two folds is an error."""
    scores = np.array([0.9, 0.9, 0.1, 0.9, 0.2, 0.2, 0.2, 0.2])
    same = np.array([True] * 4 + [False] * 4)
    # Folds of two: fold 0 holds same 0.9 and 0.1, fold 1 same 0.9 and 0.9; the thresholds lie at 0.55 and at 0.55.
    assert verification(scores, same, folds=2) == pytest.approx((0.75 + 1.0) / 2)


def test_a_threshold_accepts_no_more_impostors_than_the_rate() -> None:
    """Of 100 impostors, a rate of 2 % accepts two and a rate of .1 % none."""
    impostors = np.arange(100) / 100
    assert int(np.sum(impostors >= threshold_at(impostors, 0.02))) == 2
    assert int(np.sum(impostors >= threshold_at(impostors, 0.001))) == 0


def test_true_accept_rate_at_a_false_accept_rate() -> None:
    """With impostors .00 to .99 and a rate of 1 %, the threshold is just above .98: two of four genuine pairs pass."""
    impostors = np.arange(100) / 100
    assert tar_at_far(np.array([0.5, 0.98, 0.99, 1.0]), impostors, 0.01) == 0.5


def test_identification_needs_the_right_person_and_the_threshold() -> None:
    """A probe counts if the nearest person is the true one and the score is above that of most strangers."""
    nearest, right = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])
    scores = np.array([0.9, 0.3, 0.9, 0.8])
    strangers = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    assert tpir_at_fpir(nearest, scores, right, strangers, rate=0.0) == 0.5  # the second is too weak, the third wrong
    assert tpir_at_fpir(nearest, scores, right, strangers, rate=0.6) == 0.75


def test_recall_of_each_class() -> None:
    """A class's recall is over its own cases; a class without cases has none."""
    found = recalls(["a", "b", "b", "a"], ["a", "a", "b", "a"], ["a", "b", "c"])
    assert {label: (share.value, share.n) for label, share in found.items()} == {
        "a": (pytest.approx(2 / 3), 3),
        "b": (1.0, 1),
    }
