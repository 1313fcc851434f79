"""What a network says of labelled pictures -> how often a head is right, and how far its scores can be believed."""

from collections.abc import Sequence

import numpy as np

from models.evaluation.calibration import apply_temperature, calibration_error
from models.evaluation.figure import Figure, share_of
from models.evaluation.metrics import recalls, wilson
from models.evaluation.predictions import Predictions


def accuracy(predictions: Predictions, data: str, head: str, labels: Sequence[str], *, per_class: bool) -> list[Figure]:
    """Return the share of right answers of a head, and where asked its mean over the classes and each class's own."""
    given = [labels[number] for number in np.argmax(predictions.heads[head], axis=1)]
    right = [sample.label(head) for sample in predictions.samples]
    figures = [share_of(data, head, wilson(sum(a == b for a, b in zip(given, right, strict=True)), len(right)))]
    if per_class:
        by_label = recalls(given, right, labels)
        balanced = float(np.mean([share.value for share in by_label.values()]))
        figures.append(Figure(data, f"{head}, balanced", balanced, len(right)))
        figures += [share_of(data, f"{head}: {label}", share) for label, share in by_label.items()]
    return figures


def missed(predictions: Predictions, data: str) -> Figure:
    """Return the share of pictures in which no face was found."""
    return share_of(data, "no face found", wilson(predictions.missed, predictions.missed + len(predictions.samples)))


def calibration_errors(
    predictions: Predictions, data: str, head: str, labels: Sequence[str], temperature: float
) -> list[Figure]:
    """Return a head's expected calibration error, and what it would be without its temperature.

    Args:
        predictions: to labelled pictures.
        data: what they are called.
        head: its name.
        labels: in the order of its scores.
        temperature: that the head was divided by when it was exported.
    """
    scores, n = predictions.heads[head], len(predictions.samples)
    right = np.array([labels.index(sample.label(head)) for sample in predictions.samples])
    before = calibration_error(apply_temperature(scores, 1 / temperature), right)
    return [
        Figure(data, f"{head}: expected calibration error", calibration_error(scores, right), n),
        Figure(data, f"{head}: expected calibration error before the temperature", before, n),
    ]
