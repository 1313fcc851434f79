"""A network and the face data -> its cohort, and the thresholds of the score that it normalizes, for every group."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.arrays import Array
from models.data.samples import Sample
from models.evaluation.group_thresholds import GroupTable, raised_for_groups
from models.evaluation.groups import GroupScores, groups_of
from models.evaluation.predictions import InferenceNetwork, Predictions, predict
from models.evaluation.scoring import Scoring
from models.evaluation.thresholds import REPLICATES, by_person, threshold_table
from models.exporting.cohort_clusters import cohort_of
from node.vision.cohort import Cohort

WEIGHT, NEAREST = 0.79, 10
"""Chosen by validation with the default network; `tests/benchmarks/cohort_forms.py` prints what was tried."""
SIZES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50, 70, 100, 150, 200)
"""Numbers of people enrolled in the table. In small steps: a gallery takes the next larger one."""

_SEED = 20261124
_HELD_OUT = 3


@dataclass(frozen=True, slots=True, eq=False)
class CohortPredictions:
    """What a cohort and its thresholds are made from.

    Attributes:
        exact: `utkface` train by the network that the cohort is made with: of the same space, in float32 if there is
            such a file.
        faces: `utkface` train by the network itself.
        val: `utkface` val.
        people: `lfw_people` val.
        strangers: `lfw9/unknown` val: with `people`, the strangers of the thresholds.
        enrolled: `lfw_people` calibration, the galleries of the thresholds.
    """

    exact: Predictions
    faces: Predictions
    val: Predictions
    people: Predictions
    strangers: Predictions
    enrolled: Predictions


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredCohort:
    """A cohort and what was measured with it.

    Attributes:
        cohort: the cohort.
        content: content of its file.
        table: the thresholds.
    """

    cohort: Cohort
    content: bytes
    table: GroupTable


def predict_for_cohort(
    network: InferenceNetwork, unquantised: InferenceNetwork, data: Path, cache: Path
) -> CohortPredictions:
    """Return what the cohort of a network is made from.

    Args:
        network: the network, which the thresholds are measured with.
        unquantised: the network that the cohort is made with.
        data: the folder of face data.
        cache: the folder of the cache, for aligned crops and predictions.
    """

    def predicted(name: str, split: str, by: InferenceNetwork = network) -> Predictions:
        return predict(by, data, name, split, cache)

    return CohortPredictions(
        exact=predicted("utkface", "train", unquantised),
        faces=predicted("utkface", "train"),
        val=predicted("utkface", "val"),
        people=predicted("lfw_people", "val"),
        strangers=predicted("strangers", "val"),
        enrolled=predicted("lfw_people", "calibration"),
    )


def measured_cohort(found: CohortPredictions) -> MeasuredCohort:
    """Return the cohort of a network and its thresholds.

    Two thirds of the training pictures of UTKFace make the cohort. The last third and the validation pictures, each for
    itself, give the pairs within groups.
    """
    rows = cohort_of(*cohort_faces(found))
    content = _file(rows)
    cohort = Cohort(rows.astype(np.float32), NEAREST, WEIGHT, hashlib.sha256(content).hexdigest())
    return MeasuredCohort(cohort, content, measured_table(found, Scoring(cohort)))


def cohort_faces(found: CohortPredictions) -> tuple[tuple[Sample, ...], Array]:
    """Return the pictures that make a cohort, and their embeddings, shape (n, length)."""
    kept = ~_held_out(found.exact)
    return _chosen(found.exact, kept), found.exact.embeddings[kept]


def measured_table(
    found: CohortPredictions, scoring: Scoring, sizes: Sequence[int] = SIZES, replicates: int = REPLICATES
) -> GroupTable:
    """Return the thresholds of a score that hold for every group.

    Args:
        found: what they are measured with.
        scoring: how embeddings are compared.
        sizes: numbers of people enrolled, rising.
        replicates: bootstrap replicates of the intervals.
    """
    table = threshold_table(
        by_person(found.enrolled.samples, found.enrolled.embeddings),
        by_person(found.people.samples, found.people.embeddings)
        | by_person(found.strangers.samples, found.strangers.embeddings),
        _SEED,
        replicates=replicates,
        scoring=scoring,
        sizes=sizes,
    )
    held = _held_out(found.faces)
    groups = [
        (group.name, GroupScores.of(group, embeddings, embeddings, scoring))
        for samples, embeddings in (
            (_chosen(found.faces, held), found.faces.embeddings[held]),
            (found.val.samples, found.val.embeddings),
        )
        for group in groups_of(samples)
    ]
    return raised_for_groups(table, groups)


def _held_out(faces: Predictions) -> npt.NDArray[np.bool_]:
    held: npt.NDArray[np.bool_] = np.arange(len(faces.samples)) % _HELD_OUT == _HELD_OUT - 1
    return held


def _chosen(faces: Predictions, chosen: npt.NDArray[np.bool_]) -> tuple[Sample, ...]:
    return tuple(sample for sample, is_chosen in zip(faces.samples, chosen, strict=True) if is_chosen)


def _file(rows: npt.NDArray[np.float16]) -> bytes:
    file = io.BytesIO()
    np.save(file, rows.astype("<f2"), allow_pickle=False)
    return file.getvalue()
