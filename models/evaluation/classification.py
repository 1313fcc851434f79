"""Predictions for labelled pictures -> accuracy and calibration of a head."""

from collections.abc import Sequence

import numpy as np

from models.evaluation.calibration import apply_temperature, calibration_error
from models.evaluation.figure import Figure, share_of
from models.evaluation.metrics import recalls, wilson
from models.evaluation.predictions import Predictions


def accuracy(predictions: Predictions, data: str, head: str, labels: Sequence[str], *, per_class: bool) -> list[Figure]:
    """Return the accuracy of a head; with `per_class` also the balanced accuracy and the recall of each class."""
    given = [labels[number] for number in np.argmax(predictions.heads[head], axis=1)]
    right = [sample.label(head) for sample in predictions.samples]
    figures = [share_of(data, head, wilson(sum(a == b for a, b in zip(given, right, strict=True)), len(right)))]
    if per_class:
        by_label = recalls(given, right, labels)
        balanced = float(np.mean([share.value for share in by_label.values()]))
        figures.append(Figure(data, f"{head}, balanced", balanced, len(right)))
        figures += [share_of(data, f"{head}: {label}", share) for label, share in by_label.items()]
    return figures


def no_face_found(predictions: Predictions, data: str) -> Figure:
    """Return the share of pictures in which no face was found."""
    return share_of(data, "no face found", wilson(predictions.missed, predictions.missed + len(predictions.samples)))


def calibration_errors(
    predictions: Predictions, data: str, head: str, labels: Sequence[str], temperature: float
) -> list[Figure]:
    """Return the expected calibration error of a head, with and without its temperature.

    Args:
        predictions: predictions for labelled pictures.
        data: name of the pictures.
        head: name of the head.
        labels: its labels, in the order of its scores.
        temperature: the temperature in the exported head.
    """
    scores, n = predictions.heads[head], len(predictions.samples)
    right = np.array([labels.index(sample.label(head)) for sample in predictions.samples])
    before = calibration_error(apply_temperature(scores, 1 / temperature), right)
    return [
        Figure(data, f"{head}: expected calibration error", calibration_error(scores, right), n),
        Figure(data, f"{head}: expected calibration error before the temperature", before, n),
    ]
