"""A table of thresholds and the scores within groups of people -> a table that holds for the worst group.

The strangers of the table are people of LFW, most of them white men. For a gallery of one, the share of strangers that
are named is the share of pairs that reach the threshold, which is known for every group of a larger data set. So the
thresholds of a rate are raised until it holds for the pairs of every group: by point estimate, and up to twice the rate
at the upper end of the 95 % interval. Larger galleries are raised by as much: the pairs that decide there are so few
that those that show one person twice outnumber them. For the same reason a rate below the default is raised by as much
as the default.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.evaluation.groups import GroupScores
from models.evaluation.scoring import SHIPPED_FPIR
from models.evaluation.thresholds import ThresholdRow


@dataclass(frozen=True, slots=True)
class Raised:
    """By how much the thresholds of a rate are raised, and for which group."""

    fpir: float
    by: float
    group: str


@dataclass(frozen=True, slots=True)
class GroupTable:
    """Thresholds that hold for the worst group.

    Attributes:
        rows: the table.
        raised: by how much each rate is raised; a rate that holds for every group is not in it.
        unmet: the groups and rates for which the table does not hold, such as `asian, male at 0.1 %`.
    """

    rows: tuple[ThresholdRow, ...]
    raised: tuple[Raised, ...]
    unmet: tuple[str, ...]


NamedScores = Sequence[tuple[str, GroupScores]]
"""The name of each group and the scores of its pairs; a group that is in two data sets is there twice."""


def raised_for_groups(rows: Sequence[ThresholdRow], groups: NamedScores) -> GroupTable:
    """Return a table of thresholds that holds for every group, and the groups and rates for which it does not.

    Args:
        rows: the table for strangers of no known group, with a gallery of one for each rate.
        groups: the groups.
    """
    alone = {row.fpir: row.cosine for row in rows if row.gallery == 1}
    raised = {rate: _raised(rate, least, groups) for rate, least in alone.items() if rate >= SHIPPED_FPIR}
    default = raised[SHIPPED_FPIR]
    all_raised = {rate: raised.get(rate, replace(default, fpir=rate)) for rate in alone}
    table = _never_falling([_higher(row, all_raised[row.fpir].by) for row in rows])
    ones = {row.fpir: row.cosine for row in table if row.gallery == 1}
    unmet = [
        f"{name} at {100 * rate:g} %"
        for rate, threshold in sorted(ones.items(), reverse=True)
        for name, scores in groups
        if (share := scores.share(threshold)).value > rate or share.high > 2 * rate
    ]
    return GroupTable(table, tuple(each for each in all_raised.values() if each.by > 0), tuple(dict.fromkeys(unmet)))


def _raised(rate: float, least: float, groups: NamedScores) -> Raised:
    needed, worst = max((scores.least(rate, surely=True), name) for name, scores in groups)
    return Raised(rate, max(0.0, round(needed - least, 3)), worst)


def _higher(row: ThresholdRow, by: float) -> ThresholdRow:
    cosine, low, high = (min(1.0, round(value + by, 3)) for value in (row.cosine, row.low, row.high))
    return replace(row, cosine=cosine, low=low, high=high)


def _never_falling(rows: Sequence[ThresholdRow]) -> tuple[ThresholdRow, ...]:
    """Return the rows, each at least as high as those of a higher rate, which may be raised by more."""
    least = {
        (row.gallery, row.fpir): max(
            other.cosine for other in rows if other.gallery == row.gallery and other.fpir >= row.fpir
        )
        for row in rows
    }
    return tuple(_higher(row, least[row.gallery, row.fpir] - row.cosine) for row in rows)
