"""Figures of networks -> Markdown, JSON, the `metrics` of a sidecar, and the tables of a model card."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from models.errors import TrainingError
from models.protocols import Figure
from models.sidecar import write_sidecar

BEGIN = "<!-- figures: begin -->"
END = "<!-- figures: end -->"
_DECIMALS = 4

Measured = Mapping[str, Sequence[Figure]]
"""Figures by the network's name; all networks have the same figures in the same order."""


def markdown(measured: Measured) -> str:
    """Return one table: a row a figure, a column a network."""
    names = list(measured)
    lines = [
        f"| data | figure | n | {' | '.join(names)} |",
        f"| --- | --- | ---: | {' | '.join('---:' for _ in names)} |",
    ]
    for row in zip(*measured.values(), strict=True):
        first = row[0]
        lines.append(f"| {first.data} | {first.figure} | {first.n} | {' | '.join(_cell(figure) for figure in row)} |")
    return "\n".join(lines)


def as_json(measured: Measured, on: date) -> str:
    """Return the figures by network, as the contract's `metrics` have them."""
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
    """Put the figures into a sidecar file.

    Raises:
        TrainingError: the file cannot be read or written.
    """
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        description["metrics"] = metrics(figures, on)
        write_sidecar(path, description)
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{path}: the sidecar cannot be rewritten: {error}") from error


def write_card(path: Path, tables: str) -> None:
    """Put tables between the two marks of a model card.

    Raises:
        TrainingError: the card is missing or has not both marks.
    """
    try:
        text = path.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        _, after = rest.split(END)
        path.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror or error}: name the model card") from error
    except ValueError as error:
        raise TrainingError(f"{path}: a card holds {BEGIN} and {END} once each") from error


def _cell(figure: Figure) -> str:
    if figure.low is None or figure.high is None:
        return _number(figure.value)
    return f"{_number(figure.value)} ({_number(figure.low)}-{_number(figure.high)})"


def _number(value: float) -> str:
    """Return a share as a table shows it: rounded as in a sidecar first, so that both say the same."""
    return f"{round(value, _DECIMALS):.3f}"
