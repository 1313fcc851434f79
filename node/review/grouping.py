"""Entries of the inbox -> groups of those that show one person, the most useful first. Pure.

Faces are joined by average linkage: two groups become one if the mean margin of all pairs between them is at least 0.
A single pair that is alike by chance joins nobody, and one bad look splits nobody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from node.domain import Vector
from node.people.likeness import UNCERTAIN, Comparison, Nearest
from node.review.entry import ReviewEntry

Compare = Callable[[Vector], Nearest | None]
"""Returns the person who is nearest to a face."""


class Use(IntEnum):
    """How useful it is to look at a group; the lowest comes first."""

    STRANGER_AGAIN = 0
    UNCERTAIN = 1
    OTHER = 2
    UNUSABLE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """An entry, and who is nearest to it among the people known now.

    Attributes:
        entry: the entry.
        nearest: who is nearest; None without candidates, or without a usable look.
    """

    entry: ReviewEntry
    nearest: Nearest | None

    @property
    def uncertain(self) -> bool:
        """Whether the name that the events gave, or that they gave none, is a close call."""
        if self.nearest is None:
            return False
        if self.entry.person is None:
            return self.nearest.margin > -UNCERTAIN
        return self.nearest.margin < UNCERTAIN or self.nearest.person != self.entry.person


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Entries that show one person.

    Attributes:
        entries: latest first.
        use: how useful it is to look at them.
    """

    entries: tuple[Compared, ...]
    use: Use


def grouped(entries: Sequence[ReviewEntry], compare: Compare, same: Comparison) -> tuple[Group, ...]:
    """Return entries in groups: strangers seen several times, uncertain names, the rest; the latest first in each.

    Args:
        entries: latest first.
        compare: returns the person who is nearest to a face.
        same: how faces that may be of one person are compared.
    """
    usable = [entry for entry in entries if entry.embedding is not None]
    rows = [entry.embedding for entry in usable if entry.embedding is not None]
    groups = [[usable[number] for number in sorted(members)] for members in linked(rows, same)]
    groups += [[entry] for entry in entries if entry.embedding is None]
    found = [_group([Compared(each, _nearest(each, compare)) for each in members]) for members in groups]
    place = {entry.id: number for number, entry in enumerate(entries)}

    def order(group: Group) -> tuple[int, int, int]:
        often = -len(group.entries) if group.use is Use.STRANGER_AGAIN else 0
        return group.use, often, place[group.entries[0].entry.id]

    return tuple(sorted(found, key=order))


def linked(rows: Sequence[Vector], same: Comparison) -> list[list[int]]:
    """Return the numbers of faces in groups, by average linkage (UPGMA; Sokal and Michener 1958).

    Args:
        rows: embeddings of one space, each of shape (n,), float32, unit length.
        same: how they are compared; two groups become one if the mean margin of all pairs is at least 0.
    """
    if not rows:
        return []
    faces = same.faces(rows)
    links = same.margins(faces, faces).astype(np.float64)
    np.fill_diagonal(links, -np.inf)
    groups: dict[int, list[int]] = {number: [number] for number in range(len(rows))}
    while len(groups) > 1:
        first, second = (int(each) for each in np.unravel_index(int(np.argmax(links)), links.shape))
        if links[first, second] < 0:
            break
        a, b = len(groups[first]), len(groups[second])
        joined = (a * links[first] + b * links[second]) / (a + b)
        joined[first] = -np.inf
        links[first], links[:, first] = joined, joined
        links[second], links[:, second] = -np.inf, -np.inf
        groups[first] += groups.pop(second)
    return list(groups.values())


def _group(members: Sequence[Compared]) -> Group:
    if all(each.entry.embedding is None for each in members):
        return Group(tuple(members), Use.UNUSABLE)
    names = {each.entry.person for each in members}
    if names == {None} and len(members) > 1:
        return Group(tuple(members), Use.STRANGER_AGAIN)
    if len(names) > 1 or any(each.uncertain for each in members):
        return Group(tuple(members), Use.UNCERTAIN)
    return Group(tuple(members), Use.OTHER)


def _nearest(entry: ReviewEntry, compare: Compare) -> Nearest | None:
    return None if entry.embedding is None else compare(entry.embedding)
