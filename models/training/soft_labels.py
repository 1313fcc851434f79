"""Examples and what a teacher's backbone sees in them -> the same with answers that the teacher's heads have a part in.

A label says one group; heads on a better backbone say how near a face is to the others, which is more to learn from
(Hinton et al., arXiv 1503.02531). Of a picture they have learnt from they would say little but its label: so each
picture is asked about after a training on others.
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
    """Return the examples with the teacher's part in the right answers; a recipe without [guidance] changes nothing.

    Args:
        examples: every view of every picture, the views of a picture side by side.
        taps: of the teacher's backbone, of the same views in the same order.
        which: of the examples the teacher is asked about, shape (n,); it answers where a label is known.
        recipe: says how the heads are trained, in how many folds, and how much the teacher's answers count.
        epoch_done: called after each pass over the examples.
    """
    guidance = recipe.guidance
    if guidance is None:
        return examples
    heads = {name: head.model_copy(update={"hidden": guidance.hidden}) for name, head in recipe.heads.groups.items()}
    training = recipe.training.model_copy(update={"label_smoothing": guidance.label_smoothing})
    seen = replace(examples, taps=taps)
    targets = {name: values.copy() for name, values in examples.targets.items()}
    fold = np.arange(len(which)) // recipe.views.count % guidance.folds
    for number in range(guidance.folds):
        asked = fold == number
        teacher = train_heads(heads, seen.chosen(~asked), training, recipe.seed + number, epoch_done)
        for name, values in targets.items():
            told = asked & which & (examples.labels[name] >= 0)
            said = softmax(teacher.logits(name, {tap: rows[told] for tap, rows in taps.items()}))
            values[told] += np.float32(guidance.share) * (said - values[told])
    return replace(examples, targets=targets)
