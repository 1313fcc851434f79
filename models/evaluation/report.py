"""Figures of networks -> Markdown tables, JSON, the `metrics` of a sidecar, and the tables of a model card."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from models.catalogue import read_sidecar, write_sidecar
from models.errors import TrainingError
from models.evaluation.fairness import WORST
from models.evaluation.figure import Figure

FIGURES = "figures"
"""Name of the marks in a model card between which the networks' tables stand."""
_DECIMALS = 4
_SMALL = 0.01

Measured = Mapping[str, Sequence[Figure]]
"""Figures by the network's name."""

_NINE, _FOLDS, _LEFT_OUT, _OTHERS = (
    "lfw9 test",
    "lfw9, all pictures in five folds",
    "lfw9, each person by what was learnt from the eight others",
    "utkface val",
)
_BESIDE = (
    ("identity, nine people", _NINE, "identity"),
    ("age", _NINE, "age"),
    ("ethnicity", _NINE, "ethnicity"),
    ("identity, five folds", _FOLDS, "identity"),
    ("age, five folds", _FOLDS, "age"),
    ("ethnicity, five folds", _FOLDS, "ethnicity"),
    ("age, person left out", _LEFT_OUT, "age"),
    ("ethnicity, person left out", _LEFT_OUT, "ethnicity"),
    ("age, other people", _OTHERS, "age"),
    ("ethnicity of three, other people", _OTHERS, "ethnicity, three groups"),
)
_PAPER = (
    ("paper's MobileNet", "0.990", "0.993", "0.995"),
    ("paper's MobileNetV2", "0.983", "0.973", "0.990"),
    ("paper's InceptionV3", "0.933", "0.956", "0.975"),
)
"""Scientific Reports 15:28467 (2025): identity, age and ethnicity; the paper gives no n that we know of."""


def markdown(measured: Measured) -> str:
    """Return all tables: the paper's protocol, the worst groups, and all figures by data set."""
    tables = [f"### The paper's protocol and other people\n\n{beside_the_paper(measured)}"]
    if any(WORST in figure.data for figures in measured.values() for figure in figures):
        tables.append(f"### Worst groups\n\n{worst_cells(measured)}")
    rest = dict.fromkeys(figure.data for figures in measured.values() for figure in figures if WORST not in figure.data)
    return "\n\n".join([*tables, *(f"### {data}\n\n{table(measured, data)}" for data in rest)])


def beside_the_paper(measured: Measured) -> str:
    """Return a table with a row per network, the paper's first, and a column per figure."""
    lines = [
        f"| network | {' | '.join(name for name, _, _ in _BESIDE)} |",
        f"| --- | {' | '.join('---:' for _ in _BESIDE)} |",
    ]
    lines += [f"| {' | '.join([*row, *('' for _ in _BESIDE[len(row) - 1 :])])} |" for row in _PAPER]
    for name, figures in measured.items():
        found = {(figure.data, figure.figure): figure for figure in figures}
        cells = [_cell(found.get((data, figure))) for _, data, figure in _BESIDE]
        lines.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(lines)


def worst_cells(measured: Measured) -> str:
    """Return a table of the worst group of each head and network."""
    lines = ["| network | groups by | worst group | accuracy | n |", "| --- | --- | --- | ---: | ---: |"]
    for name, figures in measured.items():
        for figure in figures:
            _, worst, kind = figure.data.partition(f", {WORST} ")
            if worst:
                lines.append(f"| {name} | {kind} | {figure.figure} | {_cell(figure)} | {figure.n} |")
    return "\n".join(lines)


def as_json(measured: Measured, on: date) -> str:
    """Return the figures by network as JSON, in the shape of a sidecar's `metrics`."""
    return json.dumps({name: metrics(figures, on) for name, figures in measured.items()}, indent=2)


def metrics(figures: Sequence[Figure], on: date) -> list[dict[str, Any]]:
    """Return a sidecar's `metrics`."""
    entries = []
    for figure in figures:
        entry = {"data": figure.data, "figure": figure.figure, "value": round(figure.value, _DECIMALS), "n": figure.n}
        if figure.low is not None and figure.high is not None:
            entry |= {"low": round(figure.low, _DECIMALS), "high": round(figure.high, _DECIMALS)}
        entries.append(entry | {"date": on.isoformat()})
    return entries


def write_metrics(path: Path, figures: Sequence[Figure], on: date) -> None:
    """Write the figures into a sidecar file.

    Raises:
        TrainingError: the file cannot be read or written.
    """
    try:
        write_sidecar(path, read_sidecar(path) | {"metrics": metrics(figures, on)})
    except OSError as error:
        raise TrainingError(f"{path}: the sidecar cannot be rewritten: {error}") from error


def write_card(path: Path, tables: str, name: str = FIGURES) -> None:
    """Write tables between two marks of a model card, `<!-- NAME: begin -->` and `<!-- NAME: end -->`.

    Raises:
        TrainingError: the card is missing or lacks a mark.
    """
    begin, end = (f"<!-- {name}: {place} -->" for place in ("begin", "end"))
    try:
        text = path.read_text(encoding="utf-8")
        before, rest = text.split(begin)
        _, after = rest.split(end)
        path.write_text(f"{before}{begin}\n{tables}\n{end}{after}", encoding="utf-8")
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror or error}: name an existing model card") from error
    except ValueError as error:
        raise TrainingError(f"{path}: the card must contain {begin} and {end}, each once") from error


def table(measured: Measured, data: str) -> str:
    """Return a table with a row per figure and a column per network; a missing figure is an empty cell."""
    columns = [{figure.figure: figure for figure in figures if figure.data == data} for figures in measured.values()]
    lines = [
        f"| figure | n | {' | '.join(measured)} |",
        f"| --- | ---: | {' | '.join('---:' for _ in measured)} |",
    ]
    for name in dict.fromkeys(name for column in columns for name in column):
        row = [column.get(name) for column in columns]
        numbers = dict.fromkeys(str(figure.n) for figure in row if figure)
        lines.append(f"| {name} | {', '.join(numbers)} | {' | '.join(_cell(figure) for figure in row)} |")
    return "\n".join(lines)


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    if figure.low is None or figure.high is None:
        return _number(figure.value)
    return f"{_number(figure.value)} ({_number(figure.low)}-{_number(figure.high)})"


def _number(value: float) -> str:
    """Return a share as text, rounded first as in a sidecar, so that both agree; a small one has one digit more."""
    rounded = round(value, _DECIMALS)
    return f"{rounded:.4f}" if 0 < abs(rounded) < _SMALL else f"{rounded:.3f}"
