"""A network's cohort: measured, written beside it, and read by a node."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from models.arrays import unit_rows
from models.data.samples import Sample
from models.errors import TrainingError
from models.evaluation.predictions import Predictions
from models.exporting.cohort import write_cohort
from models.exporting.cohort_thresholds import SIZES, CohortPredictions, MeasuredCohort, measured_cohort
from node.contract import schema
from node.vision.cohort import load_cohort
from node.vision.sidecar import load_sidecar

ZOO = Path(__file__).resolve().parents[4] / "models" / "zoo"
LENGTH = 192


def _faces(count: int, seed: int, axis: int = 0) -> Predictions:
    """Return pictures of adults who look a little like each other: an axis and noise."""
    rng = np.random.default_rng(seed)
    noise = unit_rows(rng.normal(size=(count, LENGTH)).astype(np.float32))
    embeddings = unit_rows(noise + 0.6 * np.eye(LENGTH, dtype=np.float32)[axis])
    sample = Sample(Path("a.jpg"), "train", ethnicity="asian", gender="female", years=30)
    return Predictions((sample,) * count, {"embedding": embeddings}, 0)


def _people(count: int, pictures: int, seed: int) -> Predictions:
    embeddings = unit_rows(np.random.default_rng(seed).normal(size=(count * pictures, LENGTH)).astype(np.float32))
    samples = tuple(
        Sample(Path("a.jpg"), "val", f"{seed}-{number:03}") for number in range(count) for _ in range(pictures)
    )
    return Predictions(samples, {"embedding": embeddings}, 0)


@pytest.fixture(scope="module")
def found() -> CohortPredictions:
    """Return predictions for people of LFW who have nothing in common, and of one group who have."""
    return CohortPredictions(
        exact=_faces(300, 1),
        faces=_faces(300, 1),
        val=_faces(80, 2),
        people=_people(30, 1, 3),
        strangers=_people(30, 1, 4),
        enrolled=_people(205, 5, 5),
    )


@pytest.fixture(scope="module")
def made(found: CohortPredictions) -> MeasuredCohort:
    """Return their cohort."""
    return measured_cohort(found)


@pytest.fixture
def sidecar(tmp_path: Path) -> Path:
    """Return the path of a copy of the default network's sidecar, without a cohort."""
    path = tmp_path / "mobilefacenet.float32.json"
    content = json.loads((ZOO / path.name).read_text(encoding="utf-8"))
    content.pop("cohort", None)
    path.write_text(json.dumps(content))
    return path


def test_a_node_reads_what_is_written(made: MeasuredCohort, sidecar: Path) -> None:
    """The sidecar fits the contract, and a node finds the cohort and thresholds for every size and rate."""
    before = json.loads(sidecar.read_text())
    file = write_cohort(sidecar, made)
    after = json.loads(sidecar.read_text())
    jsonschema.validate(after, schema("sidecar"), format_checker=jsonschema.FormatChecker())
    section = after.pop("cohort")
    assert after == before
    assert section["command"].endswith(sidecar.name)
    read = load_sidecar(sidecar)
    cohort = load_cohort(sidecar.with_suffix(".tflite"), read)
    assert cohort is not None
    assert read.cohort is not None
    assert np.array_equal(cohort.vectors, made.cohort.vectors)
    assert (cohort.nearest, cohort.weight) == (made.cohort.nearest, made.cohort.weight)
    assert file.name == "mobilefacenet.float32.cohort.npy"
    thresholds = [read.cohort.thresholds.cosine(0.003, size) for size in SIZES]
    assert all(a <= b for a, b in pairwise(thresholds))


def test_writing_again_changes_nothing(made: MeasuredCohort, sidecar: Path) -> None:
    """The section is replaced, and keeps its place."""
    file = write_cohort(sidecar, made)
    first = sidecar.read_bytes(), file.read_bytes()
    write_cohort(sidecar, made)
    assert (sidecar.read_bytes(), file.read_bytes()) == first


def test_equal_predictions_give_equal_bytes(found: CohortPredictions, made: MeasuredCohort) -> None:
    """The draws depend on constants alone."""
    again = measured_cohort(found)
    assert again.content == made.content
    assert again.table == made.table


def test_pictures_of_the_thresholds_are_not_in_the_cohort(found: CohortPredictions, made: MeasuredCohort) -> None:
    """With other faces in the last third, only the thresholds change."""
    changed = found.faces.embeddings.copy()
    changed[2::3] = _faces(300, 9, axis=1).embeddings[2::3]
    other = Predictions(found.faces.samples, {"embedding": changed}, 0)
    again = measured_cohort(replace(found, exact=other, faces=other))
    assert again.content == made.content


def test_the_network_of_the_cohort_is_not_that_of_the_thresholds(
    found: CohortPredictions, made: MeasuredCohort
) -> None:
    """A quantised file has the cohort of the float32 file."""
    again = measured_cohort(replace(found, faces=_faces(300, 8)))
    assert again.content == made.content


def test_a_folder_that_cannot_be_written_is_an_error(made: MeasuredCohort, sidecar: Path) -> None:
    """The message names the file."""
    (sidecar.parent / "mobilefacenet.float32.cohort.npy").mkdir()
    with pytest.raises(TrainingError, match=r"cohort\.npy"):
        write_cohort(sidecar, made)
