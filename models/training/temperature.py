"""Examples of a training -> a tenth held out of it, and by that tenth the temperature of each head.

A head that was trained with smoothed labels and dropout says less than it knows, and on the pictures it was trained on
it is right more often than on others. So its temperature is found on pictures that it has not seen, and these are
taken from the training part: what validates a network has no part in it. Heads trained without the tenth have very
nearly the temperature of heads trained on everything, so that these get it and no picture is lost.
"""

from dataclasses import replace

import numpy as np

from models.evaluation.calibration import fit_temperature
from models.training.heads import Examples, TrainedHeads

ONE_IN = 10


def hold_out(examples: Examples, pictures: int, views: int) -> tuple[Examples, Examples]:
    """Return the examples with one in ten of the first pictures weighing nothing, and those pictures as they are.

    Args:
        examples: every view of every picture, the views of a picture side by side, the picture as it is first.
        pictures: of the data set that comes first, from which the tenth is taken.
        views: of each picture.
    """
    number = np.arange(len(examples.emphasis))
    picture = number // views
    held = (picture % ONE_IN == ONE_IN - 1) & (picture < pictures)
    weightless = np.where(held, 0, examples.emphasis).astype(np.float32)
    return replace(examples, emphasis=weightless), examples.chosen(held & (number % views == 0))


def with_temperatures(trained: TrainedHeads, others: TrainedHeads, held: Examples) -> TrainedHeads:
    """Return trained heads with the temperature of others, which were trained alike but for the examples held out.

    A head of whose labels none were held out keeps its own.
    """
    groups = {}
    for name, group in trained.groups.items():
        known = held.labels[name] >= 0
        if not known.any():
            groups[name] = group
            continue
        logits = others.logits(name, {tap: values[known] for tap, values in held.taps.items()})
        groups[name] = replace(group, temperature=fit_temperature(logits, held.labels[name][known]))
    return TrainedHeads(trained.scales, groups)
