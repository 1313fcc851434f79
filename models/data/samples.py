"""A picture and its labels."""

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
        person: the id of the person, or empty if unknown.
        age: the age group, or empty.
        ethnicity: the ethnicity group, or empty.
        years: the age in years, or None.
        gender: `female` or `male`, or empty; no head predicts it, it only groups the figures.
    """

    path: Path
    split: str
    person: str = ""
    age: str = ""
    ethnicity: str = ""
    years: int | None = None
    gender: str = ""

    def label(self, head: str) -> str:
        """Return the label for a head: `identity`, `age` or `ethnicity`."""
        return {"identity": self.person, "age": self.age, "ethnicity": self.ethnicity}[head]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, and whether they show one person."""

    left: Path
    right: Path
    same: bool


def person_id(name: str) -> str:
    """Return a person's id, such as `roh_moo-hyun` for `Roh_Moo-hyun`.

    Raises:
        DataError: no id can be made of the name.
    """
    found = re.sub(r"[^a-z0-9_-]", "", name.lower())[:32]
    if not re.fullmatch(NAME, found):
        raise DataError(f"{name!r}: no person id can be made of this name: use letters, digits, - and _")
    return found


def count_labels(samples: Sequence[Sample], head: str, labels: Sequence[str]) -> dict[str, int]:
    """Return the number of samples of each label of a head.

    Raises:
        DataError: a label has no sample, or a sample has a label that the head does not know.
    """
    numbers = dict.fromkeys(labels, 0)
    for sample in samples:
        label = sample.label(head)
        if label not in numbers:
            raise DataError(
                f"{sample.path}: {head} {label!r} is not one of {', '.join(labels)}: correct the manifest or the recipe"
            )
        numbers[label] += 1
    empty = [label for label, number in numbers.items() if not number]
    if empty:
        raise DataError(f"{head}: no picture of {', '.join(empty)}: remove the label or add pictures")
    return numbers
