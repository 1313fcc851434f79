"""The manifests of the face data -> samples: pictures with their labels."""

import csv
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.data.own_people import own_people
from models.data.samples import Pair, Sample, person_id
from models.errors import DataError

VARIABLE = "FACENODE_DATA"
_DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "data"
_SPLITS = frozenset({"train", "calibration", "val", "test"})
_CALIBRATION_PEOPLE, _CALIBRATION_PICTURES = 210, 5
_AGES = frozenset({"young", "middle", "senior"})
_GENDERS = frozenset({"female", "male"})
_ETHNICITIES = frozenset({"asian", "black", "indian", "other", "white"})


def data_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of face data: FACENODE_DATA, else shared/data beside the checkout.

    Raises:
        DataError: there is no such folder.
    """
    given = (os.environ if environ is None else environ).get(VARIABLE)
    folder = Path(given) if given else _DEFAULT
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder: set {VARIABLE} to the folder of face data")
    return folder


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
    """Return 300 other people of LFW, one picture each."""
    rows = _rows(data / "lfw9" / "unknown.csv", ("path", "identity", "split"))
    return tuple(Sample(data / "lfw9" / row["path"], row["split"], row["identity"].lower()) for row in rows)


def lfw_people(data: Path) -> tuple[Sample, ...]:
    """Return the other people of LFW; no person is in two splits.

    Thresholds are measured on galleries of people that no training has seen. The manifest has too few of these with
    several pictures. So 210 people of its training split become the split `calibration`: of those with at least five
    pictures, the people with the fewest, since the others are worth more to training.
    """
    rows = _rows(data / "lfw_people" / "manifest.csv", ("path", "identity", "split"))
    pictures = Counter(row["identity"] for row in rows if row["split"] == "train")
    candidates = [person for person, count in pictures.items() if count >= _CALIBRATION_PICTURES]
    kept_out = set(sorted(candidates, key=lambda person: (pictures[person], person))[:_CALIBRATION_PEOPLE])
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
    """Return UTKFace: age, age group, gender and ethnicity group of people without names."""
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


READERS = {"lfw9": lfw9, "strangers": strangers, "lfw_people": lfw_people, "utkface": utkface}
"""The reader of each data set, by its name."""


def read(data: Path, name: str, splits: Sequence[str]) -> tuple[Sample, ...]:
    """Return the samples of some splits of a data set, in the order of its manifest.

    Args:
        data: the folder of face data.
        name: name of the data set, or the path of a folder of own people.
        splits: the splits.

    Raises:
        DataError: the data set, its manifest or a split is missing or empty, or a label is unknown.
    """
    if name not in READERS and "/" not in name:
        raise DataError(
            f"{name!r}: no such data set: name one of {', '.join(READERS)}, or the path of a folder of people"
        )
    samples = READERS[name](data) if name in READERS else own_people(Path(name))
    for sample in samples:
        _check(sample)
    chosen = tuple(sample for sample in samples if sample.split in splits)
    if not chosen:
        raise DataError(f"{data}: {name} has no pictures of {', '.join(splits)}: download its manifest again")
    return chosen


def _check(sample: Sample) -> None:
    for kind, value, known in (
        ("split", sample.split, _SPLITS),
        ("age group", sample.age or "young", _AGES),
        ("ethnicity group", sample.ethnicity or "other", _ETHNICITIES),
        ("gender", sample.gender or "female", _GENDERS),
    ):
        if value not in known:
            raise DataError(
                f"{sample.path}: {kind} {value!r} is not one of {', '.join(sorted(known))}: correct the manifest"
            )


def _years(manifest: Path, text: str) -> int:
    if not text.isdecimal():
        raise DataError(f"{manifest}: age {text!r} is not a number of years: correct the manifest")
    return int(text)


def _rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: the manifest is part of the face data") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a CSV file: {error}") from error
    missing = [column for column in columns if rows and column not in rows[0]]
    if missing or not rows:
        raise DataError(f"{path}: {'no column ' + ', '.join(missing) if missing else 'it is empty'}: download it again")
    return rows
