"""Examples of a training -> a tenth held out of it, and by that tenth the temperature of each trained head.

A head that was trained with smoothed labels and dropout says less than it knows, and on the pictures it was trained on
it is right more often than on others. So its temperature is found on pictures that it has not seen, and these are
taken from the training part: what validates a network has no part in it.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models.heads import Examples, Trained
from models.reliability import best_temperature

ONE_IN = 10


def held_out(examples: Examples, pictures: int, views: int) -> tuple[Examples, Examples]:
    """Return the examples to learn from, and one in ten of the first pictures, as they are, to find temperatures by.

    Args:
        examples: every view of every picture, the views of a picture side by side, the picture as it is first.
        pictures: of the data set that comes first, from which the tenth is taken.
        views: of each picture.
    """
    number = np.arange(len(examples.emphasis))
    picture = number // views
    held = (picture % ONE_IN == ONE_IN - 1) & (picture < pictures)
    return _chosen(examples, ~held), _chosen(examples, held & (number % views == 0))


def with_temperatures(trained: Trained, held: Examples) -> Trained:
    """Return the heads with the temperature of each, found on examples that they have not seen."""
    groups = {}
    for name, group in trained.groups.items():
        known = held.labels[name] >= 0
        logits = trained.logits(name, {tap: values[known] for tap, values in held.taps.items()})
        groups[name] = replace(group, temperature=best_temperature(logits, held.labels[name][known]))
    return Trained(trained.scales, groups)


def _chosen(examples: Examples, which: npt.NDArray[np.bool_]) -> Examples:
    return Examples(
        {tap: values[which] for tap, values in examples.taps.items()},
        {name: labels[which] for name, labels in examples.labels.items()},
        {name: targets[which] for name, targets in examples.targets.items()},
        examples.emphasis[which],
    )
