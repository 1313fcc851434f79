"""Training examples -> a tenth of them held out, and the temperature of each head fitted on that tenth.

A head trained with smoothed labels and dropout is underconfident, and on its training pictures it is right more often
than on others. So its temperature is fitted on pictures that it has not seen. These come from the training split, so
the validation pictures take no part. Heads trained without the tenth have nearly the same temperature as heads trained
on everything. So the final heads train on every picture and take the temperature of the others.
"""

from dataclasses import replace

import numpy as np

from models.evaluation.calibration import fit_temperature
from models.training.heads import Examples, TrainedHeads

ONE_IN = 10


def hold_out(examples: Examples, pictures: int, views: int) -> tuple[Examples, Examples]:
    """Return the examples with the held-out ones at weight 0, and the held-out pictures, one unvaried view each.

    Args:
        examples: every view of every picture, the views of a picture side by side, the unvaried view first.
        pictures: number of pictures in the first data set; one in ten of these is held out.
        views: number of views of each picture.
    """
    number = np.arange(len(examples.emphasis))
    picture = number // views
    held = (picture % ONE_IN == ONE_IN - 1) & (picture < pictures)
    weightless = np.where(held, 0, examples.emphasis).astype(np.float32)
    return replace(examples, emphasis=weightless), examples.select(held & (number % views == 0))


def with_temperatures(trained: TrainedHeads, others: TrainedHeads, held: Examples) -> TrainedHeads:
    """Return the trained heads with the temperatures of heads that were trained without the held-out examples.

    Args:
        trained: heads trained on all examples.
        others: heads trained the same way, without the held-out examples.
        held: the held-out examples; a head without a label among them keeps its own temperature.
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
