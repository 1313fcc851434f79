"""Figures of the default network -> the first table of the model card: rates by group, before and after."""

from collections.abc import Sequence

from models.evaluation.figure import Figure
from models.evaluation.group_rates import ADULTS, GALLERY, PAIRS, SHOWN
from models.evaluation.measure import COSINE_ALONE

MARK = "groups"
"""Name of the marks in the model card between which the table stands."""
_COLUMNS = (
    ("a stranger named, one enrolled", PAIRS, 2),
    ("a stranger named, ten enrolled", GALLERY, 2),
    ("recognized", str(SHOWN), 1),
)
"""The head of each rate, its table, and its decimals in percent."""


def group_table(figures: Sequence[Figure], data: str = "utkface val") -> str:
    """Return a Markdown table with a row per group, and for each rate the cosine alone, the score that decides, and n.

    Args:
        figures: of one network.
        data: name of the pictures.
    """
    found = {(figure.data, figure.figure): figure for figure in figures}
    groups = [figure.figure for figure in figures if figure.data == f"{data}, {PAIRS}"]
    groups = [group for group in groups if not group.endswith(COSINE_ALONE)]
    heads = [f"{head}: {when}" for head, _, _ in _COLUMNS for when in ("n", "cosine alone", "now")]
    lines = [f"| group | {' | '.join(heads)} |", f"| --- | {' | '.join('---:' for _ in heads)} |"]
    for group in (*groups, ADULTS):
        cells = []
        for _, name, decimals in _COLUMNS:
            after, before = (found.get((f"{data}, {name}", f"{group}{end}")) for end in ("", COSINE_ALONE))
            cells += [str(after.n) if after else "", _percent(before, decimals), _percent(after, decimals)]
        lines.append(f"| {group} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(figure: Figure | None, decimals: int) -> str:
    if figure is None or figure.low is None or figure.high is None:
        return ""
    value, low, high = (f"{100 * number:.{decimals}f}" for number in (figure.value, figure.low, figure.high))
    return f"{value} % ({low}-{high})"
