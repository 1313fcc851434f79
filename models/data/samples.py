"""A picture, and what is known of the person in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import DataError
from models.names import NAME


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture.

    Attributes:
        path: the picture.
        split: `train`, `calibration`, `val` or `test`.
        person: the id of the person, or empty where it is not known.
        age: the age group, or empty.
        ethnicity: the ethnicity group, or empty.
        years: the age in years, or None.
        gender: `female` or `male`, or empty: no head answers it, it only tells whom a figure is about.
    """

    path: Path
    split: str
    person: str = ""
    age: str = ""
    ethnicity: str = ""
    years: int | None = None
    gender: str = ""

    def label(self, head: str) -> str:
        """Return what a head should answer: `identity`, `age` or `ethnicity`."""
        return {"identity": self.person, "age": self.age, "ethnicity": self.ethnicity}[head]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, and whether they show one person."""

    left: Path
    right: Path
    same: bool


def person_id(name: str) -> str:
    """Return the id of a person of a data set, such as `roh_moo-hyun` of `Roh_Moo-hyun`.

    Raises:
        DataError: the name gives none.
    """
    found = re.sub(r"[^a-z0-9_-]", "", name.lower())[:32]
    if not re.fullmatch(NAME, found):
        raise DataError(f"{name!r}: gives no person id: use letters, digits, - and _")
    return found


def count_labels(samples: Sequence[Sample], head: str, labels: Sequence[str]) -> dict[str, int]:
    """Return how many samples each label of a head has.

    Raises:
        DataError: a label has none, or a sample carries a label that the head has not.
    """
    numbers = dict.fromkeys(labels, 0)
    for sample in samples:
        label = sample.label(head)
        if label not in numbers:
            raise DataError(f"{sample.path}: {head} {label!r} is not among {', '.join(labels)}")
        numbers[label] += 1
    empty = [label for label, number in numbers.items() if not number]
    if empty:
        raise DataError(f"{head}: no picture of {', '.join(empty)}: drop the label or add pictures")
    return numbers
