"""Examples and the features of a teacher's backbone -> the same examples with soft labels.

A label names one group. Heads on a better backbone also give how near a face is to the other groups, which teaches more
(Hinton et al., arXiv 1503.02531). For a picture that they were trained on, they would give little but its label. So the
soft labels are cross-fitted: the labels of each fold come from heads that were trained on the other folds.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models.arrays import softmax
from models.data.cache import Arrays
from models.recipe.recipe import Recipe
from models.training.heads import Examples, train_heads


def with_soft_labels(
    examples: Examples,
    taps: Arrays,
    which: npt.NDArray[np.bool_],
    recipe: Recipe,
    epoch_done: Callable[[], None] = lambda: None,
) -> Examples:
    """Return the examples with soft labels; without [guidance] in the recipe, return them unchanged.

    Args:
        examples: every view of every picture, the views of a picture side by side.
        taps: features of the teacher's backbone, for the same views in the same order.
        which: mask of the examples that get soft labels, shape (n,); those without a known label keep their targets.
        recipe: sets the schedule of the heads, the number of folds, and the share of the teacher's scores.
        epoch_done: called after each pass over the examples.
    """
    guidance = recipe.guidance
    if guidance is None:
        return examples
    heads = {name: head.model_copy(update={"hidden": guidance.hidden}) for name, head in recipe.heads.groups.items()}
    training = recipe.training.model_copy(update={"label_smoothing": guidance.label_smoothing})
    teacher_examples = replace(examples, taps=taps)
    targets = {name: values.copy() for name, values in examples.targets.items()}
    fold = np.arange(len(which)) // recipe.views.count % guidance.folds
    for number in range(guidance.folds):
        held_out = fold == number
        teacher = train_heads(heads, teacher_examples.select(~held_out), training, recipe.seed + number, epoch_done)
        for name, values in targets.items():
            rows = held_out & which & (examples.labels[name] >= 0)
            scores = softmax(teacher.logits(name, {tap: features[rows] for tap, features in taps.items()}))
            values[rows] += np.float32(guidance.share) * (scores - values[rows])
    return replace(examples, targets=targets)
