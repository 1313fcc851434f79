"""Figures of detectors -> the tables of the model card, and the `metrics` of a detector's sidecar."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from models.catalogue import read_sidecar, write_sidecar
from models.errors import TrainingError
from models.evaluation.figure import Figure
from models.evaluation.report import metrics, table

MARK = "detector figures"
"""Name of the marks in the model card between which the tables stand."""

Measured = Mapping[str, Sequence[Figure]]
"""Figures by the name of the file and the runtime."""


def tables(measured: Measured) -> str:
    """Return a Markdown table for each data, with a column per detector."""
    found = dict.fromkeys(figure.data for figures in measured.values() for figure in figures)
    return "\n\n".join(f"### Detector: {data}\n\n{table(measured, data)}" for data in found)


def write_figures(path: Path, runtime: str, figures: Sequence[Figure], on: date) -> None:
    """Write the figures of one runtime into a sidecar; those of the other stay.

    Raises:
        TrainingError: the file cannot be read or written.
    """
    sidecar = read_sidecar(path)
    others = [entry for entry in sidecar.get("metrics", ()) if entry["runtime"] != runtime]
    mine = [{"runtime": runtime} | entry for entry in metrics(figures, on)]
    ordered = sorted((*others, *mine), key=lambda entry: entry["runtime"])
    try:
        write_sidecar(path, sidecar | {"metrics": ordered})
    except OSError as error:
        raise TrainingError(f"{path}: the sidecar cannot be rewritten: {error}") from error
