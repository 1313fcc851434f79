"""How often a person's own photos recognize their other pictures, on predictions made by hand."""

from pathlib import Path

import numpy as np

from models.arrays import Array
from models.data.samples import Sample
from models.evaluation.predictions import Predictions
from models.evaluation.scoring import Decision
from models.evaluation.self_recognition import LOOKS, own_pictures_recognized
from node.vision.sidecar import load_sidecar

DECISION = Decision(load_sidecar(Path(__file__).resolve().parents[4] / "models" / "zoo" / "mobilefacenet.float32.json"))


def _predictions(embeddings: Array, people: list[str]) -> Predictions:
    samples = tuple(Sample(Path(f"{number}.jpg"), "val", person) for number, person in enumerate(people))
    return Predictions(samples, {"embedding": embeddings}, 0)


def test_pictures_after_the_fifth_are_probes() -> None:
    """Of a with seven pictures two are probes, one of them of another face; b has five and none."""
    people = ["a"] * 7 + ["b"] * 5
    faces = np.eye(3, dtype=np.float32)[[0] * 6 + [1] + [2] * 5]
    clean, *_ = own_pictures_recognized(_predictions(faces, people), [_predictions(faces, people)] * LOOKS, DECISION)
    assert (clean.value, clean.n) == (0.5, 2)


def test_several_looks_are_averaged() -> None:
    """A look at somebody else is not recognized alone, and is outvoted by two others."""
    people = ["a"] * 6
    faces = np.eye(2, dtype=np.float32)[[0] * 6]
    wrong = np.eye(2, dtype=np.float32)[[1] * 6]
    noisy = [_predictions(view, people) for view in (wrong, faces, faces)]
    _, one, three = own_pictures_recognized(_predictions(faces, people), noisy, DECISION)
    assert (one.value, three.value) == (0, 1)
    assert "one look" in one.figure
    assert f"{LOOKS} looks" in three.figure
