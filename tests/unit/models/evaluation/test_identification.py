"""Verification and identification, on predictions made by hand."""

from pathlib import Path

import numpy as np
import pytest
from cohorts import cohort

from models.arrays import Array, unit_rows
from models.data.samples import Pair, Sample
from models.errors import TrainingError
from models.evaluation.figure import Figure
from models.evaluation.identification import closed_set, noisy_open_set, open_set, search, similarities, verify
from models.evaluation.predictions import Predictions
from models.evaluation.scoring import Decision, Scoring
from node.vision.sidecar import ClassificationHead, load_sidecar

ZOO = Path(__file__).resolve().parents[4] / "models" / "zoo"
DATA = "lfw_people val, 12 people from 5 photos"


@pytest.fixture(scope="module")
def decision() -> Decision:
    """Return how the default network decides by the cosine alone."""
    return Decision(load_sidecar(ZOO / "mobilefacenet.float32.json"))


def _predictions(people: list[str], embeddings: Array) -> Predictions:
    samples = tuple(Sample(Path(f"{number}.jpg"), "val", person) for number, person in enumerate(people))
    return Predictions(samples, {"embedding": unit_rows(embeddings)}, 0)


def _people(count: int, pictures: int) -> Predictions:
    """Return people whose pictures all point along an axis of their own."""
    names = [f"p{number:02}" for number in range(count) for _ in range(pictures)]
    return _predictions(names, np.repeat(np.eye(count + 1, dtype=np.float32)[:count], pictures, axis=0))


def _found(figures: list[Figure]) -> dict[tuple[str, str], Figure]:
    return {(figure.data, figure.figure): figure for figure in figures}


def test_distinct_people_are_all_identified(decision: Decision) -> None:
    """Twelve people on axes of their own are all named, and no stranger on another axis is."""
    people = _people(14, 7)
    strangers = _predictions(["s"], np.eye(15, dtype=np.float32)[14:])
    found = _found(open_set(people, strangers, decision))
    for figure in ("rank-1", "TPIR at FPIR 1 %", "TPIR at FPIR 0.1 %", "TPIR at the shipped threshold"):
        assert (found[DATA, figure].value, found[DATA, figure].n) == (1.0, 24)
    named = found[DATA, "strangers of lfw_people val called by a name at the shipped threshold"]
    assert (named.value, named.n) == (0, 14)


def test_a_look_alike_counts_as_a_named_stranger(decision: Decision) -> None:
    """A stranger with the face of an enrolled person is counted as named."""
    people = _people(12, 6)
    strangers = _predictions(["s", "t"], np.eye(13, dtype=np.float32)[[0, 12]])
    with pytest.raises(ValueError, match="at least one"):
        open_set(people, strangers, decision)  # nobody of the split is left over as a stranger
    people = _people(13, 6)
    strangers = _predictions(["s", "t"], np.eye(14, dtype=np.float32)[[0, 13]])
    found = _found(open_set(people, strangers, decision))
    assert found[DATA, "strangers of lfw9/unknown test called by a name at the shipped threshold"].value == 0.5


def test_enrolment_must_leave_probes(decision: Decision) -> None:
    """With five pictures per person nothing can be measured, which is an error."""
    with pytest.raises(TrainingError, match="leaves no probe"):
        open_set(_people(13, 5), _people(13, 1), decision)


def test_the_probes_do_not_depend_on_the_number_of_photos() -> None:
    """So figures for different numbers of photos can be compared."""
    people, strangers = _people(13, 8), _predictions(["s"], np.eye(14, dtype=np.float32)[13:])
    one, five = (search(people, strangers, photos) for photos in (1, 5))
    assert len(one.scores) == len(five.scores) == 12 * 3
    # With the first picture turned away one photo finds nobody where five still do.
    turned = people.embeddings.copy()
    turned[::8] = np.eye(14, dtype=np.float32)[13]
    apart = Predictions(people.samples, {"embedding": turned}, 0)
    assert search(apart, strangers, 1).scores.max() == 0.0
    assert search(apart, strangers, 5).scores.min() == pytest.approx(1.0)


def test_pairs_are_compared_by_their_cosine() -> None:
    """Same pairs on one axis and other pairs on two are separated perfectly."""
    people = _people(20, 2)
    path = [sample.path for sample in people.samples]
    same = [Pair(path[2 * k], path[2 * k + 1], same=True) for k in range(20)]
    other = [Pair(path[2 * k], path[(2 * k + 2) % 40], same=False) for k in range(20)]
    found = _found(verify(similarities(people, [*same, *other])))
    assert found["lfw_people val", "verification, 10-fold balanced"] == Figure(
        "lfw_people val", "verification, 10-fold balanced", 1.0, 40
    )
    assert found["lfw_people val", "TAR at FAR 0.1 %"].value == 1.0


def test_a_cohort_lowers_the_score_of_faces_that_are_like_many() -> None:
    """A row of the cohort on the axis of the first person takes 1 from their score with themselves, and 0 from others.

    Half of it is taken for the probe and half for the anchor.
    """
    people, strangers = _people(13, 6), _predictions(["s"], np.eye(14, dtype=np.float32)[13:])
    scoring = Scoring(cohort(np.eye(14, dtype=np.float32)[0], nearest=1, weight=1.0))
    found = search(people, strangers, scoring=scoring)
    assert found.scores == pytest.approx([0.0, *[1.0] * 11])
    path = [sample.path for sample in people.samples]
    pairs = [Pair(path[0], path[1], same=True), Pair(path[6], path[7], same=True), Pair(path[0], path[6], same=False)]
    assert similarities(people, pairs, scoring).same == pytest.approx([0.0, 1.0])
    assert similarities(people, pairs, scoring).other == pytest.approx([-0.5])


def test_noisy_probes_are_compared_with_clean_photos(decision: Decision) -> None:
    """Views that show nobody enrolled are recognized never, and the clean photos stay enrolled."""
    people, strangers = _people(13, 6), _predictions(["s"], np.eye(14, dtype=np.float32)[13:])
    nobody = Predictions(people.samples, {"embedding": np.eye(14, dtype=np.float32)[[13] * 78]}, 0)
    noisy = f"{DATA}, small and noisy probes"
    name = "TPIR at the shipped threshold"
    assert _found(noisy_open_set(people, people, strangers, decision))[noisy, name].value == 1
    assert _found(noisy_open_set(people, nobody, strangers, decision))[noisy, name].value == 0


def test_the_closed_set_names_only_above_its_reject_score() -> None:
    """Of three probes of known people one is too weak and one wrong; of two strangers one reaches the score."""
    people = tuple(Sample(Path("a"), "test", person) for person in ("ada", "ada", "bob"))
    scores = np.array([[0.95, 0.05], [0.6, 0.4], [0.99, 0.01]], dtype=np.float32)
    others = np.array([[0.5, 0.5], [0.92, 0.08]], dtype=np.float32)
    strangers = Predictions((Sample(Path("s"), "test"), Sample(Path("t"), "test")), {"identity": others}, 0)
    known = Predictions(people, {"identity": scores}, 0)
    named, mistaken = closed_set(known, strangers, ClassificationHead(labels=("ada", "bob"), reject=0.9))
    assert named.value == pytest.approx(1 / 3)
    assert named.n == 3
    assert (mistaken.value, mistaken.n) == (0.5, 2)
