"""The manifests of the face data -> samples: a picture, and what is known of the person in it."""

import csv
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import DataError

VARIABLE = "FACENODE_DATA"
_DEFAULT = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
_SPLITS = frozenset({"train", "calibration", "val", "test"})
_CALIBRATION_PEOPLE, _CALIBRATION_PICTURES = 210, 5
_AGES = frozenset({"young", "middle", "senior"})
_GENDERS = frozenset({"female", "male"})
_ETHNICITIES = frozenset({"asian", "black", "indian", "other", "white"})
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_OWN_PICTURES = 5
_FEWEST_PEOPLE = 2  # for an answer to be a choice
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


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


def data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of face data: FACENODE_DATA, else shared/data beside the checkout.

    Raises:
        DataError: there is no such folder.
    """
    given = (os.environ if environ is None else environ).get(VARIABLE)
    folder = Path(given) if given else _DEFAULT
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of face data: set {VARIABLE} to it")
    return folder


def person_id(name: str) -> str:
    """Return the id of a person of a data set, such as `roh_moo-hyun` of `Roh_Moo-hyun`.

    Raises:
        DataError: the name gives none.
    """
    found = re.sub(r"[^a-z0-9_-]", "", name.lower())[:32]
    if not _ID.fullmatch(found):
        raise DataError(f"{name!r}: gives no person id: use letters, digits, - and _")
    return found


def lfw9(data: Path) -> tuple[Sample, ...]:
    """Return the nine people of LFW: identity, age group and ethnicity group."""
    rows = _rows(data / "lfw9" / "manifest.csv", ("path", "identity", "age_group", "ethnicity_group", "split"))
    return tuple(
        Sample(
            data / "lfw9" / row["path"],
            row["split"],
            person_id(row["identity"]),
            row["age_group"],
            row["ethnicity_group"],
        )
        for row in rows
    )


def strangers(data: Path) -> tuple[Sample, ...]:
    """Return 300 other people of LFW with one picture each."""
    rows = _rows(data / "lfw9" / "unknown.csv", ("path", "identity", "split"))
    return tuple(Sample(data / "lfw9" / row["path"], row["split"], row["identity"].lower()) for row in rows)


def lfw_people(data: Path) -> tuple[Sample, ...]:
    """Return the other people of LFW; no person is in two splits.

    Thresholds are measured on galleries of people that no training saw. The manifest has too few of them with several
    pictures, so 210 people of its training part are kept out of training as the split `calibration`: of those with
    five pictures or more the ones with fewest, since the others are worth more to training.
    """
    rows = _rows(data / "lfw_people" / "manifest.csv", ("path", "identity", "split"))
    pictures = Counter(row["identity"] for row in rows if row["split"] == "train")
    able = [person for person, count in pictures.items() if count >= _CALIBRATION_PICTURES]
    kept_out = set(sorted(able, key=lambda person: (pictures[person], person))[:_CALIBRATION_PEOPLE])
    return tuple(
        Sample(
            data / "lfw_people" / row["path"],
            "calibration" if row["identity"] in kept_out else row["split"],
            row["identity"].lower(),
        )
        for row in rows
    )


def lfw_pairs(data: Path) -> tuple[Pair, ...]:
    """Return the validation pairs of `lfw_people`."""
    rows = _rows(data / "lfw_people" / "pairs_val.csv", ("left", "right", "same"))
    folder = data / "lfw_people"
    return tuple(Pair(folder / row["left"], folder / row["right"], row["same"] == "1") for row in rows)


def utkface(data: Path) -> tuple[Sample, ...]:
    """Return UTKFace: age group and ethnicity group of people without a name."""
    manifest = data / "utkface" / "manifest.csv"
    return tuple(
        Sample(
            data / "utkface" / row["path"],
            row["split"],
            age=row["age_group"],
            ethnicity=row["ethnicity"],
            years=_years(manifest, row["age"]),
            gender=row["gender"],
        )
        for row in _rows(manifest, ("path", "age", "gender", "age_group", "ethnicity", "split"))
    )


def own_people(folder: Path) -> tuple[Sample, ...]:
    """Return the people of a folder that has a folder of pictures for each; every fifth picture is for validation.

    Raises:
        DataError: there is no such folder, nobody in it, or somebody with fewer than five pictures.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder: it holds a folder of pictures for each person")
    samples = []
    for home in sorted(path for path in folder.iterdir() if path.is_dir()):
        pictures = sorted(path for path in home.iterdir() if path.suffix.lower() in _PICTURES)
        if len(pictures) < _OWN_PICTURES:
            raise DataError(
                f"{home}: {len(pictures)} pictures ({', '.join(sorted(_PICTURES))}): a person needs {_OWN_PICTURES} or "
                "more; take the folder away to leave them out"
            )
        person = person_id(home.name)
        samples += [
            Sample(path, "val" if number % _OWN_PICTURES == _OWN_PICTURES - 1 else "train", person)
            for number, path in enumerate(pictures)
        ]
    if len({sample.person for sample in samples}) < _FEWEST_PEOPLE:
        raise DataError(f"{folder}: fewer than two people: it holds a folder of pictures for each")
    return tuple(samples)


READERS = {"lfw9": lfw9, "strangers": strangers, "lfw_people": lfw_people, "utkface": utkface}
"""How each data set is read, by its name."""


def read(data: Path, name: str, splits: Sequence[str]) -> tuple[Sample, ...]:
    """Return the samples of some splits of a data set, in the order of its manifest.

    Args:
        data: the folder of face data.
        name: of the data set, or the path of a folder of own people.
        splits: which.

    Raises:
        DataError: the data set, its manifest or a split of it is missing or empty, or a label is not known.
    """
    if name not in READERS and "/" not in name:
        raise DataError(
            f"{name!r}: no such data set: there are {', '.join(READERS)}, or a folder of people by its path"
        )
    samples = READERS[name](data) if name in READERS else own_people(Path(name))
    for sample in samples:
        _check(sample)
    chosen = tuple(sample for sample in samples if sample.split in splits)
    if not chosen:
        raise DataError(f"{data}: {name} has no pictures of {', '.join(splits)}: fetch its manifest again")
    return chosen


def counted(samples: Sequence[Sample], head: str, labels: Sequence[str]) -> dict[str, int]:
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


def _check(sample: Sample) -> None:
    for kind, value, known in (
        ("split", sample.split, _SPLITS),
        ("age group", sample.age or "young", _AGES),
        ("ethnicity group", sample.ethnicity or "other", _ETHNICITIES),
        ("gender", sample.gender or "female", _GENDERS),
    ):
        if value not in known:
            raise DataError(f"{sample.path}: {kind} {value!r} is not among {', '.join(sorted(known))}")


def _years(manifest: Path, text: str) -> int:
    if not text.isdecimal():
        raise DataError(f"{manifest}: age {text!r} is no number of years")
    return int(text)


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: the manifest belongs to the face data") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file: {error}") from error
    missing = [column for column in columns if rows and column not in rows[0]]
    if missing or not rows:
        raise DataError(f"{path}: {'no column ' + ', '.join(missing) if missing else 'it is empty'}: fetch it again")
    return rows
