"""A network and the face data -> all its figures, each with its number of cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.data.crops import DETECTOR
from models.data.samples import Pair
from models.evaluation.classification import accuracy, calibration_errors, no_face_found
from models.evaluation.cross_validation import five_fold, person_left_out
from models.evaluation.fairness import by_group, similar_pairs, three_groups
from models.evaluation.figure import Figure
from models.evaluation.identification import SHIPPED_FPIR, closed_set, open_set, similarities, verify
from models.evaluation.predictions import InferenceNetwork, Predictions, concatenate, predict
from models.evaluation.thresholds import ANCHORS, by_person, threshold_table
from node.vision.sidecar import Sidecar

_GROUPS = ("age", "ethnicity")
_FEWER_ANCHORS = (1, 2, ANCHORS)
_SEED = 20261124
"""Seed of the choice of anchors; that of the recipes, so that the table for five anchors equals the sidecar's."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkPredictions:
    """The predictions of a network for all pictures that it is measured on.

    Attributes:
        people: `lfw_people` val.
        enrolled: `lfw_people` calibration: people that no training has seen, the galleries of the thresholds.
        threshold_strangers: `lfw9/unknown` val: with `people`, the strangers of the thresholds.
        strangers: `lfw9/unknown` test: people that neither training nor thresholds have seen.
        utkface: `utkface` val.
        nine: `lfw9` test.
        all_nine: `lfw9`, all splits.
    """

    people: Predictions
    enrolled: Predictions
    threshold_strangers: Predictions
    strangers: Predictions
    utkface: Predictions
    nine: Predictions
    all_nine: Predictions


PredictionsByNetwork = Mapping[str, tuple[Sidecar, NetworkPredictions]]
"""Sidecar and predictions of each network, by its name."""


def predict_all(network: InferenceNetwork, data: Path, cache: Path, *, detector: Path = DETECTOR) -> NetworkPredictions:
    """Return the predictions of a network for all pictures that it is measured on.

    Args:
        network: the network.
        data: the folder of face data.
        cache: the folder of the cache, for aligned crops and predictions.
        detector: the detector's file.
    """

    def predicted(name: str, split: str) -> Predictions:
        return predict(network, data, name, split, cache, detector=detector)

    nine = {split: predicted("lfw9", split) for split in ("train", "val", "test")}
    return NetworkPredictions(
        people=predicted("lfw_people", "val"),
        enrolled=predicted("lfw_people", "calibration"),
        threshold_strangers=predicted("strangers", "val"),
        strangers=predicted("strangers", "test"),
        utkface=predicted("utkface", "val"),
        nine=nine["test"],
        all_nine=concatenate(list(nine.values())),
    )


def measure(
    predictions: NetworkPredictions, pairs: Sequence[Pair], sidecar: Sidecar, temperatures: Mapping[str, float]
) -> tuple[Figure, ...]:
    """Return all figures of a network.

    Args:
        predictions: its predictions.
        pairs: the pairs of `lfw_people` val.
        sidecar: its sidecar.
        temperatures: by head, the temperature of its softmax.
    """
    heads = {head: sidecar.heads.labels(head) for head in ("identity", *_GROUPS) if sidecar.heads.labels(head)}
    groups = {head: labels for head, labels in heads.items() if head != "identity"}
    figures = [
        *verify(similarities(predictions.people, pairs)),
        *open_set(predictions.people, predictions.strangers, sidecar),
        *threshold_figures(predictions),
        *_nine(predictions, sidecar, heads),
        no_face_found(predictions.utkface, "utkface val"),
    ]
    for head, labels in groups.items():
        figures += accuracy(predictions.utkface, "utkface val", head, labels, per_class=True)
        figures += calibration_errors(predictions.utkface, "utkface val", head, labels, temperatures.get(head, 1.0))
    if "ethnicity" in groups:
        figures.append(three_groups(predictions.utkface, "utkface val", groups["ethnicity"]))
    for head, labels in groups.items():
        figures += by_group(predictions.utkface, "utkface val", head, labels)
    return (*figures, *similar_pairs(predictions.utkface, "utkface val", sidecar.thresholds.cosine(SHIPPED_FPIR, 1)))


def threshold_figures(predictions: NetworkPredictions) -> list[Figure]:
    """Return the thresholds of the default rate, by gallery size and anchors per person."""
    strangers = {**by_person(predictions.people.samples, predictions.people.embeddings)}
    strangers |= by_person(predictions.threshold_strangers.samples, predictions.threshold_strangers.embeddings)
    enrolled = by_person(predictions.enrolled.samples, predictions.enrolled.embeddings)
    return [
        Figure(
            f"threshold for {100 * row.fpir:g} % of strangers",
            f"{row.gallery} enrolled by {anchors} photo{'s' * (anchors > 1)} each",
            row.cosine,
            row.strangers,
            row.low,
            row.high,
        )
        for anchors in _FEWER_ANCHORS
        for row in threshold_table(enrolled, strangers, _SEED, anchors)
        if row.fpir == SHIPPED_FPIR
    ]


def _nine(predictions: NetworkPredictions, sidecar: Sidecar, heads: Mapping[str, Sequence[str]]) -> list[Figure]:
    known = set(predictions.nine.persons) <= set(heads.get("identity", ()))
    figures = [no_face_found(predictions.nine, "lfw9 test")]
    for head, labels in heads.items():
        if known or head != "identity":  # a closed set of other people cannot name the nine
            figures += accuracy(predictions.nine, "lfw9 test", head, labels, per_class=False)
    if sidecar.heads.identity and known:
        figures += closed_set(predictions.nine, predictions.strangers, sidecar.heads.identity)
    return [*figures, *five_fold(predictions.all_nine), *person_left_out(predictions.all_nine)]
