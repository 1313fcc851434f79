"""Aligned crops and what a teacher says of them -> batches to distil a network from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.arrays import Array, unit_rows
from models.data.augment import augmented
from models.recipe.sections import Views


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One data set of the lessons.

    Attributes:
        crops: shape (n, height, width, 3), uint8, RGB, with the margin that the views need.
        embeddings: the teacher's, of each picture's views, shape (n, views, length).
        answers: by head, the share of each label in the right answer, shape (n, labels); rows of zeros where it is
            not known.
        share: of the lessons that are taken from it.
    """

    crops: npt.NDArray[np.uint8]
    embeddings: Array
    answers: Mapping[str, Array]
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What a step learns from.

    Attributes:
        pictures: shape (n, height, width, 3), uint8, RGB.
        numbers: of the picture among all targets, shape (n,).
        answers: by head, shape (n, labels).
    """

    pictures: npt.NDArray[np.uint8]
    numbers: npt.NDArray[np.int64]
    answers: Mapping[str, Array]


class Batches:
    """Draws batches.

    The target of a picture is the mean of the teacher's embeddings over several views of it, which is steadier than
    that of one view; the student sees another view every time.

    Args:
        parts: the data sets.
        size: height and width of the views, pixels.
        views: how far they vary.
        seed: of the draws; each step has its own numbers, so a resumed training draws what it would have drawn.
    """

    def __init__(self, parts: Sequence[Part], size: tuple[int, int], views: Views, seed: int) -> None:
        self._parts = parts
        self._size = size
        self._views = views
        self._seed = seed
        self._first = np.cumsum([0, *(len(part.crops) for part in parts)])
        shares = np.array([part.share for part in parts])
        self._shares = shares / shares.sum()
        self.targets = np.concatenate([unit_rows(part.embeddings.mean(axis=1)) for part in parts])
        self._answers = {head: np.concatenate([part.answers[head] for part in parts]) for head in parts[0].answers}

    def weights(self, head: str, balance: float) -> Array:
        """Return the weight of each label of a head, shape (labels,): n^-balance, mean 1 over the known answers."""
        answers = self._answers[head]
        numbers = np.maximum(answers.sum(axis=0), 1.0)
        weights = numbers**-balance
        even: Array = (weights * numbers.sum() / (weights * numbers).sum()).astype(np.float32)
        return even

    def batch(self, step: int, count: int) -> Batch:
        """Return the batch of a step, of `count` pictures."""
        rng = np.random.default_rng((self._seed, step))
        of = rng.choice(len(self._parts), count, p=self._shares)
        within = [int(rng.integers(len(self._parts[part].crops))) for part in of]
        pictures = np.stack(
            [
                augmented(self._parts[part].crops[number], self._size, self._views, rng)
                for part, number in zip(of, within, strict=True)
            ]
        )
        numbers = self._first[of] + np.array(within)
        return Batch(pictures, numbers, {head: answers[numbers] for head, answers in self._answers.items()})
