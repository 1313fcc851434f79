"""Aligned crops and a teacher's embeddings of them -> batches for distillation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.arrays import Array, unit_rows
from models.data.augment import augmented
from models.recipe.sections import Views


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSet:
    """One data set to draw from.

    Attributes:
        crops: shape (n, height, width, 3), uint8, RGB, with the margin that augmentation needs.
        embeddings: the teacher's embeddings of each picture's views, shape (n, views, length).
        label_targets: by head, the target share of each label, shape (n, labels); rows of zeros where it is not known.
        share: relative share of the pictures drawn from this set.
    """

    crops: npt.NDArray[np.uint8]
    embeddings: Array
    label_targets: Mapping[str, Array]
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The pictures of one training step.

    Attributes:
        pictures: shape (n, height, width, 3), uint8, RGB.
        numbers: index of each picture in `Batches.targets`, shape (n,).
        label_targets: by head, shape (n, labels).
    """

    pictures: npt.NDArray[np.uint8]
    numbers: npt.NDArray[np.int64]
    label_targets: Mapping[str, Array]


class Batches:
    """Draw batches at random.

    The target of a picture is the teacher's mean embedding over several views, which is steadier than that of one view.
    The student gets a new view each time.

    Args:
        sets: the data sets.
        size: height and width of the views, pixels.
        views: bounds of the augmentation.
        seed: each step has its own random numbers, so a resumed training draws the same batches.
    """

    def __init__(self, sets: Sequence[TrainingSet], size: tuple[int, int], views: Views, seed: int) -> None:
        self._sets = sets
        self._size = size
        self._views = views
        self._seed = seed
        self._first = np.cumsum([0, *(len(part.crops) for part in sets)])
        shares = np.array([part.share for part in sets])
        self._shares = shares / shares.sum()
        self.targets = np.concatenate([unit_rows(part.embeddings.mean(axis=1)) for part in sets])
        self._label_targets = {
            head: np.concatenate([part.label_targets[head] for part in sets]) for head in sets[0].label_targets
        }

    def weights(self, head: str, balance: float) -> Array:
        """Return the weight of each label of a head, shape (labels,): n^-balance, mean 1 over the known labels."""
        label_targets = self._label_targets[head]
        numbers = np.maximum(label_targets.sum(axis=0), 1.0)
        weights = numbers**-balance
        even: Array = (weights * numbers.sum() / (weights * numbers).sum()).astype(np.float32)
        return even

    def batch(self, step: int, count: int) -> Batch:
        """Return the batch of a step, `count` pictures."""
        rng = np.random.default_rng((self._seed, step))
        of = rng.choice(len(self._sets), count, p=self._shares)
        within = [int(rng.integers(len(self._sets[part].crops))) for part in of]
        pictures = np.stack(
            [
                augmented(self._sets[part].crops[number], self._size, self._views, rng)
                for part, number in zip(of, within, strict=True)
            ]
        )
        numbers = self._first[of] + np.array(within)
        return Batch(
            pictures, numbers, {head: label_targets[numbers] for head, label_targets in self._label_targets.items()}
        )
