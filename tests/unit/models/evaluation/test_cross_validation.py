"""Cross-validation on embeddings made by hand."""

from pathlib import Path

import numpy as np
import pytest

from models.arrays import Array, unit_rows
from models.data.samples import Sample
from models.evaluation.cross_validation import five_fold, person_left_out
from models.evaluation.figure import Figure
from models.evaluation.predictions import Predictions

PEOPLE = (
    *((f"y{number}", "young", group) for number, group in enumerate(("asian", "black", "white"))),
    *((f"s{number}", "senior", group) for number, group in enumerate(("asian", "black", "white"))),
)


def _predictions(embeddings: Array, pictures: int) -> Predictions:
    samples = tuple(
        Sample(Path("a"), "train", person, age, ethnicity) for person, age, ethnicity in PEOPLE for _ in range(pictures)
    )
    return Predictions(samples, {"embedding": unit_rows(embeddings)}, 0)


def _shares(figures: list[Figure]) -> dict[str, tuple[float, int]]:
    return {figure.figure: (figure.value, figure.n) for figure in figures}


def test_distinct_people_and_their_groups_are_all_recognised() -> None:
    """With six people on axes of their own, the other folds predict every picture."""
    predictions = _predictions(np.repeat(np.eye(6, dtype=np.float32), 10, axis=0), 10)
    whole = {"identity": (1.0, 60), "age": (1.0, 60), "ethnicity": (1.0, 60)}
    groups = {f"identity: {group}": (1.0, 20) for group in ("asian", "black", "white")}
    assert _shares(five_fold(predictions)) == whole | groups


def test_accuracy_by_memorised_people_is_lost_when_they_are_left_out() -> None:
    """With each of the same six left out, an axis of its own says nothing about the age: at most chance level."""
    predictions = _predictions(np.repeat(np.eye(6, dtype=np.float32), 10, axis=0), 10)
    shares = _shares(person_left_out(predictions))
    assert set(shares) == {"age", "ethnicity"}
    assert shares["age"][0] <= 0.5
    assert shares["ethnicity"][0] <= 0.34


def test_what_the_face_shows_is_predicted_for_a_person_left_out() -> None:
    """One channel shows the age group of anyone, so it is predicted for people who were left out."""
    faces = np.repeat(np.eye(7, dtype=np.float32)[:6], 10, axis=0)
    faces[:, 6] = np.where(np.arange(60) < 30, 2.0, -2.0)
    assert _shares(person_left_out(_predictions(faces, 10)))["age"] == (1.0, 60)


def test_no_picture_is_both_fitted_and_measured() -> None:
    """A person with a single picture is in no other fold, so is never named."""
    samples = tuple(Sample(Path("a"), "train", person, "young", "asian") for person in ("a", "b", *["c"] * 5))
    faces = np.eye(3, dtype=np.float32)[[0, 1, 2, 2, 2, 2, 2]]
    identity = five_fold(Predictions(samples, {"embedding": faces}, 0))[0]
    assert identity.n == 7
    assert identity.value == pytest.approx(5 / 7)
