"""The forms of a normalized score that were tried with the default network -> what each reaches on validation pictures.

`python -m tests.benchmarks.cohort_forms --card models/README.md`

It needs the face data. The thresholds of each form are made as those of the shipped one (`models.cohort`): they hold
for every group at the default rate. So the forms differ in whom they still recognize.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.arrays import Array
from models.catalogue import ZOO, unquantised
from models.command import run
from models.data.cache import FOLDER
from models.data.manifests import data_folder, lfw_pairs
from models.evaluation.figure import Figure
from models.evaluation.group_rates import ADULTS, GALLERY, PAIRS, SHOWN, Views, group_rates
from models.evaluation.groups import CHILDREN
from models.evaluation.identification import open_set, similarities, verify
from models.evaluation.measure import NetworkPredictions, predict_all
from models.evaluation.report import write_card
from models.evaluation.scoring import COSINE, SHIPPED_FPIR, Decision, Scoring
from models.exporting.cohort_clusters import CLUSTERS, cohort_of
from models.exporting.cohort_thresholds import (
    NEAREST,
    WEIGHT,
    CohortPredictions,
    cohort_faces,
    measured_table,
    predict_for_cohort,
)
from node.vision.cohort import Cohort
from node.vision.sidecar import Sidecar, Threshold, Thresholds
from node.vision.tflite import Network

_SIZES = (1, 10, 12, 50)
_SPREADS = 20.0
"""S-norm counts in standard deviations: a twentieth of it lies between -1 and 1, as the tables expect."""
_UTKFACE = "utkface val"
_TWELVE = "lfw_people val, 12 people from 5 photos"
_WITH_TEN = Views(SHOWN.photos, SHOWN.looks, 10)


@dataclass(frozen=True, slots=True, eq=False)
class SNorm(Scoring):
    """Symmetric normalization (Shum et al., 2010): what is usual is subtracted, and divided by its spread."""

    def scores(self, probes: Array, anchors: Array) -> Array:
        """Return the mean of the score normalized for the probe and for the anchor, shape (probes, anchors)."""
        cosines = probes @ anchors.T
        (left, left_spread), (right, right_spread) = self._usual(probes), self._usual(anchors)
        by_probe = (cosines - left[:, np.newaxis]) / left_spread[:, np.newaxis]
        scores: Array = (by_probe + (cosines - right) / right_spread) / 2 / _SPREADS
        return scores

    def paired(self, left: Array, right: Array) -> Array:
        """Return the score of each row with the row beside it, shape (n,)."""
        return np.array([self.scores(a[np.newaxis], b[np.newaxis])[0, 0] for a, b in zip(left, right, strict=True)])

    def _usual(self, embeddings: Array) -> tuple[Array, Array]:
        assert self.cohort is not None
        nearest = np.sort(embeddings @ self.cohort.vectors.T, axis=1)[:, -self.cohort.nearest :]
        return nearest.mean(axis=1), nearest.std(axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Tried(Decision):
    """A form with thresholds of its own."""

    how: Scoring = COSINE
    table: Thresholds | None = None

    @property
    def scoring(self) -> Scoring:
        """How embeddings are compared."""
        return self.how

    @property
    def thresholds(self) -> Thresholds:
        """The table of thresholds of that score."""
        assert self.table is not None
        return self.table


def forms(found: CohortPredictions) -> Iterator[tuple[str, Scoring]]:
    """Return the name and the score of each form that was tried."""
    yield "cosine", COSINE
    samples, embeddings = cohort_faces(found)
    for clusters in (25, 50, CLUSTERS, 100):
        rows = cohort_of(samples, embeddings, clusters).astype(np.float32)
        for nearest in (5, NEAREST, 20, 50):
            if clusters == CLUSTERS or nearest == NEAREST:
                yield _name("mean", clusters, nearest, WEIGHT), Scoring(Cohort(rows, nearest, WEIGHT, ""))
        if clusters == CLUSTERS:
            for weight in (0.6, 0.7, 0.75, 0.85, 1.0):
                yield _name("mean", clusters, NEAREST, weight), Scoring(Cohort(rows, NEAREST, weight, ""))
            for nearest in (20, 50, 100):
                yield _name("S-norm", clusters, nearest, 1.0), SNorm(Cohort(rows, nearest, 1.0, ""))


def _name(form: str, clusters: int, nearest: int, weight: float) -> str:
    return f"{form}, {clusters} clusters, nearest {nearest}" + (f", weight {weight:g}" if form == "mean" else "")


def row(
    name: str, scoring: Scoring, found: CohortPredictions, predictions: NetworkPredictions, sidecar: Sidecar
) -> str:
    """Return the row of a form in the table."""
    made = measured_table(found, scoring, _SIZES, replicates=1)
    table = Thresholds(
        anchors_per_person=5,
        rows=tuple(Threshold(fpir=each.fpir, gallery=each.gallery, cosine=each.cosine) for each in made.rows),
    )
    decision = Tried(sidecar, None, scoring, table)
    figures = [
        *group_rates(predictions.utkface, predictions.second_views, predictions.noisy_utkface, _UTKFACE, decision),
        *open_set(predictions.people, predictions.strangers, decision),
        *verify(similarities(predictions.people, lfw_pairs(data_folder()), scoring)),
    ]
    values = {(figure.data, figure.figure): figure.value for figure in figures}
    cells = [
        f"{100 * _worst(figures, PAIRS):.2f}",
        f"{100 * values[f'{_UTKFACE}, {PAIRS}', CHILDREN]:.2f}",
        f"{100 * _worst(figures, GALLERY):.2f}",
        f"{100 * values[f'{_UTKFACE}, {GALLERY}', CHILDREN]:.2f}",
        f"{values[_TWELVE, 'TPIR at FPIR 1 %']:.3f}",
        f"{values[_TWELVE, 'TPIR at the shipped threshold']:.3f}",
        f"{values['lfw_people val', 'verification, 10-fold balanced']:.4f}",
        *(
            f"{values[f'{_UTKFACE}, {views}', group]:.3f}"
            for views in (SHOWN, _WITH_TEN)
            for group in (ADULTS, CHILDREN)
        ),
    ]
    return f"| {name} | {' | '.join(cells)} |"


def _worst(figures: list[Figure], table: str) -> float:
    """Return the highest share of a group of adults."""
    return max(figure.value for figure in figures if figure.data == f"{_UTKFACE}, {table}" and "," in figure.figure)


def _print(path: Path, card: Path | None) -> None:
    data = data_folder()
    network, exact = (Network(of.with_suffix(".tflite")) for of in (path, unquantised(path)))
    found, predictions = predict_for_cohort(network, exact, data, FOLDER), predict_all(network, data, FOLDER)
    heads = (
        "pairs: worst adults, %", "children, %", "ten enrolled: worst adults, %", "children, %", "TPIR at FPIR 1 %",
        "TPIR as shipped", "verification", "second views: adults", "children", "with ten enrolled: adults", "children",
    )  # fmt: skip
    lines = [f"| form | {' | '.join(heads)} |", f"| --- | {' | '.join('---:' for _ in heads)} |"]
    print(*lines, sep="\n")
    for name, scoring in forms(found):
        lines.append(row(name, scoring, found, predictions, network.sidecar))
        print(lines[-1], flush=True)
    how = f"{network.sidecar.name}, thresholds for {100 * SHIPPED_FPIR:g} % of every group; runtime: {network.runtime}."
    print(f"\n{how}")
    if card:
        write_card(card, "\n".join([*lines, "", how]), "forms")


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sidecar", type=Path, nargs="?", default=ZOO / "mobilefacenet.float32.json")
    parser.add_argument("--card", type=Path, help="write the table between the marks of a model card")
    given = parser.parse_args()
    return run(lambda: _print(given.sidecar, given.card))


if __name__ == "__main__":
    sys.exit(main())
