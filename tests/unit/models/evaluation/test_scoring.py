"""The scores that decide, as evaluations compute them."""

from pathlib import Path

import numpy as np
import pytest
from cohorts import cohort, random_units

from models.evaluation.scoring import COSINE, SHIPPED_FPIR, Decision, Scoring
from node.people.matcher import Probe
from node.people.scoring import Scoring as NodeScoring
from node.vision.cohort import load_cohort
from node.vision.sidecar import load_sidecar

ZOO = Path(__file__).resolve().parents[4] / "models" / "zoo"
COHORT = cohort(*random_units(20, 16, seed=1), nearest=3, weight=0.8)


def test_without_a_cohort_the_score_is_the_cosine() -> None:
    """Of unit vectors that is the product."""
    left, right = random_units(4, 16, seed=2), random_units(3, 16, seed=3)
    assert COSINE.scores(left, right) == pytest.approx(left @ right.T, abs=1e-6)


def test_a_score_is_what_a_node_decides_by() -> None:
    """Tables, rows side by side and the node's own comparison agree (tolerance 1e-6)."""
    left, right = random_units(4, 16, seed=2), random_units(4, 16, seed=3)
    scores = Scoring(COHORT).scores(left, right)
    node = [[Probe.of(a, COHORT).score(Probe.of(b, COHORT)) for b in right] for a in left]
    assert scores == pytest.approx(np.array(node), abs=1e-6)
    assert Scoring(COHORT).paired(left, right) == pytest.approx(np.diag(scores), abs=1e-6)


@pytest.mark.parametrize("people", [1, 12, 200])
def test_a_decision_has_the_threshold_of_a_node(people: int) -> None:
    """With its cohort and without, it is that of the default rate."""
    path = ZOO / "mobilefacenet.float32.json"
    sidecar = load_sidecar(path)
    for found in (load_cohort(path.with_suffix(".tflite"), sidecar), None):
        node = NodeScoring.of(sidecar, found)
        assert Decision(sidecar, found).least(people) == node.thresholds.cosine(SHIPPED_FPIR, people)
