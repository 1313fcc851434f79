"""A network and the face data -> all its figures, each with its number of cases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.data.crops import DETECTOR
from models.data.samples import Pair
from models.evaluation.classification import accuracy, calibration_errors, no_face_found
from models.evaluation.cross_validation import five_fold, person_left_out
from models.evaluation.fairness import by_group, three_groups
from models.evaluation.figure import Figure
from models.evaluation.group_rates import NEEDED_VIEWS, group_rates
from models.evaluation.identification import closed_set, noisy_open_set, open_set, similarities, verify
from models.evaluation.predictions import Degraded, InferenceNetwork, Predictions, concatenate, predict
from models.evaluation.scoring import SHIPPED_FPIR, Decision
from models.evaluation.self_recognition import LOOKS, own_pictures_recognized
from models.evaluation.thresholds import ANCHORS, by_person, threshold_table
from node.vision.sidecar import Sidecar

_GROUPS = ("age", "ethnicity")
_FEWER_ANCHORS = (1, 2, ANCHORS)
_SEED = 20261124
"""Seed of the choice of anchors; that of the recipes, so that the table for five anchors equals the sidecar's."""
COSINE_ALONE = ", by the cosine alone"
"""Ends the name of a figure that stands beside that of the normalized score."""


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
        second_views: `utkface` val, several degraded second views of each picture.
        noisy_utkface: `utkface` val, small and noisy.
        noisy_people: `lfw_people` val, several small and noisy views of each picture.
        noisy_enrolled: `lfw_people` calibration, likewise.
        noisy_strangers: `lfw9/unknown` test, small and noisy.
    """

    people: Predictions
    enrolled: Predictions
    threshold_strangers: Predictions
    strangers: Predictions
    utkface: Predictions
    nine: Predictions
    all_nine: Predictions
    second_views: Sequence[Predictions]
    noisy_utkface: Predictions
    noisy_people: Sequence[Predictions]
    noisy_enrolled: Sequence[Predictions]
    noisy_strangers: Predictions


PredictionsByNetwork = Mapping[str, tuple[Decision, NetworkPredictions]]
"""How each network decides and its predictions, by its name."""


def predict_all(network: InferenceNetwork, data: Path, cache: Path, *, detector: Path = DETECTOR) -> NetworkPredictions:
    """Return the predictions of a network for all pictures that it is measured on.

    Args:
        network: the network.
        data: the folder of face data.
        cache: the folder of the cache, for aligned crops and predictions.
        detector: the detector's file.
    """

    def predicted(name: str, split: str, view: Degraded | None = None) -> Predictions:
        return predict(network, data, name, split, cache, detector=detector, view=view)

    def noisy(name: str, split: str, looks: int = LOOKS) -> list[Predictions]:
        return [predicted(name, split, Degraded("small and noisy", number)) for number in range(looks)]

    nine = {split: predicted("lfw9", split) for split in ("train", "val", "test")}
    return NetworkPredictions(
        people=predicted("lfw_people", "val"),
        enrolled=predicted("lfw_people", "calibration"),
        threshold_strangers=predicted("strangers", "val"),
        strangers=predicted("strangers", "test"),
        utkface=predicted("utkface", "val"),
        nine=nine["test"],
        all_nine=concatenate(list(nine.values())),
        second_views=[predicted("utkface", "val", Degraded("second view", number)) for number in range(NEEDED_VIEWS)],
        noisy_utkface=noisy("utkface", "val", 1)[0],
        noisy_people=noisy("lfw_people", "val"),
        noisy_enrolled=noisy("lfw_people", "calibration"),
        noisy_strangers=noisy("strangers", "test", 1)[0],
    )


def measure(
    predictions: NetworkPredictions, pairs: Sequence[Pair], decision: Decision, temperatures: Mapping[str, float]
) -> tuple[Figure, ...]:
    """Return all figures of a network; with a cohort, those that depend on it also by the cosine alone.

    Args:
        predictions: its predictions.
        pairs: the pairs of `lfw_people` val.
        decision: how it decides.
        temperatures: by head, the temperature of its softmax.
    """
    sidecar = decision.sidecar
    heads = {head: sidecar.heads.labels(head) for head in ("identity", *_GROUPS) if sidecar.heads.labels(head)}
    groups = {head: labels for head, labels in heads.items() if head != "identity"}
    figures = [
        *_before_and_after(decision, lambda by: identity_figures(predictions, pairs, by)),
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
    return tuple(figures)


def identity_figures(predictions: NetworkPredictions, pairs: Sequence[Pair], decision: Decision) -> list[Figure]:
    """Return all figures of verification and identification."""
    known, noisy = predictions.people, predictions.noisy_people
    everybody = concatenate([known, predictions.enrolled])
    noisy_everybody = [
        concatenate([val, enrolled]) for val, enrolled in zip(noisy, predictions.noisy_enrolled, strict=True)
    ]
    return [
        *group_rates(predictions.utkface, predictions.second_views, predictions.noisy_utkface, "utkface val", decision),
        *verify(similarities(known, pairs, decision.scoring)),
        *open_set(known, predictions.strangers, decision),
        *noisy_open_set(known, noisy[0], predictions.noisy_strangers, decision),
        *own_pictures_recognized(everybody, noisy_everybody, decision),
        *threshold_figures(predictions, decision),
    ]


def threshold_figures(predictions: NetworkPredictions, decision: Decision) -> list[Figure]:
    """Return the thresholds of the default rate, by gallery size and anchors per person, not raised for any group."""
    strangers = {**by_person(predictions.people.samples, predictions.people.embeddings)}
    strangers |= by_person(predictions.threshold_strangers.samples, predictions.threshold_strangers.embeddings)
    enrolled = by_person(predictions.enrolled.samples, predictions.enrolled.embeddings)
    return [
        Figure(
            f"threshold for {100 * row.fpir:g} % of strangers of LFW",
            f"{row.gallery} enrolled by {anchors} photo{'s' * (anchors > 1)} each",
            row.cosine,
            row.strangers,
            row.low,
            row.high,
        )
        for anchors in _FEWER_ANCHORS
        for row in threshold_table(enrolled, strangers, _SEED, anchors, scoring=decision.scoring)
        if row.fpir == SHIPPED_FPIR
    ]


def _before_and_after(decision: Decision, measured: Callable[[Decision], list[Figure]]) -> list[Figure]:
    """Return figures of the score that decides, each followed by that of the cosine alone."""
    after = measured(decision)
    if decision.cohort is None:
        return after
    before = measured(replace(decision, cohort=None))
    return [
        figure
        for pair in zip(after, before, strict=True)
        for figure in (pair[0], replace(pair[1], figure=f"{pair[1].figure}{COSINE_ALONE}"))
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
