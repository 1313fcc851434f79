"""A network and the face data -> every figure of it, with how many cases stand behind each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.data.samples import Pair
from models.evaluation.classification import accuracy, calibration_errors, missed
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
"""Of the choice of anchors, as in the recipes: so that the table for five anchors is the sidecar's own."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkPredictions:
    """What a network says of all the pictures that it is measured on.

    Attributes:
        people: of `lfw_people`'s validation part.
        enrolled: people of `lfw_people` whom no training saw, who make the galleries of the thresholds.
        refused: strangers of the thresholds, beside `people`: `lfw9/unknown`'s validation part.
        strangers: people that neither training nor thresholds saw: `lfw9/unknown`'s test part.
        utkface: of its validation part.
        nine: the nine people, test part.
        all_nine: the same, all pictures.
    """

    people: Predictions
    enrolled: Predictions
    refused: Predictions
    strangers: Predictions
    utkface: Predictions
    nine: Predictions
    all_nine: Predictions


Found = Mapping[str, tuple[Sidecar, NetworkPredictions]]
"""What is known of networks and what they say, by the network's name."""


def predict_all(network: InferenceNetwork, data: Path, cache: Path) -> NetworkPredictions:
    """Ask a network about all the pictures that it is measured on.

    Args:
        network: as a node runs it.
        data: the folder of face data.
        cache: where aligned crops and answers are kept.
    """

    def asked(name: str, split: str) -> Predictions:
        return predict(network, data, name, split, cache)

    nine = {split: asked("lfw9", split) for split in ("train", "val", "test")}
    return NetworkPredictions(
        people=asked("lfw_people", "val"),
        enrolled=asked("lfw_people", "calibration"),
        refused=asked("strangers", "val"),
        strangers=asked("strangers", "test"),
        utkface=asked("utkface", "val"),
        nine=nine["test"],
        all_nine=concatenate(list(nine.values())),
    )


def measure(
    found: NetworkPredictions, pairs: Sequence[Pair], sidecar: Sidecar, temperatures: Mapping[str, float]
) -> tuple[Figure, ...]:
    """Return every figure of a network.

    Args:
        found: what it says of the pictures.
        pairs: of `lfw_people`'s validation part.
        sidecar: of the network.
        temperatures: by head, what its scores were calibrated by.
    """
    heads = {head: sidecar.heads.labels(head) for head in ("identity", *_GROUPS) if sidecar.heads.labels(head)}
    groups = {head: labels for head, labels in heads.items() if head != "identity"}
    figures = [
        *verify(similarities(found.people, pairs)),
        *open_set(found.people, found.strangers, sidecar),
        *thresholds(found),
        *_nine(found, sidecar, heads),
        missed(found.utkface, "utkface val"),
    ]
    for head, labels in groups.items():
        figures += accuracy(found.utkface, "utkface val", head, labels, per_class=True)
        figures += calibration_errors(found.utkface, "utkface val", head, labels, temperatures.get(head, 1.0))
    if "ethnicity" in groups:
        figures.append(three_groups(found.utkface, "utkface val", groups["ethnicity"]))
    for head, labels in groups.items():
        figures += by_group(found.utkface, "utkface val", head, labels)
    return (*figures, *similar_pairs(found.utkface, "utkface val", sidecar.thresholds.cosine(SHIPPED_FPIR, 1)))


def thresholds(found: NetworkPredictions) -> list[Figure]:
    """Return the thresholds of the default rate by gallery size and by anchors a person."""
    strangers = {**by_person(found.people.samples, found.people.embeddings)}
    strangers |= by_person(found.refused.samples, found.refused.embeddings)
    enrolled = by_person(found.enrolled.samples, found.enrolled.embeddings)
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


def _nine(found: NetworkPredictions, sidecar: Sidecar, heads: Mapping[str, Sequence[str]]) -> list[Figure]:
    known = set(found.nine.persons) <= set(heads.get("identity", ()))
    figures = [missed(found.nine, "lfw9 test")]
    for head, labels in heads.items():
        if known or head != "identity":  # a closed set of other people has no answer for these
            figures += accuracy(found.nine, "lfw9 test", head, labels, per_class=False)
    if sidecar.heads.identity and known:
        figures += closed_set(found.nine, found.strangers, sidecar.heads.identity)
    return [*figures, *five_fold(found.all_nine), *person_left_out(found.all_nine)]
