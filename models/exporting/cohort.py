"""A measured cohort -> its file beside a network, and its section in the network's sidecar."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.catalogue import read_sidecar, write_sidecar
from models.errors import TrainingError
from models.evaluation.thresholds import ANCHORS
from models.exporting.cohort_thresholds import MeasuredCohort

_ORIGIN = (
    "means of clusters of at least five faces of UTKFace, nobody's own embedding: k-means within ethnicity, gender and "
    "age (under 12, 12 to 17, 18 and above) on two thirds of the training pictures"
)
_TERMS = "UTKFace: non-commercial research"
_DATA = (
    "as the table of the cosine, of the normalized score; then raised until the rate holds for the pairs of every "
    "group (adults by ethnicity and gender, 12 to 17 years, children under 12), both in the third of UTKFace's "
    "training pictures that is not in the cohort and in its validation pictures, and twice the rate holds at the upper "
    "end of the 95 % interval (people drawn anew 200 times); larger galleries are raised by as much as a gallery of "
    "one, rates below 0.3 % by as much as 0.3 %"
)


def write_cohort(path: Path, made: MeasuredCohort) -> Path:
    """Write the file of a cohort and its section in a sidecar; return the path of the file.

    Args:
        path: the sidecar.
        made: the cohort.

    Raises:
        TrainingError: the sidecar cannot be read, or the folder is not writable.
    """
    before = read_sidecar(path)
    file = path.with_name(f"{path.stem}.cohort.npy")
    after: dict[str, Any] = {}
    for key, value in before.items():
        if key != "cohort":
            after[key] = value
        if key == "thresholds":
            after["cohort"] = _section(path, file, made)
    try:
        file.write_bytes(made.content)
        write_sidecar(path, after)
    except OSError as error:
        raise TrainingError(
            f"{file}: {error.strerror or error}: the zoo needs a writable disk with free space"
        ) from error
    return file


def _section(path: Path, file: Path, made: MeasuredCohort) -> dict[str, Any]:
    cohort, table = made.cohort, made.table
    return {
        "file": file.name,
        "sha256": cohort.sha256,
        "form": "mean",
        "weight": cohort.weight,
        "nearest": cohort.nearest,
        "origin": _ORIGIN,
        "terms": _TERMS,
        "command": f"python -m models.cohort {path.parent.parent.name}/{path.parent.name}/{path.name}",
        "thresholds": {
            "anchors_per_person": ANCHORS,
            "data": _DATA,
            "rows": [asdict(row) for row in table.rows],
            "raised": [asdict(each) for each in table.raised],
        },
        "unmet": list(table.unmet),
    }
